// Clipping of gradients: what it leaves, what it keeps, and what it refuses.
#include <cmath>

#include <gradus/core/parallel.h>
#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

Tensor with_gradient(const Tensor& g) {
  const Tensor w = zeros(g.shape(), g.dtype()).requires_grad_();
  sum(w * g).backward();
  return w;
}

// sqrt of the sum of squares, by a loop over plain numbers.
double norm_of(const std::vector<Tensor>& gradients) {
  double squares = 0;
  for (const Tensor& g : gradients)
    for (const double x : g.to(f64).to_vector<double>()) squares += x * x;
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("clipping by norm leaves the norm asked for and the direction there was", "[optim]") {
  for (const DType dtype : {f32, f64}) {
    const Tensor a = randn({4, 5}, dtype), b = randn({70000}, dtype);
    const Tensor wa = with_gradient(a), wb = with_gradient(b);
    const optim::Parameters parameters{{"a", wa}, {"none", zeros({2}, dtype).requires_grad_()}, {"b", wb}};
    const double before = norm_of({a, b});
    CHECK(optim::clip_grad_norm(parameters, 2.5) == Approx(before).epsilon(1e-12));
    CHECK(norm_of({wa.grad(), wb.grad()}) == Approx(2.5).epsilon(dtype == f64 ? 1e-12 : 1e-6));
    const double rounding = dtype == f64 ? 1e-14 : 1e-6;
    CHECK(allclose(wa.grad(), a * (2.5 / before), rounding, 0));
    CHECK(allclose(wb.grad(), b * (2.5 / before), rounding, 0));
  }
}

TEST_CASE("gradients within the norm keep their bits, and an infinite norm only measures", "[optim]") {
  const Tensor g = randn({100}), w = with_gradient(g);
  CHECK(optim::clip_grad_norm({{"w", w}}, INFINITY) == Approx(norm_of({g})));
  optim::clip_grad_norm({{"w", w}}, 1.001 * norm_of({g}));
  CHECK(equal(w.grad(), g));
}

TEST_CASE("the norm of f32 gradients is summed in double", "[optim]") {
  const Tensor w = with_gradient(full({3}, 1e30));
  CHECK(optim::clip_grad_norm({{"w", w}}, 1) == Approx(std::sqrt(3.0) * 1e30).epsilon(1e-6));
  CHECK(norm_of({w.grad()}) == Approx(1).epsilon(1e-6));
}

TEST_CASE("clipping scales what the parameter alone holds, and no tensor of the user's", "[optim]") {
  const Tensor w = with_gradient(full({4}, 2));
  const Tensor held = w.grad();
  optim::clip_grad_norm({{"w", w}}, 1);
  CHECK(equal(held, full({4}, 2)));
  CHECK(equal(w.grad(), full({4}, 0.5)));
  optim::clip_grad_value({{"w", w}}, 0.1);
  CHECK(equal(w.grad(), full({4}, 0.1)));
}

TEST_CASE("two parameters that share a recorded gradient are scaled once each", "[optim]") {
  const Tensor a = zeros({1}, f64).requires_grad_(), b = zeros({1}, f64).requires_grad_();
  const Tensor y = a + b;
  const auto gradients = grad({sum(y)}, {a, b}, {}, {.create_graph = true});
  sum(y * 3.0).backward();
  optim::clip_grad_norm({{"a", a}, {"b", b}}, 1);
  CHECK(a.grad().item() == Approx(std::sqrt(0.5)));
  CHECK(b.grad().item() == Approx(std::sqrt(0.5)));
  CHECK(gradients[0].item() == 1);
}

TEST_CASE("clipping by value moves what is outside to the border", "[optim]") {
  const Tensor w = with_gradient(tensor({-3, -0.5, 0, 0.25, 7}));
  optim::clip_grad_value({{"w", w}}, 0.5);
  CHECK(equal(w.grad(), tensor({-0.5, -0.5, 0, 0.25, 0.5})));
}

TEST_CASE("a value is clipped that is finite and has no square", "[optim]") {
  const Tensor w = with_gradient(tensor({1e200, 0.25, -1e300}, f64));
  optim::clip_grad_value({{"w", w}, {"empty", with_gradient(zeros({0}))}}, 0.5);
  CHECK(equal(w.grad(), tensor({0.5, 0.25, -0.5}, f64)));
}

TEST_CASE("a gradient that is not finite is told by its parameter, and none is changed", "[optim]") {
  const Tensor fine = with_gradient(full({2}, 5)), broken = with_gradient(tensor({1, NAN, 2}));
  const optim::Parameters parameters{{"0.weight", fine}, {"2.bias", broken}};
  CHECK(message_of([&] { optim::clip_grad_norm(parameters, 1); }) ==
        "[clip_grad_norm] the gradient of '2.bias', of shape (3,), has an element that is not finite. "
        "Find where it came from with AnomalyMode, or take a lower lr?");
  CHECK(message_of([&] {
          optim::clip_grad_value(parameters, 1);
        }).find("[clip_grad_value] the gradient of '2.bias'") == 0);
  CHECK(equal(fine.grad(), full({2}, 5)));
  CHECK(message_of([&] { optim::clip_grad_norm(parameters, 0); }) ==
        "[clip_grad_norm] max must be above 0, not 0. 1?");
  CHECK(message_of([&] { optim::clip_grad_value(parameters, NAN); }) ==
        "[clip_grad_value] max must be above 0, not nan. 1?");
}

TEST_CASE("one and two threads clip to the same bits", "[optim]") {
  const int before = threads();
  const Tensor g = randn({300, 1000});
  std::vector<double> norms;
  for (const int count : {1, 2}) {
    set_threads(count);
    norms.push_back(optim::clip_grad_norm({{"w", with_gradient(g)}}, 1));
  }
  set_threads(before);
  CHECK(norms[0] == norms[1]);
}
