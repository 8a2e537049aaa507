// What the op table cannot say about joining and cutting.
#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/join.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;
using gradus::test::Inputs;
using gradus::test::Tensors;

TEST_CASE("concat puts 500 small tensors where their places are, whichever thread copies them", "[op]") {
  const Tensors list = draw(Inputs(500, {.shape = {3, 71}}), f32, 1);
  const Tensor y = concat(list, 1);
  REQUIRE(y.shape() == Shape{3, 500 * 71});
  bool same = true;
  for (std::size_t k = 0; k < list.size(); ++k) {
    const auto from = static_cast<std::int64_t>(k) * 71;
    same = same && equal(y.slice(1, from, from + 71), list[k]);
  }
  CHECK(same);
}

TEST_CASE("concat undoes split", "[op]") {
  const Tensor x = draw({{.shape = {4, 7, 3}}}, f32, 2)[0];
  CHECK(equal(concat(split(x, 2, 1), 1), x));
  CHECK(equal(concat(split(x, {1, 0, 6}, 1), 1), x));
  CHECK(equal(concat({x}, 0), x));
}

TEST_CASE("parts that fill one memory are joined where they stand, others are not", "[op]") {
  const Tensor whole = draw({{.shape = {4, 6, 3}}}, f32, 2)[0].detach();
  const auto is_joined = [](const Tensors& parts, int axis) {
    return kernels::joined_in_place(parts, axis).defined();
  };
  const Tensors parts = split(whole, {1, 0, 2, 3}, 1);
  const Tensor joined = kernels::joined_in_place(parts, 1);
  CHECK(joined.shape() == whole.shape());
  CHECK(joined.data<float>() == whole.data<float>());
  const Tensors halves = split(whole, 3, 1);
  CHECK(is_joined(halves, 1));
  CHECK_FALSE(is_joined({halves[1], halves[0]}, 1));
  CHECK_FALSE(is_joined(halves, 0));
  CHECK_FALSE(is_joined({halves[0], halves[1].clone()}, 1));
  CHECK_FALSE(is_joined({halves[0].clone(), halves[1].clone()}, 1));
  CHECK_FALSE(is_joined({parts[0], parts[2]}, 1));  // a third part is between rows
  CHECK_FALSE(is_joined({parts[0], parts[3]}, 1));  // ... and between these two
}

TEST_CASE("split gives views and no pieces of an axis without entries", "[op]") {
  Tensor x = kernels::full({2, 6}, 1, f32);
  const Tensors pieces = split(x, 4, 1);
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[1].shape() == Shape{2, 2});
  x.add_(x);
  CHECK(Array(pieces[1]).values == std::vector<double>{2, 2, 2, 2});
  CHECK(split(kernels::full({0}, 1, f32).requires_grad_(), 4, 0).empty());
}

TEST_CASE("a piece of a split that nobody used counts as zeros in the gradient", "[op][grad]") {
  Tensor x = draw({{.shape = {2, 3}}}, f64, 3)[0];
  const Tensor middle = split(x, 1, 1)[1];
  const Tensor dx = grad({middle}, {x}, {kernels::full({2, 1}, 5, f64)})[0];
  CHECK(Array(dx).values == std::vector<double>{0, 5, 0, 0, 5, 0});
  const auto f = [&] {
    const Tensors pieces = split(x, {1, 2}, 1);
    return square(pieces[1]) * pieces[0];
  };
  CHECK_THAT(gradcheck(f, {{"x", x}}, {.second_order = true}), passes_gradcheck());
}

TEST_CASE("one tensor may stand in a list twice", "[op][grad]") {
  Tensor x = draw({{.shape = {2}}}, f64, 4)[0];
  const Tensor dy = draw({{.shape = {4}, .differentiable = false}}, f64, 5)[0];
  const Array dx(grad({concat({x, x}, 0)}, {x}, {dy})[0]), seed(dy);
  CHECK(dx.values == std::vector<double>{seed[0] + seed[2], seed[1] + seed[3]});
}

TEST_CASE("tensors of every dtype are joined, turned and cut to triangles", "[op]") {
  for (const DType dtype : {f32, f64, i64, boolean}) {
    const Tensor x = kernels::full({2, 2}, 1, dtype), zeros = kernels::full({2, 2}, 0, dtype);
    CHECK(Array(concat({x, zeros}, 1)).values == std::vector<double>{1, 1, 0, 0, 1, 1, 0, 0});
    CHECK(Array(stack({zeros, x}, 0)).values == std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1});
    CHECK(Array(triu(x, 1)).values == std::vector<double>{0, 1, 0, 0});
    CHECK(Array(flip(tril(x), -1)).values == std::vector<double>{0, 1, 1, 1});
    CHECK(tril(x).dtype() == dtype);
  }
}

TEST_CASE("triangles hold no NaN from the part they leave out", "[op]") {
  const Tensor x = kernels::full({2, 2}, std::numeric_limits<double>::quiet_NaN(), f32);
  CHECK(Array(triu(x, 2)).values == std::vector<double>{0, 0, 0, 0});
  constexpr auto most = std::numeric_limits<std::int64_t>::max(),
                 least = std::numeric_limits<std::int64_t>::min();
  CHECK(Array(triu(x, most)).values == std::vector<double>{0, 0, 0, 0});
  CHECK(Array(tril(x, least)).values == std::vector<double>{0, 0, 0, 0});
}
