#include "support/golden.h"

#include <algorithm>
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/io/safetensors.h>

#include "support/catch.h"

namespace gradus::test {
namespace {

double largest(const Tensor& x) {
  double found = 0;
  for (const double element : x.to(f64).to_vector<double>())
    found = std::isnan(element) ? element : std::max(found, std::abs(element));
  return found;
}

void check_all_agree(const std::string& what, const NamedValues& ours, const NamedValues& reference) {
  REQUIRE(ours.names() == reference.names());
  for (const auto& [name, value] : reference) check_agrees(what + "/" + name, ours[name], value);
}

// Weights move both ways: PyTorch's load under the names and shapes that they have there, and what we would
// save is the same again.
void check_state(nn::Module& module, const NamedValues& state) {
  module.load_state(state.list());
  const NamedValues ours = module.state();
  REQUIRE(ours.names() == state.names());
  for (const auto& [name, value] : state) {
    INFO("state/" << name);
    CHECK(equal(ours[name], value));
  }
}

void check_case(const Golden& golden, const std::string& name, const ParityCase& parity) {
  const auto group = [&](const std::string& kind) { return golden.group(name + "/" + kind); };
  const NamedValues state = group("state"), gradients = group("grad"), c = group("weight_of");
  if (parity.module) {
    parity.module->to(f64);
    check_state(*parity.module, state);
  }

  std::vector<NamedTensor> leaves, inputs;
  for (const auto& [key, value] : group("in")) {
    inputs.push_back({key, value.clone()});
    if (gradients[key].defined()) leaves.push_back({key, inputs.back().value.requires_grad_()});
  }
  std::vector<NamedTensor> descending = parity.module ? parity.module->parameters() : leaves;
  if (descending.empty()) descending = leaves;
  if (parity.module)
    for (const NamedTensor& parameter : parity.module->parameters()) leaves.push_back(parameter);

  const auto gradients_of = [](const Tensor& loss, const std::vector<NamedTensor>& of) {
    std::vector<Tensor> tensors;
    for (const NamedTensor& x : of) tensors.push_back(x.value);
    tensors = grad({loss}, tensors);
    std::vector<NamedTensor> named;
    for (std::size_t i = 0; i < of.size(); ++i) named.push_back({of[i].name, tensors[i]});
    return NamedValues(named);
  };

  const NamedValues outputs = parity.call(inputs);
  check_all_agree("out", outputs, group("out"));
  Tensor weighted;
  for (const auto& [key, y] : outputs)
    weighted = weighted.defined() ? weighted + sum(c[key] * y) : sum(c[key] * y);
  check_all_agree("grad", gradients_of(weighted, leaves), gradients);

  if (parity.module) parity.module->load_state(state.list());
  const double rate = golden[name + "/rate"].item();
  std::vector<double> losses;
  for (int step = 0; step < 10; ++step) {
    Tensor loss;
    for (const auto& [key, y] : parity.call(inputs)) {
      const Tensor part = 0.5 * sum(square(y - c[key]));
      loss = loss.defined() ? loss + part : part;
    }
    losses.push_back(loss.item());
    const NamedValues slope = gradients_of(loss, descending);
    for (auto& [key, x] : descending) x.detach().sub_(rate * slope[key]);
  }
  check_agrees("losses", from_vector(losses), golden[name + "/losses"]);

  std::vector<NamedTensor> after = descending;
  if (parity.module)
    for (const NamedTensor& buffer : parity.module->buffers()) after.push_back(buffer);
  check_all_agree("after", after, group("after"));
}

}  // namespace

Tensor NamedValues::operator[](const std::string& name) const {
  for (const auto& [key, value] : list_)
    if (key == name) return value;
  return {};
}

std::vector<std::string> NamedValues::names() const {
  std::vector<std::string> names;
  for (const NamedTensor& x : list_) names.push_back(x.name);
  std::sort(names.begin(), names.end());
  return names;
}

Golden::Golden(const std::string& family)
    : tensors_(
          read_safetensors(GRADUS_SOURCE_DIR "/tests/parity/golden/" + family + ".safetensors").tensors) {}

Tensor Golden::operator[](const std::string& name) const {
  const Tensor found = tensors_[name];
  INFO(name);
  REQUIRE(found.defined());
  return found;
}

NamedValues Golden::group(const std::string& beginning) const {
  std::vector<NamedTensor> found;
  for (const auto& [name, value] : tensors_)
    if (name.starts_with(beginning + "/")) found.push_back({name.substr(beginning.size() + 1), value});
  return found;
}

std::vector<std::string> Golden::cases() const {
  std::vector<std::string> found;
  for (const NamedTensor& x : tensors_) found.push_back(x.name.substr(0, x.name.find('/')));
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

bool agrees(const Tensor& ours, const Tensor& reference) {
  if (ours.shape() != reference.shape() || ours.dtype() != reference.dtype()) return false;
  return largest(ours.detach() - reference) <= 1e-9 * largest(reference);
}

void check_agrees(const std::string& what, const Tensor& ours, const Tensor& reference) {
  INFO(what << "\nours\n" << ours << "\nreference\n" << reference);
  CHECK(agrees(ours, reference));
}

ParityCase function(std::function<NamedValues(const NamedValues&)> call) {
  return {nullptr, std::move(call)};
}

void check_family(const std::string& family, const std::map<std::string, ParityCase>& cases) {
  const Golden golden(family);
  std::vector<std::string> names;
  for (const auto& named : cases) names.push_back(named.first);
  REQUIRE(golden.cases() == names);
  for (const auto& [name, parity] : cases) {
    INFO(family << ": " << name);
    check_case(golden, name, parity);
  }
}

}  // namespace gradus::test
