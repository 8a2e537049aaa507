// ViT: what it learns, which patches each of its numbers depends on, what positions are for.
#include <gradus/models/vit.h>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

const Vit::Options small{
    .size = 6, .channels = 2, .patch = 3, .classes = 3, .width = 4, .layers = 2, .heads = 2, .hidden = 6};

Vit wide(const Vit::Options& options) {
  Vit model(options);
  model.to(f64);
  return model;
}

// The picture with its four quarters in another order.
Tensor with_quarters(const Tensor& pictures, const std::vector<std::int64_t>& order) {
  Tensor moved = pictures.clone();
  for (std::int64_t to = 0; to < 4; ++to) {
    const std::int64_t from = order[static_cast<std::size_t>(to)];
    const auto quarter = [](const Tensor& x, std::int64_t q) {
      return x.slice(2, q / 2 * 3, q / 2 * 3 + 3).slice(3, q % 2 * 3, q % 2 * 3 + 3);
    };
    quarter(moved, to).copy_(quarter(pictures, from));
  }
  return moved;
}

}  // namespace

TEST_CASE("a ViT learns one batch by heart", "[model]") {
  manual_seed(1);
  const Vit model({.size = 8, .patch = 4, .classes = 3, .width = 16, .layers = 2, .heads = 2, .hidden = 32});
  const Tensor pictures = randn({6, 1, 8, 8}), labels = tensor({2, 0, 1, 1, 0, 2}, i64);
  optim::Adam optimiser(model, {.lr = 0.01});
  double last = 0;
  for (int step = 0; step < 150; ++step) {
    optimiser.zero_grad();
    const Tensor loss = cross_entropy(model(pictures), labels);
    last = loss.item();
    loss.backward();
    optimiser.step();
  }
  CHECK(last < 1e-3);
}

TEST_CASE("a ViT has the right gradients", "[model][grad]") {
  Vit model = wide(small);
  CHECK_THAT(nn::gradcheck(model, {{"pictures", randn({2, 2, 6, 6}, f64)}}), passes_gradcheck());
}

TEST_CASE("pictures of 224 x 224 pixels are 196 patches of 16 x 16", "[model]") {
  const Vit model(
      {.size = 224, .channels = 3, .patch = 16, .width = 4, .layers = 1, .heads = 1, .hidden = 4});
  CHECK(no_grad([&] { return model.patches(zeros({1, 3, 224, 224})); }).shape() == Shape{1, 196, 4});
  CHECK(model.position.weight.shape() == Shape{197, 4});
  const Vit each_pixel({.size = 28, .patch = 1, .width = 1, .layers = 1, .heads = 1, .hidden = 1});
  CHECK(each_pixel.position.weight.size(0) == 1 + 784);
}

TEST_CASE("a patch's vector depends on its own pixels and on all of them", "[model][grad]") {
  const Vit model = wide(small);
  const Tensor pictures = randn({1, 2, 6, 6}, f64).requires_grad_();
  const Tensor patches = model.patches(pictures);
  for (std::int64_t n = 0; n < 4; ++n) {
    const Tensor slope =
        grad({sum(patches[0][n] * randn({4}, f64))}, {pictures}, {}, {.retain_graph = true})[0];
    for (std::int64_t row = 0; row < 6; ++row)
      for (std::int64_t column = 0; column < 6; ++column) {
        INFO("patch " << n << ", pixel " << row << ", " << column);
        const bool own = row / 3 == n / 2 && column / 3 == n % 2;
        for (std::int64_t channel = 0; channel < 2; ++channel)
          CHECK((slope[0][channel][row][column].item() != 0) == own);
      }
  }
}

TEST_CASE("a picture's logits depend on all of its patches and on no other picture", "[model][grad]") {
  const Vit model = wide(small);
  const Tensor pictures = randn({2, 2, 6, 6}, f64).requires_grad_();
  const Tensor slope = grad({sum(model(pictures)[0] * randn({3}, f64))}, {pictures})[0];
  CHECK(min(abs(slope[0])).item() > 0);
  CHECK(max(abs(slope[1])).item() == 0);
}

TEST_CASE("without positions a ViT cannot tell in which order patches stand, and with them it can",
          "[model]") {
  const Vit model = wide(small);
  const Tensor pictures = randn({3, 2, 6, 6}, f64), moved = with_quarters(pictures, {2, 0, 3, 1});
  const auto logits = [&](const Tensor& x) { return no_grad([&] { return model(x); }); };
  CHECK_FALSE(allclose(logits(moved), logits(pictures), 1e-3));
  no_grad([&] { model.position.weight.detach().zero_(); });
  CHECK(allclose(logits(moved), logits(pictures), 0, 1e-12));
}

TEST_CASE("a ViT shows how the heads of each layer attended, and says the same", "[model]") {
  const Vit model = wide(small);
  const Tensor pictures = randn({3, 2, 6, 6}, f64);
  const Vit::Attended seen = no_grad([&] { return model.with_weights(pictures); });
  CHECK(allclose(seen.logits, model(pictures).detach(), 0, 1e-12));
  REQUIRE(seen.layers.size() == 2);
  for (const Tensor& weights : seen.layers) {
    CHECK(weights.shape() == Shape{3, 2, 5, 5});
    CHECK(allclose(sum(weights, -1), ones({3, 2, 5}, f64), 0, 1e-12));
  }
}

TEST_CASE("a ViT's dropout takes from what the layers read and from their results, in training alone",
          "[model]") {
  Vit::Options options = small;
  options.dropout = 0.5;
  Vit model = wide(options);
  const Tensor pictures = randn({1, 2, 6, 6}, f64);
  CHECK(model.dropout.options.p == 0.5);
  CHECK(model.layers[1].dropout2.options.p == 0.5);
  CHECK_FALSE(equal(model(pictures).detach(), model(pictures).detach()));
  model.eval();
  CHECK(equal(model(pictures).detach(), model(pictures).detach()));
}

TEST_CASE("a clone of a ViT says what it says, and keeps weights of its own", "[model]") {
  const Vit model = wide(small);
  const Vit copy = model.clone();
  const Tensor pictures = randn({2, 2, 6, 6}, f64);
  CHECK(equal(copy(pictures).detach(), model(pictures).detach()));
  no_grad([&] { copy.head.bias.detach().add_(1.0); });
  CHECK_FALSE(allclose(copy(pictures).detach(), model(pictures).detach()));
}

TEST_CASE("a ViT says which options and pictures do not fit", "[model][error]") {
  CHECK(message_of([] { Vit({.size = 28, .patch = 5}); }) ==
        "[vit] pictures of 28 x 28 cannot be cut into patches of 5 x 5. A patch that divides the size?");
  CHECK(message_of([] { Vit({.size = 28, .patch = 0}); }) ==
        "[vit] needs size, patch, channels, classes and layers above 0, not 28, 0, 1, 10 and 4. Set them?");
  CHECK_THAT(message_of([] { Vit({.width = 30, .heads = 4}); }),
             Catch::Contains("30") && Catch::Contains("4"));
  const Vit model(small);
  CHECK(message_of([&] {
          model(zeros({1, 2, 6, 7}));
        }) == "[vit] takes pictures (B, 2, 6, 6), not (1, 2, 6, 7). Cut or scale them?");
  CHECK_THROWS_AS(model(zeros({2, 6, 6})), Error);
  CHECK_THROWS_AS(model(zeros({1, 1, 6, 6})), Error);
}
