// Convolution and pooling layers: pools by hand, and a picture that is carried through to its classes.
#include <cmath>

#include <gradus/autograd/ops/conv.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/linear.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

TEST_CASE("pools by hand", "[nn]") {
  const Tensor x = tensor({{{{1, 2, 5, 6}, {3, 4, 7, 8}, {-1, -2, 0, 4}, {-3, -4, 0, 0}}}});
  CHECK(equal(nn::MaxPool2d({})(x), tensor({{{{4, 8}, {-1, 4}}}})));
  CHECK(equal(nn::AvgPool2d({})(x), tensor({{{{2.5, 6.5}, {-2.5, 1}}}})));
  CHECK(equal(nn::MaxPool2d({.kernel = {1, 4}})(x), tensor({{{{6}, {8}, {4}, {0}}}})));
  CHECK(equal(nn::MaxPool2d({.kernel = {2, 2}, .stride = {2, 1}})(x), tensor({{{{4, 7, 8}, {-1, 0, 4}}}})));

  const Tensor row = tensor({{{1, 5, 3, 2, -4, -6}}});
  CHECK(equal(nn::MaxPool1d({})(row), tensor({{{5, 3, -4}}})));
  CHECK(equal(nn::AvgPool1d({})(row), tensor({{{3, 2.5, -5}}})));
  // Padding is no candidate for the largest, and a zero for the mean.
  CHECK(equal(nn::MaxPool1d({.kernel = 2, .padding = 1})(row), tensor({{{1, 5, 2, -6}}})));
  CHECK(equal(nn::AvgPool1d({.kernel = 2, .padding = 1})(row), tensor({{{0.5, 4, -1, -3}}})));
}

TEST_CASE("a convolution layer computes what its op does with the same options", "[nn]") {
  const Tensor x = randn({2, 3, 7, 6});
  const nn::Conv2d image(
      {.in = 3, .out = 4, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}});
  CHECK(equal(image(x), conv2d(x, image.weight, image.bias,
                               {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}})));
  const nn::Conv1d row({.in = 3, .out = 4, .kernel = 3, .stride = 2, .padding = 1, .dilation = 2});
  const Tensor z = x.flatten(2);
  CHECK(equal(row(z), conv1d(z, row.weight, row.bias, {.stride = 2, .padding = 1, .dilation = 2})));
  CHECK_FALSE(nn::Conv2d({.in = 3, .out = 4, .kernel = {1, 1}, .bias = false}).bias.defined());
}

TEST_CASE("convolution weights begin uniform within 1 / sqrt(fan_in), as PyTorch's do", "[nn]") {
  const nn::Conv2d image({.in = 8, .out = 64, .kernel = {3, 2}});
  const nn::Conv1d row({.in = 8, .out = 256, .kernel = 6});
  CHECK(image.weight.shape() == Shape{64, 8, 3, 2});
  CHECK(row.weight.shape() == Shape{256, 8, 6});
  const double reach = 1 / std::sqrt(48.);
  for (const Tensor& x : {image.weight, image.bias, row.weight, row.bias}) {
    CHECK(x.requires_grad());
    CHECK(max(x).item() <= reach);
    CHECK(min(x).item() >= -reach);
    CHECK(max(x).item() > 0.9 * reach);
    CHECK(min(x).item() < -0.9 * reach);
  }
}

TEST_CASE("convolution, pooling and linear layers follow one another", "[nn]") {
  const nn::Sequential net(nn::Conv2d({.in = 1, .out = 8, .kernel = {3, 3}, .padding = {1, 1}}), nn::ReLU(),
                           nn::MaxPool2d({}), nn::Flatten(), nn::Linear({.in = 8 * 14 * 14, .out = 10}),
                           nn::Softmax({}));
  const Tensor y = net(randn({3, 1, 28, 28}));
  CHECK(y.shape() == Shape{3, 10});
  CHECK(allclose(sum(y, -1), ones({3})));
  CHECK(net[2].kind() == "MaxPool2d");
  const nn::Sequential copy = net.clone();
  CHECK(equal(copy(zeros({1, 1, 28, 28})), net(zeros({1, 1, 28, 28}))));
}

TEST_CASE("Softmax takes the axis that it is told", "[nn]") {
  const Tensor x = randn({3, 4, 5});
  CHECK(allclose(sum(nn::Softmax({.axis = 1})(x), 1), ones({3, 5})));
}

TEST_CASE("convolution and pooling layers refuse impossible windows", "[nn][error]") {
  CHECK(message_of([] {
          nn::Conv2d({.in = 0, .out = 2, .kernel = {1, 1}});
        }) == "[conv2d] needs channels above 0; got in 0 and out 2. Say both, as in .in = 3, .out = 16?");
  CHECK(message_of([] {
          nn::Conv2d({.in = 1, .out = 2, .kernel = {3, 0}});
        }) ==
        "[conv2d] needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel 0, "
        "stride 1, padding 0, dilation 1. Is one left out or negative?");
  CHECK(message_of([] { nn::Conv1d({.in = 1, .out = 2, .kernel = 3, .padding = -1}); }) ==
        "[conv1d] needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel 3, "
        "stride 1, padding -1, dilation 1. Is one left out or negative?");
  CHECK(message_of([] {
          nn::MaxPool2d({.kernel = {3, 3}, .padding = {1, 2}});
        }) ==
        "[max_pool2d] padding must be at most half of the kernel: kernel 3, padding 2. A larger kernel?");
  CHECK(message_of([] { nn::AvgPool1d({.kernel = 0}); }) ==
        "[avg_pool1d] needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel "
        "0, stride 0, padding 0, dilation 1. Is one left out or negative?");
}
