// Dropout, FeedForward and Residual.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/blocks.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

TEST_CASE("Dropout keeps the mean in training and leaves x alone outside", "[nn]") {
  manual_seed(5);
  nn::Dropout layer({.p = 0.3});
  const std::int64_t n = 100000;
  const Tensor x = ones({n}), y = layer(x);
  // Each element is 0 or 1 / 0.7: its variance is 0.3 / 0.7.
  CHECK(std::abs(mean(y).item() - 1) < 4 * std::sqrt(0.3 / 0.7 / static_cast<double>(n)));
  CHECK(max(y).item() == Approx(1 / 0.7));
  CHECK(min(y).item() == 0);
  CHECK_FALSE(equal(layer(x), y));

  const RandomState before = default_generator().state();
  layer.eval();
  CHECK(equal(layer(x), x));
  CHECK(default_generator().state() == before);
}

TEST_CASE("Dropout draws the same from the same seed", "[nn]") {
  const nn::Dropout layer({});
  const Tensor x = randn({50});
  manual_seed(3);
  const Tensor once = layer(x);
  manual_seed(3);
  CHECK(equal(layer(x), once));
}

TEST_CASE("Dropout refuses what is no probability", "[nn][error]") {
  CHECK(message_of([] { nn::Dropout({.p = 50}); }) ==
        "[dropout] p is the probability of dropping an element, between 0 and 1; this one is 50. Divide a "
        "percentage by 100?");
}

TEST_CASE("FeedForward is two convolutions with kernels of one place", "[nn]") {
  nn::FeedForward layer({.width = 6, .hidden = 10, .activation = nn::Activation::gelu});
  layer.to(f64);
  nn::Conv1d first({.in = 6, .out = 10, .kernel = 1}), second({.in = 10, .out = 6, .kernel = 1});
  first.weight = layer.linear1.weight.unsqueeze(2), first.bias = layer.linear1.bias;
  second.weight = layer.linear2.weight.unsqueeze(2), second.bias = layer.linear2.bias;
  const Tensor x = randn({3, 7, 6}, f64);  // (B, T, C); a convolution has the channels before the places
  CHECK(allclose(layer(x), second(gelu(first(x.t()))).t(), 1e-12));
}

TEST_CASE("FeedForward drops hidden elements in training alone", "[nn]") {
  nn::FeedForward layer({.width = 6, .hidden = 100, .dropout = 0.5});
  const Tensor x = randn({4, 6});
  CHECK_FALSE(equal(layer(x), layer(x)));
  layer.eval();
  CHECK(equal(layer(x), layer(x)));
  CHECK(layer.parameters().front().name == "linear1.weight");
  CHECK(layer.parameters().back().name == "linear2.bias");
}

TEST_CASE("Residual adds x to what its modules make of it", "[nn]") {
  const nn::Residual block(nn::LayerNorm({.width = 4}), nn::Linear({.in = 4, .out = 4}));
  const Tensor x = randn({3, 4});
  CHECK(equal(block(x), x + block.f(x)));
  CHECK(block.parameters().front().name == "f.0.weight");
}

TEST_CASE("around a Residual whose modules pass nothing, the gradient is the one that came", "[nn][grad]") {
  nn::Linear dead({.in = 4, .out = 4});
  dead.weight = zeros({4, 4}).requires_grad_();
  nn::Residual block(dead.clone()), plain(nn::Residual::off, dead.clone());
  const Tensor x = randn({3, 4}).requires_grad_(), dy = randn({3, 4});
  CHECK(equal(grad({block(x)}, {x}, {dy})[0], dy));
  CHECK(equal(grad({plain(x)}, {x}, {dy})[0], zeros({3, 4})));
}

TEST_CASE("Residual::off is the same net without the way around, under the same names", "[nn]") {
  nn::Residual on(nn::Linear({.in = 2, .out = 2})), off(nn::Residual::off, nn::Linear({.in = 2, .out = 2}));
  off.load_state(on.state());
  const Tensor x = randn({3, 2});
  CHECK(equal(on(x), x + off(x)));
}

TEST_CASE("a Residual is cloned, nested and called as a step", "[nn]") {
  nn::Sequential net(nn::Residual(nn::BatchNorm1d({.channels = 2}), nn::Residual(nn::Tanh())),
                     nn::Residual(nn::Residual::off, nn::Tanh()));
  const Tensor x = randn({5, 2});
  net(x);
  net.eval();
  const nn::Sequential copy = net.clone();
  CHECK_FALSE(copy.training());
  CHECK(equal(copy(x), net(x)));
  CHECK(copy.buffers()[0].name == "0.f.0.running_mean");
}

TEST_CASE("Residual refuses an f that changes the shape", "[nn][error]") {
  const nn::Residual block(nn::Linear({.in = 4, .out = 1}));
  CHECK(message_of([&] {
          block(zeros({3, 4}));
        }) ==
        "[residual] x has shape (3, 4), f(x) has (3, 1), and y = x + f(x) needs one shape. Give f as many "
        "outputs as inputs?");
}
