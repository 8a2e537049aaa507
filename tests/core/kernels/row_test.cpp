#include <gradus/core/kernels/row.h>

#include <cmath>
#include <vector>

#include "support/catch.h"

using namespace gradus::kernels;

TEMPLATE_TEST_CASE("the largest of a row is found at any place, among infinities and NaN", "[core][kernels]",
                   float, double) {
  using Limits = std::numeric_limits<TestType>;
  constexpr TestType inf = Limits::infinity();
  for (std::size_t count = 1; count <= 70; ++count) {
    // A row masked whole is told by this: anything but -infinity would be taken for a score.
    std::vector<TestType> row(count, -inf);
    CHECK(row_max(row.data(), static_cast<std::int64_t>(count)) == -inf);
    for (const TestType largest : {Limits::lowest(), TestType(-3), TestType(0), inf})
      for (std::size_t place = 0; place < count; ++place) {
        row.assign(count, -inf);
        row[place] = largest;
        if (count > 1) row[(place + 1) % count] = Limits::quiet_NaN();
        REQUIRE(row_max(row.data(), static_cast<std::int64_t>(count)) == largest);
      }
    row.assign(count, Limits::quiet_NaN());
    CHECK(row_max(row.data(), static_cast<std::int64_t>(count)) == -inf);
  }
  CHECK(row_max(static_cast<const TestType*>(nullptr), 0) == -inf);
}

TEST_CASE("a sum of a million f32 terms is as exact as one stretch of it", "[core][kernels]") {
  // n f32 additions lose at most n 2^-24 of a sum of positive terms; a million of them could lose all of it.
  const double bound = static_cast<double>(stretch_of_sum) * 0x1p-24;
  for (const std::int64_t count : {1, 511, 512, 513, 1'000'000}) {
    const double exact = static_cast<double>(count) * static_cast<double>(0.1f);
    const double sum = row_sum<float>(0, count, [](std::int64_t) { return 0.1f; });
    CHECK(std::abs(sum - exact) <= bound * exact);
    const Two<double> both = row_sums<float>(0, count, [](std::int64_t i) {
      return Two<float>{0.1f, static_cast<float>(i % 2)};
    });
    CHECK(std::abs(both.a - exact) <= bound * exact);
    CHECK(both.b == static_cast<double>(count / 2));
  }
}
