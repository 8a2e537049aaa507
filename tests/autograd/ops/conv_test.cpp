// What the op table cannot say about convolution and pooling.
#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/conv.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

Tensor plane(std::int64_t height, std::int64_t width, const std::vector<double>& values) {
  Tensor x = Tensor::empty({1, 1, height, width}, f64);
  std::copy(values.begin(), values.end(), x.data<double>());
  return x;
}

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("of equal maxima the first gets the whole gradient", "[op][grad]") {
  Tensor x = plane(2, 4, {3, 1, 5, 5, 3, 3, 5, 5});
  x.requires_grad_();
  const Tensor y = max_pool2d(x);
  CHECK(Array(y).values == std::vector<double>{3, 5});
  CHECK(Array(grad({y}, {x}, {plane(1, 2, {7, 8})})[0]).values ==
        std::vector<double>{7, 0, 8, 0, 0, 0, 0, 0});
}

TEST_CASE("an element that several windows choose gets the sum of their gradients", "[op][grad]") {
  Tensor x = plane(1, 5, {0, 1, 9, 2, 0});
  x.requires_grad_();
  const Tensor y = max_pool2d(x, {.kernel = {1, 3}, .stride = {1, 1}});
  CHECK(Array(grad({y}, {x}, {plane(1, 3, {1, 10, 100})})[0]).values == std::vector<double>{0, 0, 111, 0, 0});
}

TEST_CASE("max_pool2d hands NaN on and finds -infinity among its like", "[op]") {
  const Tensor y = max_pool2d(plane(
      2, 6, {1, not_a_number, -infinity, -infinity, 2, 1, not_a_number, 4, -infinity, -infinity, 0, 3}));
  const std::vector<double> values = Array(y).values;
  CHECK(std::isnan(values[0]));
  CHECK(values[1] == -infinity);
  CHECK(values[2] == 3);
}

TEST_CASE("padding never wins a maximum", "[op]") {
  const Tensor y =
      max_pool2d(plane(2, 2, {-1, -2, -3, -4}), {.kernel = {2, 2}, .stride = {2, 2}, .padding = {1, 1}});
  CHECK(Array(y).values == std::vector<double>{-1, -2, -3, -4});
}

TEST_CASE("the gradient of max_pool2d can be differentiated again", "[op][grad]") {
  Tensor x = draw({{.shape = {2, 2, 5, 5}}}, f64, 3)[0];
  const auto f = [&] {
    return square(max_pool2d(x, {.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}}));
  };
  CHECK_THAT(gradcheck(f, {{"x", x}}, {.second_order = true}), passes_gradcheck());
}

TEST_CASE("a kernel of one element mixes the channels of each pixel, as linear does", "[op]") {
  const Tensor x = draw({{.shape = {2, 5, 4, 3}, .differentiable = false}}, f64, 1)[0];
  const Tensor w = draw({{.shape = {6, 5}, .differentiable = false}}, f64, 2)[0];
  const Tensor y = conv2d(x, w.reshape({6, 5, 1, 1}));
  CHECK(allclose(y, linear(x.permute({0, 2, 3, 1}), w).permute({0, 3, 1, 2}), 1e-12, 1e-12));
}

TEST_CASE("conv2d's gradients are its transposes: <conv(x, w), dy> = <x, dx> = <w, dw>", "[op][grad]") {
  const Conv2dOptions options{.stride = {2, 3}, .padding = {2, 0}, .dilation = {1, 2}};
  const auto number = [](std::initializer_list<std::int64_t> shape, std::uint64_t seed) {
    return draw({{.shape = Shape(shape), .differentiable = false}}, f64, seed)[0];
  };
  const Tensor x = number({3, 2, 11, 13}, 1), w = number({4, 2, 3, 4}, 2), y = conv2d(x, w, {}, options);
  const Tensor dy = draw({{.shape = y.shape(), .differentiable = false}}, f64, 3)[0];
  const auto inner = [](const Tensor& a, const Tensor& b) {
    const Array p(a), q(b);
    double sum = 0;
    for (std::int64_t i = 0; i < a.numel(); ++i) sum += p[i] * q[i];
    return sum;
  };
  const double expected = inner(y, dy);
  CHECK(std::abs(inner(x, conv2d_input_grad(dy, w, {11, 13}, options)) - expected) < 1e-9);
  CHECK(std::abs(inner(w, conv2d_weight_grad(dy, x, {3, 4}, options)) - expected) < 1e-9);
}

TEST_CASE("conv2d keeps the columns of a block of one image, not of the batch", "[op]") {
  const Tensor x = kernels::full({16, 8, 64, 64}, 1, f32), w = kernels::full({8, 8, 3, 3}, 1, f32);
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak_bytes;
  const Tensor y = conv2d(x, w);
  const std::int64_t columns = 16 * 72 * 62 * 62 * 4;
  CHECK(memory_stats().peak_bytes - before - y.bytes() < columns / 4);
}
