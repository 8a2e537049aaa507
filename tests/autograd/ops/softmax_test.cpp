// What the op table cannot say about softmax: its laws, and rows that are masked.
#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

using Numbers = std::vector<double>;
using Softmax = Tensor (*)(const Tensor&, std::int64_t);

Numbers values(const Tensor& x) { return Array(x).values; }
Tensor rows(const Numbers& numbers, std::int64_t n) { return from_vector(numbers).reshape({-1, n}); }

}  // namespace

TEST_CASE("softmax rows are positive and sum to one", "[op]") {
  for (const DType dtype : {f32, f64}) {
    const Tensor y = softmax(draw({{.shape = {50, 77}, .low = -30, .high = 30}}, dtype, 1)[0], -1);
    CHECK(min(y).item() > 0);
    CHECK(allclose(sum(y, -1), ones({50}, dtype), 1e-6));
  }
}

TEST_CASE("softmax does not change when a row is shifted, nor overflow", "[op]") {
  const Tensor x = draw({{.shape = {4, 9}}}, f64, 2)[0];
  CHECK(allclose(softmax(x + 700.0, -1), softmax(x, -1), 1e-12));
  CHECK(allclose(log_softmax(x - 1e5, -1), log_softmax(x, -1), 1e-9));
  CHECK(values(softmax(full({1, 2}, 1e38), -1)) == Numbers{0.5, 0.5});
}

TEST_CASE("log_softmax keeps what is too small for softmax", "[op]") {
  CHECK(values(log_softmax(rows({0, -200, -3000}, 3).to(f32), -1)) == Numbers{0, -200, -3000});
  const Tensor x = draw({{.shape = {4, 9}}}, f64, 3)[0];
  CHECK(allclose(exp(log_softmax(x, 0)), softmax(x, 0), 1e-12));
}

TEST_CASE("the axis may be any and may count from the end", "[op]") {
  const Tensor x = draw({{.shape = {3, 4, 5}}}, f64, 4)[0];
  CHECK(allclose(softmax(x, 1), softmax(x, -2)));
  CHECK(allclose(softmax(x.transpose(0, 2), 0), softmax(x, 2).transpose(0, 2)));
  CHECK(softmax(x, 1).is_contiguous());
}

TEST_CASE("masked entries get no share and no gradient", "[op][grad]") {
  Tensor x = rows({1, 2, 1, 0.5, -inf, -inf}, 3).requires_grad_();
  const Tensor y = softmax(x, -1);
  CHECK(values(y)[4] == 0);
  CHECK(values(y)[3] == 1);
  const Tensor dx = grad({y}, {x}, {rows({1, 2, 3, 4, 5, 6}, 3)})[0];
  CHECK(values(dx[1]) == Numbers{0, 0, 0});
}

TEST_CASE("a row masked whole gives zeros and zero gradients, first and second, fused and by definition",
          "[op][grad]") {
  for (const Softmax f : {Softmax(softmax), Softmax(definition::softmax)}) {
    Tensor x = rows({-inf, -inf, 0, 0}, 2).requires_grad_();
    const Tensor y = f(x, -1);
    CHECK(values(y) == Numbers{0, 0, 0.5, 0.5});
    const Tensor dx = grad({y}, {x}, {rows({1, 2, 3, 5}, 2)}, {.create_graph = true})[0];
    CHECK(values(dx) == Numbers{0, 0, -0.5, 0.5});
    const Tensor second = grad({dx}, {x}, {rows({1, 2, 1, 1}, 2)})[0];
    CHECK(values(second[0]) == Numbers{0, 0});
  }
}

TEST_CASE("log_softmax of a row masked whole is -inf and passes its gradient on, fused and by definition",
          "[op][grad]") {
  for (const Softmax f : {Softmax(log_softmax), Softmax(definition::log_softmax)}) {
    Tensor x = rows({-inf, -inf, -inf, 2}, 2).requires_grad_();
    const Tensor y = f(x, -1);
    CHECK(values(y) == Numbers{-inf, -inf, -inf, 0});
    CHECK(values(grad({y}, {x}, {rows({1, 2, 3, 5}, 2)})[0]) == Numbers{1, 2, 3, -3});
  }
}
