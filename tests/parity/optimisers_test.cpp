// Optimisers, clipping, averages of weights and schedules against PyTorch.
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/clip.h>
#include <gradus/optim/ema.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/schedule.h>
#include <gradus/optim/sgd.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::test;

namespace {

const Golden& golden() {
  static const Golden file("optimisers");
  return file;
}

std::vector<NamedTensor> starting_weights() {
  std::vector<NamedTensor> weights;
  for (const auto& [name, w] : golden().group("start")) weights.push_back({name, w.clone().requires_grad_()});
  return weights;
}

void set_gradients(const std::vector<NamedTensor>& weights, std::int64_t step) {
  for (const auto& [name, w] : weights) {
    w.zero_grad();
    sum(w * golden()["gradients/" + name][step]).backward();
  }
}

// Ten steps with the gradients given, each held against PyTorch's.
template <class Rule>
void check_rule(const std::string& name, const typename Rule::Options& options,
                const std::vector<optim::Group>& groups = {}, const optim::Schedule& schedule = {}) {
  INFO(name);
  const std::vector<NamedTensor> weights = starting_weights();
  Rule rule(weights, options, groups);
  for (std::int64_t step = 0; step < 10; ++step) {
    if (schedule) rule.set_lr(schedule(step));
    set_gradients(weights, step);
    rule.step();
    for (const auto& [key, w] : weights) check_agrees(key, w.detach(), golden()[name + "/" + key][step]);
  }
}

void check_rates(const std::string& name, const optim::Schedule& schedule) {
  std::vector<double> rates;
  for (std::int64_t step = 0; step < 50; ++step) rates.push_back(schedule(step));
  check_agrees(name, from_vector(rates), golden()["rates/" + name]);
}

}  // namespace

TEST_CASE("SGD with momentum, Nesterov's look ahead and decay agrees with PyTorch", "[parity]") {
  check_rule<optim::SGD>("sgd", {.lr = 0.1});
  check_rule<optim::SGD>("sgd momentum", {.lr = 0.1, .momentum = 0.9});
  check_rule<optim::SGD>("sgd nesterov", {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  check_rule<optim::SGD>("sgd decay", {.lr = 0.1, .weight_decay = 0.2});
  check_rule<optim::SGD>("sgd nesterov decay",
                         {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = true});
}

TEST_CASE("Adagrad and RMSprop agree with PyTorch", "[parity]") {
  check_rule<optim::Adagrad>("adagrad", {.lr = 0.1, .eps = 1e-8});
  check_rule<optim::Adagrad>("adagrad decay", {.lr = 0.1, .weight_decay = 0.2});
  check_rule<optim::RMSprop>("rmsprop", {.lr = 0.1});
  check_rule<optim::RMSprop>("rmsprop decay", {.lr = 0.1, .alpha = 0.9, .eps = 1e-6, .weight_decay = 0.2});
}

TEST_CASE("Adam and AdamW, in groups and with warm-up, agree with PyTorch", "[parity]") {
  check_rule<optim::Adam>("adam", {.lr = 0.1});
  check_rule<optim::Adam>("adam of 2017", {.lr = 0.1, .beta2 = 0.98, .eps = 1e-9});
  check_rule<optim::Adam>("adam decay", {.lr = 0.1, .weight_decay = 0.2});
  check_rule<optim::AdamW>("adamw", {.lr = 0.1});
  check_rule<optim::AdamW>("adamw decay",
                           {.lr = 0.1, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-6, .weight_decay = 0.2});
  optim::Group biases = optim::no_decay();
  biases.lr_ratio = 0.5;
  check_rule<optim::AdamW>("adamw groups", {.lr = 0.1, .weight_decay = 0.2}, {biases});
  check_rule<optim::Adam>("adam with warm-up", {.beta2 = 0.98, .eps = 1e-9}, {},
                          optim::Noam{.width = 16, .warmup = 4});
}

TEST_CASE("PyTorch's AdamW decays apart from the gradient and in proportion to lr, as ours does",
          "[parity]") {
  // The first step of Adam is lr g / (|g| + eps), whatever the betas; the decay is beside it or inside g.
  const Tensor w = golden()["start/weight"], g = golden()["gradients/weight"][0];
  const Tensor adamw = golden()["adamw groups/weight"][0];
  const auto stepped = [&](const Tensor& slope) { return w - 0.1 * slope / (abs(slope) + 1e-8); };
  CHECK(agrees(stepped(g) - 0.1 * 0.2 * w, adamw));
  CHECK_FALSE(agrees(stepped(g) - 0.2 * w, adamw));
  CHECK_FALSE(agrees(stepped(g + 0.2 * w), adamw));
  CHECK(agrees(stepped(g + 0.2 * w), golden()["adam decay/weight"][0]));
}

TEST_CASE("clipping of gradients agrees with PyTorch, but for the 1e-6 that it adds to the norm",
          "[parity]") {
  std::vector<NamedTensor> weights = starting_weights();
  set_gradients(weights, 0);
  const double norm = optim::clip_grad_norm(weights, 0.7);
  CHECK(norm == Approx(golden()["clipped by norm/norm"].item()).epsilon(1e-9));
  for (const auto& [name, w] : weights)
    check_agrees(name, w.grad() * (norm / (norm + 1e-6)), golden()["clipped by norm/" + name]);

  set_gradients(weights, 0);
  optim::clip_grad_value(weights, 0.3);
  for (const auto& [name, w] : weights) check_agrees(name, w.grad(), golden()["clipped by value/" + name]);
}

TEST_CASE("the moving average of weights agrees with PyTorch", "[parity]") {
  std::vector<NamedTensor> weights = starting_weights();
  optim::Ema ema(weights, {.decay = 0.9});
  for (std::int64_t step = 0; step < 10; ++step) {
    for (const auto& [name, w] : weights) w.detach().copy_(golden()["sgd momentum/" + name][step]);
    ema.update();
  }
  for (const auto& [name, mean] : ema.state()) check_agrees(name, mean, golden()["moving average/" + name]);
}

TEST_CASE("schedules agree with PyTorch", "[parity]") {
  check_rates("step", optim::StepDecay{.lr = 0.1, .every = 7, .factor = 0.5});
  check_rates("cosine", optim::Cosine{.lr = 0.1, .steps = 50, .last = 0.01});
  check_rates("linear", optim::LinearDecay{.lr = 0.1, .steps = 50, .last = 0.01});
  check_rates("warm-up and cosine decay", optim::Cosine{.lr = 0.1, .steps = 50, .warmup = 8});
  check_rates("warm-up and linear decay", optim::LinearDecay{.lr = 0.1, .steps = 50, .warmup = 8});
  check_rates("noam", optim::Noam{.width = 16, .warmup = 8});
  check_rates("one-cycle", optim::OneCycle{.lr = 0.1, .steps = 50});

  optim::ReduceOnPlateau plateau({.lr = 0.1, .factor = 0.5, .patience = 3, .least = 0.005});
  std::vector<double> rates = {0.1};
  for (const double metric : golden()["metrics"].to_vector<double>()) rates.push_back(plateau(metric));
  rates.pop_back();
  check_agrees("plateau", from_vector(rates), golden()["rates/plateau"]);
}
