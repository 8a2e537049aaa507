#include <cmath>
#include <vector>

#include <gradus/core/create.h>
#include <gradus/core/kernels/packed.h>

#include "support/catch.h"

using namespace gradus;
using namespace gradus::kernels;

namespace {

// a (m, k) times b (k, n), panel by panel, against sums in double.
template <class T>
void check_products(std::int64_t m, std::int64_t n, std::int64_t k, bool transposed) {
  INFO("m " << m << ", n " << n << ", k " << k << ", b transposed: " << transposed);
  const Tensor a = randn({m, k}, dtype_of<T>());
  const Tensor b = transposed ? randn({n, k}, dtype_of<T>()).t() : randn({k, n}, dtype_of<T>());
  const Packed<T> packed(b);
  constexpr std::int64_t width = Packed<T>::width;
  REQUIRE(Packed<T>::panels_for(n) * width >= n);
  double worst = 0;
  for (std::int64_t panel = 0; panel < Packed<T>::panels_for(n); ++panel) {
    std::vector<T> c(static_cast<std::size_t>(m * (width + 1)), T(7));
    packed.multiply(a.data<T>(), k, m, panel, c.data(), width + 1);
    for (std::int64_t i = 0; i < m; ++i) {
      REQUIRE(c[static_cast<std::size_t>(i * (width + 1) + width)] == T(7));  // the gap between rows
      for (std::int64_t j = 0; j < width; ++j) {
        double sum = 0;
        const std::int64_t column = panel * width + j;
        for (std::int64_t l = 0; l < k && column < n; ++l)
          sum += static_cast<double>(a.data<T>()[i * k + l]) *
                 static_cast<double>(b.data<T>()[l * b.strides()[0] + column * b.strides()[1]]);
        worst = std::max(
            worst, std::abs(sum - static_cast<double>(c[static_cast<std::size_t>(i * (width + 1) + j)])));
      }
    }
  }
  CHECK(worst <= (sizeof(T) == sizeof(float) ? 2e-5 : 1e-13));
}

}  // namespace

TEST_CASE("a packed matrix gives the products of any number of rows, with zeros beyond its columns",
          "[kernel]") {
  for (const bool transposed : {false, true})
    for (const std::int64_t m : {1, 2, 5, 11, 12, 13, 20, 32, 37})
      for (const std::int64_t n : {1, 31, 32, 33, 70}) {
        check_products<float>(m, n, 40, transposed);
        check_products<double>(m, n, 9, transposed);
      }
}

TEST_CASE("a row's product with a packed matrix has the same bits, however many rows there are", "[kernel]") {
  const Tensor a = randn({37, 65}), b = randn({65, 32});
  const Packed<float> packed(b);
  std::vector<float> all(37 * 32), alone(32);
  for (std::int64_t panel = 0; panel < Packed<float>::panels_for(32); ++panel) {
    packed.multiply(a.data<float>(), 65, 37, panel, all.data(), 32);
    for (std::int64_t i = 0; i < 37; ++i) {
      packed.multiply(a.data<float>() + i * 65, 65, 1, panel, alone.data(), 32);
      CHECK(std::equal(alone.begin(), alone.begin() + Packed<float>::width, all.begin() + i * 32));
    }
  }
}
