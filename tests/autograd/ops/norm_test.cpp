// What the op table cannot say about normalisation: its laws, and that it keeps its digits.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;
using gradus::test::Inputs;
using gradus::test::Tensors;

namespace {

// The outputs, then the gradients of their product with fixed random numbers.
template <class F>
Tensors with_gradients(const F& f, const Tensors& inputs) {
  const Tensor y = f(inputs);
  const Tensor dy = draw({{.shape = y.shape(), .differentiable = false}}, y.dtype(), 99)[0];
  Tensors all = grad({y}, inputs, {dy});
  all.insert(all.begin(), y);
  return all;
}

// As large as the largest element allows.
double relative_difference(const Tensor& a, const Tensor& b) {
  return max(abs(a.to(f64).detach() - b.to(f64).detach())).item() / max(abs(b.to(f64).detach())).item();
}

template <class F, class G>
void require_same(const F& f, const G& g, const Inputs& inputs, DType dtype, double tolerance) {
  const Tensors got = with_gradients(f, draw(inputs, dtype, 5)),
                expected = with_gradients(g, draw(inputs, f64, 5));
  for (std::size_t i = 0; i < got.size(); ++i) {
    INFO("result " << i << " (the output, then the gradients) in " << dtype);
    CHECK(relative_difference(got[i], expected[i]) < tolerance);
  }
}

}  // namespace

TEST_CASE("layer_norm gives each row mean 0 and variance 1", "[op]") {
  const Tensor y = layer_norm(draw({{.shape = {6, 50}, .low = 3, .high = 9}}, f64, 1)[0]);
  CHECK(allclose(mean(y, -1), zeros({6}, f64), 0, 1e-12));
  CHECK(allclose(var(y, -1), ones({6}, f64), 1e-5));
}

TEST_CASE("rms_norm gives each row a mean square of 1, whatever its scale", "[op]") {
  const Tensor x = draw({{.shape = {6, 50}}}, f64, 2)[0];
  CHECK(allclose(mean(square(rms_norm(x, {}, 0)), -1), ones({6}, f64), 1e-12));
  CHECK(allclose(rms_norm(x * 1000., {}, 0), rms_norm(x, {}, 0), 1e-12));
}

TEST_CASE("norms agree with their definitions beyond one stretch of sums, in f32 and f64", "[op][grad]") {
  const auto [dtype, tolerance] = GENERATE(std::pair{f64, 1e-12}, std::pair{f32, 2e-6});
  const Inputs rows = {{.shape = {100, 1100}}, {.shape = {1100}}, {.shape = {1100}}};
  require_same([](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); },
               [](const Tensors& x) { return definition::layer_norm(x[0], x[1], x[2], 1e-5); }, rows, dtype,
               tolerance);
  require_same([](const Tensors& x) { return rms_norm(x[0], x[1]) + x[2]; },
               [](const Tensors& x) { return definition::rms_norm(x[0], x[1], 1e-5) + x[2]; }, rows, dtype,
               tolerance);
  for (const Shape& shape : {Shape{100, 40}, Shape{3, 5, 30, 40}}) {
    const Inputs channels = {{.shape = shape}, {.shape = {shape[1]}}, {.shape = {shape[1]}}};
    require_same([](const Tensors& x) { return batch_norm(x[0], x[1], x[2]).y; },
                 [](const Tensors& x) { return definition::batch_norm(x[0], x[1], x[2], 1e-5); }, channels,
                 dtype, tolerance);
  }
}

TEST_CASE("the f32 gradient of a weight summed over 20,000 rows is right to 2e-6", "[op][grad]") {
  require_same([](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); },
               [](const Tensors& x) { return definition::layer_norm(x[0], x[1], x[2], 1e-5); },
               {{.shape = {20000, 30}, .low = 0, .high = 9}, {.shape = {30}}, {.shape = {30}}}, f32, 2e-6);
}

// 1000 is rounded by 2^-15 at most, which is 5e-5 of the standard deviation.
TEST_CASE("a mean far from 0 costs a norm what rounding it costs, no more", "[op]") {
  const Tensor offset =
      draw({{.shape = {4, 600}, .low = 1000, .high = 1002, .differentiable = false}}, f32, 4)[0];
  CHECK(relative_difference(layer_norm(offset), layer_norm(offset.to(f64))) < 6e-5);
  CHECK(relative_difference(batch_norm(offset.t()).y, batch_norm(offset.to(f64).t()).y) < 6e-5);
}

TEST_CASE("rows and channels of one value give the bias, and a gradient of 0", "[op][grad]") {
  Tensor x = full({5, 4}, 3.5).requires_grad_();
  const Tensor bias = full({4}, 0.25);
  for (const Tensor& y : {layer_norm(x, {}, bias), batch_norm(x, {}, bias).y}) {
    CHECK(equal(y.detach(), full({5, 4}, 0.25)));
    CHECK(equal(grad({y}, {x}, {draw({{.shape = {5, 4}}}, f32, 1)[0].detach() * 0. + 1.})[0], zeros({5, 4})));
  }
}

TEST_CASE("batch_norm returns the batch's mean and biased variance, off the tape", "[op]") {
  for (const Shape& shape : {Shape{7, 3}, Shape{4, 3, 5}}) {
    const Tensor x = draw({{.shape = shape}}, f64, 6)[0];
    const BatchNormResult out = batch_norm(x);
    const Shape axes = shape.rank() == 2 ? Shape{0} : Shape{0, 2};
    CHECK(allclose(out.mean, mean(x, axes).detach(), 1e-12));
    CHECK(allclose(out.var, var(x, axes).detach(), 1e-12));
    CHECK(out.y.requires_grad());
    CHECK_FALSE(out.mean.requires_grad());
    CHECK_FALSE(out.var.requires_grad());
  }
}

TEST_CASE("batch_norm_inference with the batch's own statistics is batch_norm", "[op]") {
  const Tensors x = draw({{.shape = {4, 3, 5}}, {.shape = {3}}, {.shape = {3}}}, f64, 7);
  const BatchNormResult out = batch_norm(x[0], x[1], x[2]);
  CHECK(allclose(batch_norm_inference(x[0], out.mean, out.var, x[1], x[2]), out.y, 1e-12));
}

TEST_CASE("batch_norm normalises channels for themselves, batch_norm_inference every element", "[op]") {
  const Tensor x = draw({{.shape = {6, 3}}}, f64, 8)[0].detach();
  const BatchNormResult out = batch_norm(x);
  const Tensor one = batch_norm_inference(x.slice(0, 2, 3), out.mean, out.var);
  CHECK(allclose(one, out.y.slice(0, 2, 3), 1e-12));
  CHECK(allclose(batch_norm(x.slice(1, 0, 1)).y, out.y.slice(1, 0, 1), 1e-12));
}
