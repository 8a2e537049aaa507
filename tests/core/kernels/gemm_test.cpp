#include <cmath>
#include <random>
#include <vector>

#include <gradus/core/kernels/gemm.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::kernels;

namespace {

// rows x columns numbers, laid out row by row or column by column with `gap` elements between two lines.
template <class T>
struct Drawn {
  std::vector<T> memory;
  Matrix<const T> matrix;

  Drawn(std::int64_t rows, std::int64_t columns, bool by_columns, std::int64_t gap, std::mt19937_64& random) {
    const std::int64_t lines = by_columns ? columns : rows, line = (by_columns ? rows : columns) + gap;
    std::uniform_real_distribution<T> uniform(-1, 1);
    for (std::int64_t i = 0; i < lines * line + 1; ++i) memory.push_back(uniform(random));
    matrix = by_columns ? Matrix<const T>{memory.data(), rows, columns, 1, line}
                        : Matrix<const T>{memory.data(), rows, columns, line, 1};
  }
};

template <class T>
T at(const Matrix<const T>& x, std::int64_t i, std::int64_t j) {
  return x.data[i * x.row_stride + j * x.column_stride];
}

template <class T>
void check_product(std::int64_t m, std::int64_t n, std::int64_t k, std::mt19937_64& random) {
  const auto chance = [&] { return random() % 2 == 0; };
  const Drawn<T> a(m, k, chance(), chance() ? 0 : 3, random), b(k, n, chance(), chance() ? 0 : 3, random);
  const Drawn<T> before(m, n, false, 2, random);
  std::vector<T> after = before.memory;
  const Matrix<T> c{after.data(), m, n, n + 2, 1};
  const bool add = chance();
  const T scale = chance() ? T(1) : T(0.5);
  gemm(a.matrix, b.matrix, c, add, scale);
  double worst = 0;
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n + 2; ++j) {
      double expected = at(before.matrix, i, j);  // the gap behind each row stays as it was
      if (j < n) {
        double sum = 0;
        for (std::int64_t d = 0; d < k; ++d) sum += double(at(a.matrix, i, d)) * at(b.matrix, d, j);
        expected = (add ? expected : 0) + scale * sum;
      }
      worst = std::max(worst, std::abs(at(Matrix<const T>(c), i, j) - expected));
    }
  INFO(m << " x " << k << " times " << k << " x " << n);
  REQUIRE(worst <= (sizeof(T) == 4 ? 2e-6 : 1e-14) * std::sqrt(double(k) + 1) * 4);
}

}  // namespace

TEST_CASE("gemm is right at every size around its kernels' limits, for all layouts", "[core]") {
  std::mt19937_64 random(1);
  const std::vector<std::int64_t> sizes = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33};
  for (const std::int64_t m : sizes)
    for (const std::int64_t n : sizes)
      for (const std::int64_t k : sizes) {
        check_product<float>(m, n, k, random);
        check_product<double>(m, n, k, random);
      }
}

TEST_CASE("gemm is right for a few long vectors, and for deep sums", "[core]") {
  std::mt19937_64 random(2);
  for (const std::int64_t few : {1, 2, 3, 4})
    for (const std::int64_t depth : {5, 127, 128, 129, 2047, 2049, 5000}) {
      check_product<float>(few, 131, depth, random);
      check_product<float>(131, few, depth, random);
      check_product<double>(few, 131, depth, random);
      check_product<double>(131, few, depth, random);
    }
}

TEST_CASE("gemm is right where sides are cut into blocks", "[core]") {
  std::mt19937_64 random(3);
  for (const std::int64_t m : {11, 12, 13, 47, 48, 49, 100})
    for (const std::int64_t n : {16, 63, 255, 256, 257, 512, 530})
      for (const std::int64_t k : {127, 191, 192, 193, 383, 384, 385, 800}) {
        check_product<float>(m, n, k, random);
        check_product<double>(m, n, k, random);
      }
}

// Our own loops run with AVX-512 (blocked.h). OpenBLAS promises no such thing: its last few rows have others.
#if defined(__AVX512F__)
TEST_CASE("in our own loops a row's product has the same bits however many rows there are", "[core]") {
  std::mt19937_64 random(4);
  const std::int64_t all = 30, n = 40;
  for (const std::int64_t k : {133, 400})
    for (const bool a_by_columns : {false, true})
      for (const bool b_by_columns : {false, true}) {
        const Drawn<float> a(all, k, a_by_columns, 0, random), b(k, n, b_by_columns, 0, random);
        std::vector<float> whole(all * n), part(all * n);
        gemm(a.matrix, b.matrix, row_major(whole.data(), all, n));
        for (std::int64_t m = 4; m < all; ++m) {  // fewer are vectors, which are multiplied otherwise
          gemm(a.matrix.from_row(0, m), b.matrix, row_major(part.data(), m, n));
          CHECK(std::equal(part.begin(), part.begin() + m * n, whole.begin()));
        }
      }
}
#endif

TEST_CASE("gemm in BLAS's order of arguments is the same product", "[core]") {
  const std::vector<float> a = {1, 2, 3, 4, 5, 6}, b = {1, 0, 2, 1, 1, 3};
  std::vector<float> c(4, 10);
  gemm<float>(false, true, 2, 2, 3, 1, a.data(), 3, b.data(), 3, 0, c.data(), 2);
  CHECK(c == std::vector<float>{7, 12, 16, 27});
  gemm<float>(true, false, 2, 2, 3, 2, a.data(), 2, b.data(), 2, 1, c.data(), 2);
  CHECK(c == std::vector<float>{7 + 2 * 12, 12 + 2 * 18, 16 + 2 * 16, 27 + 2 * 22});
}

TEST_CASE("BLAS reads rows or columns that are adjacent, and no expanded ones", "[core]") {
  CHECK(is_blas_readable(3, 4, 4, 1));
  CHECK(is_blas_readable(3, 4, 1, 3));
  CHECK(is_blas_readable(3, 4, 9, 1));
  CHECK(is_blas_readable(1, 4, 0, 7));
  CHECK(is_blas_readable(3, 1, 5, 0));
  CHECK_FALSE(is_blas_readable(3, 4, 8, 2));
  CHECK_FALSE(is_blas_readable(3, 4, 0, 1));
  CHECK_FALSE(is_blas_readable(3, 4, 1, 0));
}

TEST_CASE("a size past what BLAS can count is refused before anything is read", "[core][error]") {
  constexpr std::int64_t depth = std::int64_t{1} << 32;
  const float one = 1;
  float c[64];
  const std::string said = test::message_of([&] {
    gemm(Matrix<const float>{&one, 8, depth, depth, 1}, Matrix<const float>{&one, depth, 8, 8, 1},
         row_major(c, 8, 8));
  });
  CHECK(said ==
        "[matmul] BLAS counts to 2147483647, and a size or stride here is 4294967296. Split the operands?");
}
