// Sums over a stretch of memory that vectorise and yet are accurate: in T over short runs, in double beyond, so that the
// error of an f32 sum is that of one run.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gradus::kernels {

inline constexpr std::int64_t run_of_sum = 512;
// The same for sums down columns: so many rows in T, then double.
inline constexpr std::int64_t rows_of_sum = 32;

// The sum of term(i) for i in [begin, end).
template <class T, class Term>
double row_sum(std::int64_t begin, std::int64_t end, const Term& term) {
  double total = 0;
  for (; begin < end; begin += run_of_sum) {
    const std::int64_t to = std::min(end, begin + run_of_sum);
    T part = 0;
#pragma omp simd reduction(+ : part)
    for (std::int64_t i = begin; i < to; ++i) part += term(i);
    total += static_cast<double>(part);
  }
  return total;
}

template <class T>
struct Two {
  T a, b;
};

// The sums of both parts of terms(i), which is a Two<T>, in one pass.
template <class T, class Terms>
Two<double> row_sums(std::int64_t begin, std::int64_t end, const Terms& terms) {
  Two<double> total{};
  for (; begin < end; begin += run_of_sum) {
    const std::int64_t to = std::min(end, begin + run_of_sum);
    T a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
    for (std::int64_t i = begin; i < to; ++i) {
      const Two<T> term = terms(i);
      a += term.a;
      b += term.b;
    }
    total.a += static_cast<double>(a);
    total.b += static_cast<double>(b);
  }
  return total;
}

}  // namespace gradus::kernels
