// What the op table cannot say about ordering.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/sort.h>
#include <gradus/core/kernels/copy.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class T>
Tensor list(const std::vector<T>& values) {
  Tensor x = Tensor::empty({static_cast<std::int64_t>(values.size())}, dtype_of<T>());
  std::copy(values.begin(), values.end(), x.data<T>());
  return x;
}

std::vector<double> indices_of(const Sorted& sorted) { return Array(sorted.indices).values; }

// Small whole numbers, infinities and NaN, so that every order has many equals in it.
std::vector<double> crowded(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<double> values(count);
  for (double& value : values) {
    value = static_cast<double>(random() % 64) - 32;
    if (value == 31) value = inf;
    if (value == 30) value = -inf;
    if (value == 29) value = not_a_number;
    if (value == 28) value = -0.0;
  }
  return values;
}

// NaN above all numbers.
bool comes_before(double a, double b) { return !std::isnan(a) && (std::isnan(b) || a < b); }

}  // namespace

TEST_CASE("NaN sorts last in ascending and first in descending order", "[op]") {
  for (const DType dtype : {f32, f64}) {
    const Tensor x = kernels::cast(list<double>({2, not_a_number, -inf, 3, inf, -1}), dtype);
    CHECK(indices_of(sort(x)) == std::vector<double>{2, 5, 0, 3, 4, 1});
    CHECK(indices_of(sort(x, 0, true)) == std::vector<double>{1, 4, 3, 0, 5, 2});
    CHECK(std::isnan(Array(sort(x).values)[5]));
    CHECK(indices_of(topk(x, 2)) == std::vector<double>{1, 4});
    CHECK(indices_of(topk(x, 2, 0, false)) == std::vector<double>{2, 5});
  }
}

TEST_CASE("equal elements keep their order, both ways, and -0 equals 0", "[op]") {
  const Tensor x = list<float>({1, 0, 1, -0.0f, 0, 1});
  CHECK(indices_of(sort(x)) == std::vector<double>{1, 3, 4, 0, 2, 5});
  CHECK(indices_of(sort(x, 0, true)) == std::vector<double>{0, 2, 5, 1, 3, 4});
  CHECK(indices_of(topk(x, 4)) == std::vector<double>{0, 2, 5, 1});
  CHECK(std::signbit(sort(x).values.data<float>()[1]));  // values come back as they were
}

TEST_CASE("sort agrees with std::stable_sort from 1 to 10,000 entries in every dtype", "[op]") {
  for (const std::size_t count : {1, 2, 127, 128, 129, 1000, 10000}) {
    const std::vector<double> crowd = crowded(count, count);
    for (const DType dtype : {f32, f64, i64, boolean}) {
      // Infinities and NaN are not whole numbers.
      std::vector<double> values = crowd;
      if (!is_floating(dtype))
        for (double& value : values) value = std::isfinite(value) ? dtype == boolean ? value > 0 : value : 0;
      for (const bool descending : {false, true}) {
        INFO(count << " of " << dtype << (descending ? " descending" : " ascending"));
        std::vector<double> expected(count);
        std::iota(expected.begin(), expected.end(), 0);
        std::stable_sort(expected.begin(), expected.end(), [&](double i, double j) {
          const double a = values[static_cast<std::size_t>(i)], b = values[static_cast<std::size_t>(j)];
          return descending ? comes_before(b, a) : comes_before(a, b);
        });
        const Tensor x = kernels::cast(list(values), dtype);
        CHECK(indices_of(sort(x, 0, descending)) == expected);
        CHECK(Array(argsort(x, 0, descending)).values == expected);
        for (const std::size_t k : {std::size_t{0}, std::size_t{1}, count / 20, count / 2, count}) {
          if (k > count) continue;
          CHECK(indices_of(topk(x, static_cast<std::int64_t>(k), 0, descending)) ==
                std::vector<double>(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(k)));
        }
      }
    }
  }
}

TEST_CASE("whole numbers sort over their whole range", "[op]") {
  constexpr auto most = std::numeric_limits<std::int64_t>::max(),
                 least = std::numeric_limits<std::int64_t>::min();
  const Tensor x = list<std::int64_t>({0, most, -1, least, 1, most - 1});
  CHECK(indices_of(sort(x)) == std::vector<double>{3, 2, 0, 4, 5, 1});
  CHECK(indices_of(sort(x, 0, true)) == std::vector<double>{1, 5, 4, 0, 2, 3});
}

TEST_CASE("only the chosen entries of topk get a gradient", "[op][grad]") {
  Tensor x = list<double>({3, 1, 4, 1, 5});
  x.requires_grad_();
  const Sorted best = topk(x, 2);
  CHECK_FALSE(best.indices.requires_grad());
  CHECK(Array(grad({best.values}, {x}, {list<double>({10, 20})})[0]).values ==
        std::vector<double>{0, 0, 20, 0, 10});
}
