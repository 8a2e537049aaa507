// What the op table cannot say about losses: their laws, classes that are impossible, and rows that say
// nothing.
#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Tensor ids(const std::vector<std::int64_t>& values) { return from_vector(values); }
std::vector<double> values(const Tensor& x) { return Array(x).values; }

Tensor matrix(const std::vector<double>& numbers, std::int64_t columns) {
  return from_vector(numbers).reshape({-1, columns});
}

}  // namespace

TEST_CASE("a model that knows nothing loses the logarithm of the number of classes", "[op]") {
  CHECK(cross_entropy(zeros({4, 65}), ids({0, 64, 7, 7})).item() == Approx(std::log(65)));
}

TEST_CASE("cross_entropy is the mean of -log softmax at the targets", "[op]") {
  const Tensor x = draw({{.shape = {6, 9}}}, f64, 1)[0], targets = ids({3, 0, 8, 8, 1, 5});
  const Tensor expected = -mean(gather(log_softmax(x, -1), -1, targets.unsqueeze(-1)));
  CHECK(cross_entropy(x, targets).item() == Approx(expected.item()).epsilon(1e-14));
}

// Worked out by hand: logits (ln 1, ln 2, ln 5) make probabilities 1/8, 1/4, 5/8.
TEST_CASE("smoothing and class weights follow the formula of PyTorch", "[op]") {
  const Tensor x = matrix({0, std::log(2), std::log(5), 0, std::log(2), std::log(5)}, 3),
               targets = ids({1, 2});
  const double a = std::log(8), b = std::log(4), c = std::log(1.6);
  CHECK(cross_entropy(x, targets, {.label_smoothing = 0.3}).item() ==
        Approx(0.7 * (b + c) / 2 + 0.1 * (a + b + c)));
  const Tensor weights = from_vector(std::vector<double>{1, 2, 4});
  CHECK(cross_entropy(x, targets, {.class_weights = weights}).item() == Approx((2 * b + 4 * c) / 6));
  CHECK(cross_entropy(x, targets, {.label_smoothing = 0.3, .class_weights = weights}).item() ==
        Approx((0.7 * (2 * b + 4 * c) + 2 * 0.1 * (a + 2 * b + 4 * c)) / 6));
}

TEST_CASE("the gradients of a row's logits sum to 0", "[op][grad]") {
  for (const double smoothing : {0., 0.2}) {
    const Tensor x = draw({{.shape = {5, 40}, .low = -9, .high = 9}}, f64, 2)[0];
    cross_entropy(x, ids({1, 2, 3, 4, 39}), {.label_smoothing = smoothing}).backward();
    CHECK(allclose(sum(x.grad(), -1), zeros({5}, f64), 0, 1e-15));
  }
}

TEST_CASE("a row that is ignored changes neither the loss nor the other rows' gradients", "[op][grad]") {
  Tensor all = draw({{.shape = {4, 7}}}, f64, 3)[0].detach(), some = all.slice(0, 1, 3).clone();
  all.requires_grad_(), some.requires_grad_();
  const CrossEntropyOptions options{.label_smoothing = 0.1};
  const Tensor loss = cross_entropy(all, ids({-100, 2, 6, -100}), options),
               expected = cross_entropy(some, ids({2, 6}), options);
  CHECK(loss.item() == expected.item());
  loss.backward(), expected.backward();
  CHECK(equal(all.grad().slice(0, 1, 3), some.grad()));
  CHECK(equal(all.grad().slice(0, 0, 1), zeros({1, 7}, f64)));
  CHECK(equal(all.grad().slice(0, 3, 4), zeros({1, 7}, f64)));
}

TEST_CASE("a batch with every row ignored, or with none, has loss 0 and gradient 0", "[op][grad]") {
  for (const std::int64_t rows : {3, 0}) {
    Tensor x = draw({{.shape = {rows, 5}}}, f32, 4)[0];
    const Tensor loss = cross_entropy(x, full({rows}, -100, i64));
    CHECK(loss.item() == 0);
    loss.backward();
    CHECK(equal(x.grad(), zeros({rows, 5})));
  }
}

TEST_CASE("an impossible class gets no gradient and costs nothing where it has no share", "[op][grad]") {
  const std::vector<double> numbers = {1, -inf, 2, -inf, 0.5, -inf, 0, 3};
  // With smoothing every class has a share, unless its weight is 0.
  const auto options =
      GENERATE(CrossEntropyOptions{},
               CrossEntropyOptions{.label_smoothing = 0.2,
                                   .class_weights = from_vector(std::vector<double>{1, 0, 1, 0})});
  Tensor x = matrix({1, -inf, 2, -inf, 0.5, -inf, 0, -inf}, 4).requires_grad_();
  Tensor possible = matrix({1, 2, 0.5, 0}, 2).requires_grad_();
  const Tensor loss = cross_entropy(x, ids({0, 2}), options);
  if (options.label_smoothing == 0) {
    const Tensor expected = cross_entropy(possible, ids({0, 1}));
    CHECK(loss.item() == Approx(expected.item()));
    expected.backward();
  }
  const Tensor dx = grad({loss}, {x}, {}, {.create_graph = true})[0];
  loss.backward();
  for (int row : {0, 1})
    for (int column : {0, 1, 2, 3}) {
      const double slope = x.grad()[row][column].item();
      CHECK(std::isfinite(slope));
      CHECK(slope == Approx(dx[row][column].item()));
      if (column % 2 == 1)
        CHECK(slope == 0);
      else if (options.label_smoothing == 0)
        CHECK(slope == Approx(possible.grad()[row][column / 2].item()));
    }
  for (const double second : values(grad({sum(square(dx))}, {x})[0])) CHECK(std::isfinite(second));
}

TEST_CASE("an impossible target costs infinity, and its gradient is finite", "[op][grad]") {
  for (const std::vector<double>& numbers : {std::vector<double>{1, -inf, 2}, {-inf, -inf, -inf}}) {
    Tensor x = matrix(numbers, 3).to(f32).requires_grad_();
    const Tensor loss = cross_entropy(x, ids({1}));
    CHECK(loss.item() == inf);
    CHECK(definition::cross_entropy(x, ids({1}), {}).item() == inf);
    loss.backward();
    for (const double slope : values(x.grad())) CHECK(std::isfinite(slope));
    CHECK(x.grad()[0][1].item() == -1);
  }
}

TEST_CASE("f32 logits of any size give gradients to f32's accuracy", "[op][grad]") {
  const Tensor narrow = draw({{.shape = {8, 1300}}}, f32, 5)[0].detach(), targets = arange(8, i64);
  for (const double offset : {0., 100., -5000., 1e30}) {
    Tensor x = (narrow * 5. + offset).requires_grad_(), wide = x.detach().to(f64).requires_grad_();
    const Tensor loss = cross_entropy(x, targets), expected = definition::cross_entropy(wide, targets, {});
    CHECK(loss.item() == Approx(expected.item()).epsilon(1e-6));
    loss.backward(), expected.backward();
    CHECK(allclose(x.grad().to(f64), wide.grad(), 2e-6, 1e-12));
  }
}

TEST_CASE("cross_entropy keeps two numbers a row beside the logits, no probabilities", "[op]") {
  Tensor x = draw({{.shape = {64, 5000}}}, f32, 6)[0];
  const Tensor targets = full({64}, 7, i64);
  const std::int64_t before = memory_stats().bytes_in_use;
  reset_peak_memory();
  const Tensor loss = cross_entropy(x, targets);
  CHECK(memory_stats().peak_bytes - before < 8 * 1024);
}
