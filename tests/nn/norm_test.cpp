// Normalising layers: their laws, and running statistics worked out by hand.
#include <cmath>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/norm.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

Tensor noise(const Shape& shape, DType dtype = f64) {
  Generator generator(7);
  return randn(shape, dtype, generator);
}

// Both ways: each channel of y against the batch's or the running statistics.
template <class Layer>
void check_known_statistics(const Shape& shape) {
  // Channel 0 holds 0, 2, 4, ..., channel 1 its negative halves: in both ways known sums.
  Tensor x = zeros(shape);
  const std::int64_t n = x.numel() / 2, inner = n / shape[0];
  for (std::int64_t b = 0; b < shape[0]; ++b)
    for (std::int64_t i = 0; i < inner; ++i) {
      const auto k = static_cast<float>(b * inner + i);
      x.data<float>()[(b * 2) * inner + i] = 2 * k;
      x.data<float>()[(b * 2 + 1) * inner + i] = -k;
    }
  // The numbers 0 .. n - 1 have mean (n - 1) / 2, biased variance (n^2 - 1) / 12, unbiased n (n + 1) / 12.
  const auto m = static_cast<double>(n);
  const double mean = (m - 1) / 2, biased = (m * m - 1) / 12, unbiased = m * (m + 1) / 12;

  Layer layer({.channels = 2});
  const Tensor y = layer(x);
  CHECK(layer.running_mean.template to_vector<float>()[0] == Approx(0.1 * 2 * mean));
  CHECK(layer.running_mean.template to_vector<float>()[1] == Approx(-0.1 * mean));
  CHECK(layer.running_var.template to_vector<float>()[0] == Approx(0.9 + 0.1 * 4 * unbiased));
  CHECK(layer.running_var.template to_vector<float>()[1] == Approx(0.9 + 0.1 * unbiased));
  CHECK(layer.num_batches_tracked.item() == 1);
  CHECK(y.to_vector<float>()[0] == Approx(-2 * mean / std::sqrt(4 * biased + 1e-5)));

  layer(x);
  CHECK(layer.running_mean.template to_vector<float>()[1] == Approx(-0.19 * mean));
  CHECK(layer.running_var.template to_vector<float>()[1] == Approx(0.81 + 0.19 * unbiased));
  CHECK(layer.num_batches_tracked.item() == 2);

  layer.eval();
  const Tensor outside = layer(x);
  CHECK(outside.to_vector<float>()[0] == Approx(-0.38 * mean / std::sqrt(0.81 + 0.19 * 4 * unbiased + 1e-5)));
  CHECK(layer.num_batches_tracked.item() == 2);
  CHECK(layer.running_var.template to_vector<float>()[1] == Approx(0.81 + 0.19 * unbiased));
}

}  // namespace

TEST_CASE("LayerNorm gives each row mean 0 and variance 1", "[nn]") {
  const nn::LayerNorm layer({.width = 50});
  const Tensor y = layer(noise({4, 6, 50}, f32) * 3.0 + 7.0);
  CHECK(allclose(mean(y, -1), zeros({4, 6}), 0, 1e-5));
  CHECK(allclose(var(y, -1), ones({4, 6}), 1e-4));
}

TEST_CASE("LayerNorm normalises each token by itself", "[nn]") {
  const nn::LayerNorm layer({.width = 8});
  const Tensor x = noise({2, 5, 8}, f32);
  CHECK(equal(layer(x)[1][3], layer(x[1][3])));
}

TEST_CASE("RMSNorm sets each row's length and takes no mean off", "[nn]") {
  const nn::RMSNorm layer({.width = 50});
  const Tensor x = noise({6, 50}, f32) * 3.0 + 7.0, y = layer(x);
  CHECK(allclose(mean(square(y), -1), ones({6}), 1e-4));
  CHECK(allclose(y * sqrt(mean(square(x), -1, keep_dims)), x, 1e-4));  // the direction stays
}

TEST_CASE("GroupNorm with one group normalises a row of the batch whole, with C groups each channel",
          "[nn]") {
  const Tensor x = noise({3, 4, 2, 5}) * 2.0 + 1.0;
  nn::GroupNorm one({.groups = 1, .channels = 4}), each({.groups = 4, .channels = 4});
  one.to(f64), each.to(f64);
  CHECK(allclose(one(x).reshape({3, 40}), layer_norm(x.reshape({3, 40})), 1e-12));
  for (std::int64_t b = 0; b < 3; ++b)  // an instance norm: a batch norm of a batch of one
    CHECK(allclose(each(x)[b], batch_norm(x.slice(0, b, b + 1)).y[0], 1e-12));
}

TEST_CASE("GroupNorm normalises groups of neighbouring channels", "[nn]") {
  nn::GroupNorm layer({.groups = 2, .channels = 6});
  const Tensor y = layer(noise({3, 6, 7}, f32) * 2.0 + 1.0);
  CHECK(allclose(mean(y.slice(1, 0, 3), {1, 2}), zeros({3}), 0, 1e-5));
  CHECK(allclose(var(y.slice(1, 3, 6), {1, 2}), ones({3}), 1e-4));
}

TEST_CASE("BatchNorm1d, 2d and 3d gather the batch's mean and unbiased variance", "[nn]") {
  check_known_statistics<nn::BatchNorm1d>({6, 2});
  check_known_statistics<nn::BatchNorm1d>({3, 2, 4});
  check_known_statistics<nn::BatchNorm2d>({3, 2, 2, 5});
  check_known_statistics<nn::BatchNorm3d>({2, 2, 3, 2, 2});
}

TEST_CASE("BatchNorm's momentum is the part that a batch replaces", "[nn]") {
  const Tensor x = tensor({{1}, {2}, {6}});  // mean 3, unbiased variance 7
  nn::BatchNorm1d all({.channels = 1, .momentum = 1}), none({.channels = 1, .momentum = 0}),
      quarter({.channels = 1, .momentum = 0.25});
  all(x), none(x), quarter(x);
  CHECK(all.running_mean.item() == Approx(3));
  CHECK(all.running_var.item() == Approx(7));
  CHECK(none.running_mean.item() == 0);
  CHECK(none.running_var.item() == 1);
  CHECK(quarter.running_mean.item() == Approx(0.75));
  CHECK(quarter.running_var.item() == Approx(0.75 + 0.25 * 7));
}

TEST_CASE("outside training BatchNorm treats every row for itself", "[nn]") {
  nn::BatchNorm2d layer({.channels = 3});
  const Tensor x = noise({5, 3, 4, 4}, f32) * 2.0 + 1.0;
  for (int step = 0; step < 20; ++step) layer(x);
  const Tensor in_training = layer(x);
  CHECK_FALSE(equal(layer(x.slice(0, 0, 2)), in_training.slice(0, 0, 2)));
  layer.eval();
  const nn::BatchNorm2d& fixed = layer;
  CHECK(equal(fixed(x.slice(0, 0, 2)), fixed(x).slice(0, 0, 2)));
}

TEST_CASE("BatchNorm is called as any step of a Sequential", "[nn]") {
  nn::Sequential net(nn::BatchNorm1d({.channels = 2}));
  const nn::Sequential& fixed = net;
  const Tensor x = noise({4, 2}, f32);
  net(x);
  CHECK(net.buffers()[2].name == "0.num_batches_tracked");
  CHECK(net.buffers()[2].value.item() == 1);
  CHECK(message_of([&] { fixed(x); }) ==
        "[batch_norm] a call in training changes the running statistics, and this layer is const. Drop the "
        "const, or call eval() first?");
  net.eval();
  CHECK(equal(fixed(x), net(x)));
}

TEST_CASE("a normalising layer without affine has no parameters", "[nn]") {
  CHECK(nn::LayerNorm({.width = 3, .affine = false}).parameters().empty());
  CHECK(nn::RMSNorm({.width = 3, .affine = false}).parameters().empty());
  CHECK(nn::GroupNorm({.groups = 1, .channels = 3, .affine = false}).parameters().empty());
  nn::BatchNorm1d batch({.channels = 3, .affine = false});
  CHECK(batch.parameters().empty());
  CHECK(batch.buffers().size() == 3);
  const Tensor x = noise({4, 3}, f32);
  CHECK(allclose(batch(x), batch_norm(x).y));
}

TEST_CASE("normalising layers name their tensors as PyTorch does", "[nn]") {
  const nn::BatchNorm2d layer({.channels = 3});
  std::vector<std::string> names;
  for (const NamedTensor& entry : layer.state()) names.push_back(entry.name);
  CHECK(names ==
        std::vector<std::string>{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"});
  CHECK(layer.num_batches_tracked.dtype() == i64);
  CHECK(layer.num_batches_tracked.shape() == Shape{});
  CHECK(layer.kind() == "BatchNorm2d");
}

TEST_CASE("normalising layers refuse what they cannot normalise", "[nn][error]") {
  CHECK(message_of([&] { nn::LayerNorm({.width = 0}); }) ==
        "[layer_norm] needs a width above 0, the size of x's last axis; got 0. Set it?");
  CHECK(message_of([&] { nn::RMSNorm({.width = 2, .eps = -1}); }) ==
        "[rms_norm] eps keeps the square root off 0 and cannot be -1. 1e-5?");
  CHECK(message_of([&] {
          nn::LayerNorm({.width = 3, .affine = false})(zeros({3, 2}));
        }) ==
        "[layer_norm] normalises over a last axis of size 3; x has shape (3, 2). "
        "Transpose x, or make the layer with that width?");
  CHECK(message_of([&] { nn::GroupNorm({.groups = 4, .channels = 6}); }) ==
        "[group_norm] 6 channels do not make 4 equal groups. A number that divides the "
        "channels?");
  CHECK(message_of([&] {
          nn::GroupNorm({.groups = 1, .channels = 6})(zeros({3, 4, 6}));
        }) ==
        "[group_norm] normalises 6 channels, the second axis of x; x has shape (3, 4, 6). "
        "Permute x, or make the layer with that many?");
  CHECK(message_of([&] { nn::BatchNorm1d({.channels = 0}); }) ==
        "[batch_norm] needs channels, the size of x's second axis; got 0. Set them?");
  CHECK(message_of([&] { nn::BatchNorm1d({.channels = 2, .momentum = 1.5}); }) ==
        "[batch_norm] momentum is the part of the running statistics that a batch replaces, between 0 and "
        "1; this one is 1.5. 0.1?");
}

TEST_CASE("a BatchNorm that refuses its input keeps its running statistics", "[nn][error]") {
  nn::BatchNorm2d layer({.channels = 2, .affine = false});
  CHECK(message_of([&] {
          layer(zeros({4, 2}));
        }) ==
        "[batch_norm] BatchNorm2d takes x of shape (B, C, H, W), not (4, 2). Another of "
        "BatchNorm1d, 2d, 3d?");
  CHECK(message_of([&] {
          layer(zeros({4, 3, 2, 2}));
        }) ==
        "[batch_norm] normalises 2 channels, the second axis of x; x has shape (4, 3, 2, "
        "2). Permute x, or make the layer with that many?");
  CHECK(message_of([&] {
          layer(zeros({1, 2, 1, 1}));
        }) ==
        "[batch_norm] x of shape (1, 2, 1, 1) has one value a channel, which tells nothing "
        "of its variance. A larger batch, or eval() first?");
  CHECK(message_of([&] {
          layer(ones({4, 2, 2, 2}, f64));
        }) == "[batch_norm] dtypes do not mix: x is f64, running_mean is f32. Convert one with .to(f64)?");
  CHECK_THROWS_AS(layer(zeros({0, 2, 2, 2})), Error);
  CHECK(equal(layer.running_mean, zeros({2})));
  CHECK(equal(layer.running_var, ones({2})));
  CHECK(layer.num_batches_tracked.item() == 0);
}
