// ELMo: what each direction may know, what padding may not change, and the mix of its layers.
#include <gradus/models/elmo.h>

#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/op_table.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

Elmo wide(const Elmo::Options& options) {
  Elmo model(options);
  model.to(f64);
  return model;
}

// Two rows of different words, the second one of 3 words.
const Tensor& two_rows() {
  static const Tensor ids = tensor({{3, 1, 4, 0, 5}, {2, 6, 7, 8, 9}}, i64);
  return ids;
}
const Tensor& two_lengths() {
  static const Tensor lengths = tensor({5, 3}, i64);
  return lengths;
}

bool close(const Tensor& a, const Tensor& b) { return allclose(a.detach(), b.detach(), 1e-12, 1e-13); }

}  // namespace

TEST_CASE("ELMo learns one batch by heart, in both directions", "[model]") {
  const Elmo model({.vocabulary = 10, .width = 16});
  optim::Adam optimiser(model, {.lr = 0.05});
  double last = 0;
  for (int step = 0; step < 300; ++step) {
    optimiser.zero_grad();
    const Tensor loss = model.loss(two_rows(), two_lengths());
    last = loss.item();
    loss.backward();
    optimiser.step();
  }
  CHECK(last < 1e-3);
}

TEST_CASE("ahead, a layer's state knows no later word; back, no earlier one; neither knows padding",
          "[model][grad]") {
  const Elmo model = wide({.vocabulary = 10, .width = 3});
  const std::vector<Tensor> layers = model.features(two_rows(), two_lengths());
  REQUIRE(layers.size() == 3);
  const Array ids(two_rows());
  const std::int64_t lengths[] = {5, 3};
  for (std::size_t j = 0; j < layers.size(); ++j) {
    CHECK(layers[j].shape() == Shape{2, 5, 6});
    for (std::int64_t row = 0; row < 2; ++row)
      for (std::int64_t t = 0; t < 5; ++t)
        for (const bool ahead : {true, false}) {
          const Tensor half = layers[j][row][t].slice(0, ahead ? 0 : 3, ahead ? 3 : 6);
          const Tensor slope =
              grad({sum(half * randn({3}, f64))}, {model.embedding.weight}, {}, {.retain_graph = true})[0];
          // Each word stands in one place of both rows: its vector's gradient is that of the place.
          for (std::int64_t other = 0; other < 2; ++other)
            for (std::int64_t s = 0; s < 5; ++s) {
              INFO("layer " << j << (ahead ? ", ahead" : ", back") << ", row " << row << " place " << t
                            << ", word " << s << " of row " << other);
              const bool both_real = t < lengths[row] && s < lengths[row];
              const bool may_know = j == 0 ? s == t : ahead ? s <= t : s >= t;
              const auto word = static_cast<std::int64_t>(ids.at({other, s}));
              CHECK((sum(abs(slope[word])).item() != 0) == (other == row && both_real && may_know));
            }
        }
  }
}

TEST_CASE("padding changes neither ELMo's layers nor its loss", "[model]") {
  const Elmo model = wide({.vocabulary = 10, .width = 3});
  const std::vector<Tensor> padded = model.features(two_rows(), two_lengths());
  const Tensor first = two_rows().slice(0, 0, 1), second = two_rows().slice(0, 1, 2).slice(1, 0, 3);
  const std::vector<Tensor> of_first = model.features(first), of_second = model.features(second);
  for (std::size_t j = 0; j < padded.size(); ++j) {
    CHECK(close(padded[j][0], of_first[j][0]));
    CHECK(close(padded[j][1].slice(0, 0, 3), of_second[j][0]));
    CHECK(equal(padded[j][1].slice(0, 3, 5).detach(), zeros({2, 6}, f64)));
  }
  // The mean over the targets of all rows: 4 and 2 in each direction.
  const double mean = (4 * model.loss(first).item() + 2 * model.loss(second).item()) / 6;
  CHECK(model.loss(two_rows(), two_lengths()).item() == Approx(mean).epsilon(1e-13));

  const Tensor loss = model.loss(two_rows(), two_lengths());
  const Tensor slope = grad({loss}, {model.embedding.weight})[0];
  for (const std::int64_t word : {3, 1, 4, 0, 5, 2, 6, 7}) CHECK(sum(abs(slope[word])).item() > 0);
  for (const std::int64_t word : {8, 9}) CHECK(sum(abs(slope[word])).item() == 0);
}

TEST_CASE("read from behind by the other direction's weights, a text is as likely", "[model]") {
  const Elmo model = wide({.vocabulary = 10, .width = 3});
  Elmo mirrored = model.clone();
  std::swap(mirrored.forward_layers, mirrored.backward_layers);
  CHECK(mirrored.loss(flip(two_rows(), 1)).item() == Approx(model.loss(two_rows()).item()).epsilon(1e-13));
  CHECK(mirrored.loss(two_rows()).item() != Approx(model.loss(two_rows()).item()).epsilon(1e-6));
}

TEST_CASE("rows of a single word have nothing to be told", "[model]") {
  const Elmo model = wide({.vocabulary = 10, .width = 3});
  CHECK(model.loss(two_rows().slice(1, 0, 1)).item() == 0);
  CHECK(model.loss(two_rows(), tensor({1, 1}, i64)).item() == 0);
  CHECK(model.features(two_rows().slice(1, 0, 1))[2].shape() == Shape{2, 1, 6});
}

TEST_CASE("ELMo has the right gradients", "[model][grad]") {
  const Elmo model = wide({.vocabulary = 10, .width = 2});
  CHECK_THAT(nn::gradcheck(model, [&] { return model.loss(two_rows(), two_lengths()); }), passes_gradcheck());
}

TEST_CASE("the layers are mixed as the formula says, and begin with equal shares", "[model]") {
  LayerMix mix({.layers = 3});
  mix.to(f64);
  const std::vector<Tensor> layers = {randn({2, 4, 6}, f64), randn({2, 4, 6}, f64), randn({2, 4, 6}, f64)};
  CHECK(close(mix(layers), (layers[0] + layers[1] + layers[2]) / 3));

  mix.scores.detach().copy_(randn({3}, f64));
  mix.gamma.detach().fill_(1.7);
  const Array s(mix.scores.detach()), mixed(mix(layers).detach());
  const double total = std::exp(s[0]) + std::exp(s[1]) + std::exp(s[2]);
  for_each_index({2, 4, 6}, [&](const std::vector<std::int64_t>& at) {
    double expected = 0;
    for (std::int64_t j = 0; j < 3; ++j)
      expected += 1.7 * std::exp(s[j]) / total * Array(layers[static_cast<std::size_t>(j)]).at(at);
    CHECK(mixed.at(at) == Approx(expected).epsilon(1e-12));
  });
  CHECK_THAT(nn::gradcheck(mix, [&] { return mix(layers); },
                           {{"h0", layers[0]}, {"h1", layers[1]}, {"h2", layers[2]}}),
             passes_gradcheck());
}

TEST_CASE("a task may leave the language model as it is, or train it on", "[model][grad]") {
  Elmo model({.vocabulary = 10, .width = 3});
  const LayerMix mix({.layers = 3});
  const auto train = [&] { sum(square(mix(model.features(two_rows(), two_lengths())))).backward(); };
  model.requires_grad_(false);
  train();
  CHECK((mix.scores.grad().defined() && mix.gamma.grad().defined()));
  for (const NamedTensor& parameter : model.parameters()) CHECK_FALSE(parameter.value.grad().defined());
  model.requires_grad_(true);
  train();
  for (const NamedTensor& parameter : model.parameters())
    CHECK(parameter.value.grad().defined() == !parameter.name.starts_with("head"));  // which tells words
}

TEST_CASE("ELMo drops out in training alone", "[model]") {
  Elmo model({.vocabulary = 10, .width = 8, .dropout = 0.5});
  CHECK(model.loss(two_rows()).item() != model.loss(two_rows()).item());
  CHECK_FALSE(equal(model.features(two_rows())[1].detach(), model.features(two_rows())[1].detach()));
  model.eval();
  CHECK(model.loss(two_rows()).item() == model.loss(two_rows()).item());
  Elmo plain({.vocabulary = 10, .width = 8});
  plain.load_state(model.state());
  CHECK(plain.loss(two_rows()).item() == model.loss(two_rows()).item());
}

TEST_CASE("ELMo and its mix refuse what they cannot read", "[model]") {
  CHECK(message_of([] { Elmo({.vocabulary = 10, .layers = 0}); }) ==
        "[elmo] needs at least one layer, not 0. 2?");
  const Elmo model({.vocabulary = 10, .width = 3});
  CHECK(message_of([&] { model.loss(two_rows()[0]); }) ==
        "[elmo] ids must be (B, T), not (5,). Unsqueeze an axis?");
  CHECK(message_of([&] { model.features(zeros({2, 0}, i64)); }).find("not (2, 0)") != std::string::npos);
  CHECK(message_of([&] {
          model.loss(two_rows(), tensor({5, 6}, i64));
        }).find("row 1 has length 6") != std::string::npos);
  CHECK(message_of([] { LayerMix({.layers = 0}); }) ==
        "[layer_mix] needs at least one layer, not 0. An Elmo gives its layers + 1?");
  CHECK(message_of([] {
          LayerMix({.layers = 2})({zeros({1}), zeros({1}), zeros({1})});
        }) == "[layer_mix] weighs 2 layers, not 3. Are there as many, the embedding included?");
}
