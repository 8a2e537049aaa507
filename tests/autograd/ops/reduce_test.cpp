// What the op table cannot say about reductions.
#include <cmath>
#include <limits>
#include <numeric>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using Numbers = std::vector<double>;

Numbers values(const Tensor& x) { return Array(x).values; }
Tensor list(const Numbers& numbers) { return from_vector(numbers); }
bool near(double a, double b, double relative) { return std::abs(a - b) <= relative * std::abs(b); }
Tensor whole(const std::vector<std::int64_t>& numbers) { return from_vector(numbers); }

}  // namespace

TEST_CASE("axes are one number, a list, or all where nothing is said", "[op]") {
  const Tensor x = arange(6, f64).reshape({1, 2, 3});
  CHECK(sum(x).shape() == Shape{});
  CHECK(sum(x, {}).item() == 15);
  CHECK(sum(x, -1).shape() == Shape{1, 2});
  CHECK(sum(x, {2, 0}).shape() == Shape{2});
  CHECK(values(sum(x, {2, 0})) == Numbers{3, 12});
  CHECK(mean(x, {0, 2}, keep_dims).shape() == Shape{1, 2, 1});
  CHECK(var(x, -1, keep_dims).shape() == Shape{1, 2, 1});
  CHECK(argmax(x, -1, keep_dims).shape() == Shape{1, 2, 1});
}

TEST_CASE("an empty list of axes reduces nothing and gives a copy", "[op]") {
  Tensor x = arange(3, f64);
  const Tensor y = sum(x, Shape{});
  x.zero_();
  CHECK(values(y) == Numbers{0, 1, 2});
}

TEST_CASE("a number can be reduced", "[op]") {
  const Tensor x = full({}, 3, f64);
  CHECK(sum(x).item() == 3);
  CHECK(mean(x).item() == 3);
  CHECK(max(x).item() == 3);
  CHECK(argmax(x).item() == 0);
  CHECK(var(x).item() == 0);
}

TEST_CASE("whole numbers stay whole in sum, prod, max, min and cumsum", "[op]") {
  const Tensor x = whole({3, -5, 7, 1}).reshape({2, 2});
  CHECK(sum(x).dtype() == i64);
  CHECK(values(sum(x, 0)) == Numbers{10, -4});
  CHECK(values(prod(x, 1)) == Numbers{-15, 7});
  CHECK(values(max(x, 1)) == Numbers{3, 7});
  CHECK(values(min(x, 0)) == Numbers{3, -5});
  CHECK(values(cumsum(x, 1)) == Numbers{3, -2, 7, 8});
  CHECK(values(cumsum_reversed(x, 0)) == Numbers{10, -4, 7, 1});
}

TEST_CASE("sums and products of whole numbers wrap around", "[op]") {
  const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  CHECK(sum(whole({largest, 1})).to_vector<std::int64_t>()[0] == std::numeric_limits<std::int64_t>::min());
  CHECK(prod(whole({largest, 2})).to_vector<std::int64_t>()[0] == -2);
}

TEST_CASE("of no elements the sum is 0, the product 1, any false, all true, logsumexp -inf", "[op]") {
  const Tensor none = zeros({2, 0}, f64), no_masks = zeros({2, 0}, boolean);
  CHECK(values(sum(none, 1)) == Numbers{0, 0});
  CHECK(values(prod(none, 1)) == Numbers{1, 1});
  CHECK(values(any(no_masks, 1)) == Numbers{0, 0});
  CHECK(values(all(no_masks, 1)) == Numbers{1, 1});
  CHECK(values(logsumexp(none, 1)) == Numbers{-inf, -inf});
  CHECK(sum(none).item() == 0);
}

TEST_CASE("no groups to reduce give no results, without complaint", "[op]") {
  const Tensor none = zeros({0, 3});
  CHECK(mean(none, 1).shape() == Shape{0});
  CHECK(max(none, 1).shape() == Shape{0});
  CHECK(argmin(none, 1).shape() == Shape{0});
  CHECK(var(none, -1, keep_dims).shape() == Shape{0, 1});
}

TEST_CASE("elements that tie for the extreme share its gradient", "[op][grad]") {
  Tensor x = list({1, 3, 3, -2, -2, -2}).reshape({2, 3}).requires_grad_();
  CHECK(values(grad({sum(max(x, 1))}, {x})[0]) == Numbers{0, 0.5, 0.5, 1. / 3, 1. / 3, 1. / 3});
  CHECK(values(grad({min(x)}, {x})[0]) == Numbers{0, 0, 0, 1. / 3, 1. / 3, 1. / 3});
}

TEST_CASE("NaN is both the largest and the smallest, as in NumPy", "[op]") {
  for (const std::size_t place : {0, 1, 40, 99}) {
    Numbers numbers(100);
    std::iota(numbers.begin(), numbers.end(), -50);
    numbers[place] = not_a_number;
    numbers[99] = not_a_number;
    const Tensor x = list(numbers);
    CHECK(std::isnan(max(x).item()));
    CHECK(std::isnan(min(x).item()));
    CHECK(std::isnan(max(x.reshape({100, 1}), 0).item()));
    CHECK(argmax(x).item() == static_cast<double>(place));
    CHECK(argmin(x).item() == static_cast<double>(place));
    CHECK(std::isnan(sum(x).item()));
    CHECK(std::isnan(logsumexp(x).item()));
  }
}

TEST_CASE("argmax and argmin give the first of several", "[op]") {
  const Tensor x = list({2, 5, 5, 2, 2, 5});
  CHECK(argmax(x).item() == 1);
  CHECK(argmin(x).item() == 0);
  CHECK(argmax(x).dtype() == i64);
  CHECK(values(argmax(x.reshape({2, 3}), 0)) == Numbers{0, 0, 0});
}

TEST_CASE("extremes of infinities are found", "[op]") {
  CHECK(max(list({-inf, -inf})).item() == -inf);
  CHECK(min(list({inf, inf})).item() == inf);
  CHECK(argmax(list({-inf, -inf})).item() == 0);
  CHECK(max(whole({std::numeric_limits<std::int64_t>::min()})).to_vector<std::int64_t>()[0] ==
        std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("a product's gradient divides by no zero", "[op][grad]") {
  Tensor x = list({2, 3, 4, 2, 0, 4, 0, 3, 0}).reshape({3, 3}).requires_grad_();
  CHECK(values(grad({sum(prod(x, 1))}, {x})[0]) == Numbers{12, 8, 6, 0, 8, 0, 0, 0, 0});
  // d2 (abc) / da db = c
  const Tensor dx = grad({prod(x[2])}, {x}, {}, {.create_graph = true})[0];
  CHECK(values(grad({dx[2][0]}, {x})[0]) == Numbers{0, 0, 0, 0, 0, 0, 0, 0, 3});
}

TEST_CASE("a running total's gradient runs the other way", "[op][grad]") {
  Tensor x = zeros({4}, f64).requires_grad_();
  CHECK(values(grad({cumsum(x, 0)}, {x}, {list({1, 2, 3, 4})})[0]) == Numbers{10, 9, 7, 4});
  CHECK(values(grad({cumsum_reversed(x, 0)}, {x}, {list({1, 2, 3, 4})})[0]) == Numbers{1, 3, 6, 10});
}

TEST_CASE("logsumexp neither overflows nor loses small terms", "[op]") {
  CHECK(near(logsumexp(list({1000, 1000})).item(), 1000 + std::log(2), 1e-7));
  CHECK(near(logsumexp(list({-1000, -1000})).item(), -1000 + std::log(2), 1e-7));
  CHECK(near(logsumexp(list({1000, 1000}).to(f32)).item(), 1000 + std::log(2), 1e-7));
  CHECK(logsumexp(list({0, inf, -inf})).item() == inf);
}

TEST_CASE("logsumexp of nothing but -inf is -inf with zero gradients, first and second", "[op][grad]") {
  Tensor x = list({-inf, -inf, 1, -inf}).reshape({2, 2}).requires_grad_();
  const Tensor y = logsumexp(x, 1);
  CHECK(values(y) == Numbers{-inf, 1});
  const Tensor dx = grad({y}, {x}, {list({5, 5})}, {.create_graph = true})[0];
  CHECK(values(dx) == Numbers{0, 0, 5, 0});
  CHECK(values(grad({dx}, {x}, {ones({2, 2}, f64)})[0]) == Numbers{0, 0, 0, 0});
}

TEST_CASE("ten million f32 numbers sum to seven digits along either axis", "[op]") {
  const Tensor x = full({10'000'000}, 0.1);
  const double exact = 1e7 * static_cast<double>(0.1f);
  CHECK(near(sum(x).item(), exact, 1e-7));
  CHECK(near(sum(x.reshape({1'000'000, 10}), 0)[3].item(), exact / 10, 1e-7));
  CHECK(near(cumsum(x, 0)[-1].item(), exact, 1e-7));
}

TEST_CASE("reductions of 3,000,000 numbers have the same bits at 1, 2, 3 and 8 threads", "[op][threads]") {
  // In f64, and large enough for more pieces than there are threads: each other cut would round otherwise.
  Generator generator(1);
  const Tensor x = randn({3'000'000}, f64, generator), columns = x.reshape({300'000, 10});
  const int before = threads();
  std::vector<std::vector<Tensor>> results;
  for (const int count : {1, 2, 3, 8}) {
    set_threads(count);
    results.push_back({sum(x), mean(x), var(x), logsumexp(x), sum(columns, 0), var(columns, 0), cumsum(x, 0),
                       sum(columns, 1), sum(columns.slice(1, 0, 10, 2), 0)});
  }
  set_threads(before);
  for (std::size_t i = 1; i < results.size(); ++i)
    for (std::size_t k = 0; k < results[i].size(); ++k) {
      INFO("result " << k);
      CHECK(equal(results[i][k], results[0][k]));
    }
}

TEST_CASE("the variance of f32 numbers far from zero is right to five digits", "[op]") {
  // 10000 and 10001 by turns: mean 10000.5, variance 1/4.
  Tensor turns = full({1000}, 10000);
  turns.slice(0, 1, 1000, 2).add_(1);
  CHECK(near(var(turns).item(), 0.25, 1e-5));
  CHECK(near(var(turns, 0, Dims::drop, 1).item(), 250. / 999, 1e-5));
}

TEST_CASE("what an expand shows many times is summed as often", "[op]") {
  const Tensor x = arange(3, f64).unsqueeze(1).expand({4, 3, 5});
  CHECK(sum(x).item() == 60);
  CHECK(values(sum(x, {0, 2})) == Numbers{0, 20, 40});
  CHECK(values(sum(x, 1)) == Numbers(20, 3));
  CHECK(values(max(x, 0)) == values(x[0]));
}

TEST_CASE("any order of axes in memory gives the same reduction", "[op]") {
  const Tensor x = test::draw({{.shape = {5, 9, 34, 3}, .differentiable = false}}, f64, 1)[0];
  for (const Shape& order : {Shape{3, 2, 1, 0}, Shape{1, 3, 0, 2}, Shape{2, 0, 3, 1}}) {
    const Tensor turned = x.permute(order), plain = turned.clone();
    for (const Axes& axes : {Axes(), Axes(0), Axes(3), Axes{0, 2}, Axes{1, 3}, Axes{0, 1, 2}, Axes{1, 2}}) {
      CHECK(allclose(sum(turned, axes), sum(plain, axes), 1e-13, 1e-13));
      CHECK(equal(max(turned, axes), max(plain, axes)));
      CHECK(allclose(var(turned, axes), var(plain, axes), 1e-13, 1e-13));
    }
  }
}
