// ResNet: what it learns, what a block computes, what the way around changes and what it does not.
#include <gradus/models/resnet.h>

#include <utility>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
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

Resnet wide(const Resnet::Options& options) {
  Resnet model(options);
  model.to(f64);
  // With the biases at zero many a sum would be zero too, where relu has its kink.
  for (NamedTensor& x : model.parameters())
    if (x.name.ends_with("bias")) no_grad([&] { x.value.copy_(randn(x.value.shape(), f64)); });
  return model;
}

// A block whose f gives nothing: the second norm multiplies by zero.
BasicBlock silent(const BasicBlock::Options& options) {
  BasicBlock block(options);
  block.to(f64);
  no_grad([&] { block.bn2.weight.zero_(); });
  return block;
}

}  // namespace

TEST_CASE("a ResNet learns one batch by heart, with the way around and without", "[model]") {
  const Tensor pictures = randn({6, 1, 8, 8}), labels = tensor({2, 0, 1, 1, 0, 2}, i64);
  for (const nn::Residual::Path path : {nn::Residual::on, nn::Residual::off}) {
    Resnet model({.channels = 1, .classes = 3, .stages = {4, 8}, .blocks = 1, .path = path});
    optim::Adam optimiser(model, {.lr = 0.03});
    double last = 0;
    for (int step = 0; step < 150; ++step) {
      optimiser.zero_grad();
      const Tensor loss = cross_entropy(model(pictures), labels);
      last = loss.item();
      loss.backward();
      optimiser.step();
    }
    INFO((path == nn::Residual::on ? "on" : "off"));
    CHECK(last < 1e-3);
  }
}

TEST_CASE("a ResNet has the right gradients, in training and outside", "[model][grad]") {
  Resnet model = wide({.channels = 2, .classes = 3, .stages = {2, 3}, .blocks = 1});
  CHECK_THAT(nn::gradcheck(model, {{"pictures", randn({2, 2, 4, 4}, f64)}}), passes_gradcheck());
  model.eval();
  CHECK_THAT(nn::gradcheck(model, {{"pictures", randn({2, 2, 4, 4}, f64)}}), passes_gradcheck());
}

TEST_CASE("a block that adds nothing leaves what is not negative as it is", "[model]") {
  BasicBlock block = silent({.in = 3, .out = 3});
  const Tensor x = abs(randn({2, 3, 4, 5}, f64));
  CHECK(equal(block(x).detach(), x));
  block.options.path = nn::Residual::off;
  CHECK(max(abs(block(x).detach())).item() == 0);
}

TEST_CASE("where a block halves, the way around takes every second pixel, and new channels are zeros",
          "[model]") {
  BasicBlock block = silent({.in = 2, .out = 5, .stride = 2});
  const Tensor x = abs(randn({2, 2, 5, 4}, f64)), y = block(x).detach();
  REQUIRE(y.shape() == Shape{2, 5, 3, 2});
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t c = 0; c < 5; ++c)
      for (std::int64_t row = 0; row < 3; ++row)
        for (std::int64_t column = 0; column < 2; ++column)
          CHECK(y[b][c][row][column].item() == (c < 2 ? x[b][c][2 * row][2 * column].item() : 0));
}

TEST_CASE("nets with the way around and without have the same parameters, under torchvision's names",
          "[model]") {
  const Resnet::Options options{.stages = {4, 6}, .blocks = 2};
  Resnet::Options plain_options = options;
  plain_options.path = nn::Residual::off;
  const Resnet residual(options), plain(plain_options);
  const std::vector<NamedTensor> ours = residual.state(), theirs = plain.state();
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].name == theirs[i].name);
    CHECK(ours[i].value.shape() == theirs[i].value.shape());
  }
  const auto has = [&](const char* name, const Shape& shape) {
    for (const NamedTensor& x : ours)
      if (x.name == name) return x.value.shape() == shape;
    return false;
  };
  CHECK(has("conv1.weight", {4, 1, 3, 3}));
  CHECK(has("layer2.0.conv1.weight", {6, 4, 3, 3}));
  CHECK(has("layer2.1.bn2.running_var", {6}));
  CHECK(has("fc.weight", {10, 6}));
  // ResNet-20 of the paper's table 6, on CIFAR-10: 0.27 million.
  CHECK(Resnet({.channels = 3, .blocks = 3}).parameter_count() == 269'722);
}

TEST_CASE("a picture's logits depend on its pixels and, once training is over, on no other picture",
          "[model][grad]") {
  Resnet model = wide({.classes = 3, .stages = {3, 4}, .blocks = 1});
  const Tensor pictures = randn({2, 1, 6, 6}, f64).requires_grad_();
  const auto slope = [&] { return grad({sum(model(pictures)[0] * randn({3}, f64))}, {pictures})[0]; };
  CHECK(max(abs(slope()[1])).item() > 0);
  model.eval();
  const Tensor alone = slope();
  CHECK(max(abs(alone[0])).item() > 0);
  CHECK(max(abs(alone[1])).item() == 0);
}

TEST_CASE("statistics move in training, and a const ResNet must be in eval mode", "[model]") {
  Resnet model = wide({.classes = 3, .stages = {3}, .blocks = 1});
  const Tensor pictures = randn({2, 1, 6, 6}, f64);
  const Tensor before = model.stages[0][0].bn2.running_mean.clone();
  CHECK_THROWS_AS(std::as_const(model)(pictures), Error);
  CHECK(equal(model.stages[0][0].bn2.running_mean, before));
  model(pictures);
  CHECK_FALSE(equal(model.stages[0][0].bn2.running_mean, before));
  model.eval();
  CHECK(equal(std::as_const(model)(pictures).detach(), model(pictures).detach()));
}

TEST_CASE("a clone of a ResNet says what it says, its statistics included", "[model]") {
  Resnet model = wide({.classes = 3, .stages = {3, 4}, .blocks = 2, .path = nn::Residual::off});
  const Tensor pictures = randn({2, 1, 6, 6}, f64);
  model(pictures);
  Resnet copy = model.clone();
  model.eval();
  copy.eval();
  CHECK(equal(copy(pictures).detach(), model(pictures).detach()));
}

TEST_CASE("a ResNet says which options and pictures do not fit", "[model][error]") {
  CHECK(message_of([] { BasicBlock({.in = 4, .out = 2}); }) ==
        "[basic_block] the path adds channels and drops none: .in = 4, .out = 2. At least as many?");
  CHECK(message_of([] { Resnet({.stages = {}}); }) ==
        "[resnet] needs a stage and a block or more, not 0 stages of 1 blocks. .stages = {16, 32, 64}?");
  Resnet model({});
  CHECK(message_of([&] {
          model(zeros({2, 3, 8, 8}));
        }) == "[resnet] takes pictures (B, 1, H, W), not (2, 3, 8, 8). An axis for channels?");
  CHECK_THROWS_AS(model(zeros({8, 8})), Error);
}
