// Loops over one row of memory that vectorise and yet are accurate: sums run in T over short stretches and in
// double beyond, so that the error of an f32 sum is that of one stretch.
//
// They are inlined by force: only then does the compiler keep a term's captures in registers. A term should
// capture by value; what it reads through a reference is read anew for each element.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace gradus::kernels {

inline constexpr std::int64_t stretch_of_sum = 512;
// The same for sums down columns: so many rows in T, then double.
inline constexpr std::int64_t rows_of_sum = 32;

// The sum of term(i) for i in [begin, end).
template <class T, class Term>
[[gnu::always_inline]] inline double row_sum(std::int64_t begin, std::int64_t end, const Term& term) {
  double total = 0;
  for (; begin < end; begin += stretch_of_sum) {
    const std::int64_t to = std::min(end, begin + stretch_of_sum);
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
[[gnu::always_inline]] inline Two<double> row_sums(std::int64_t begin, std::int64_t end, const Terms& terms) {
  Two<double> total{};
  for (; begin < end; begin += stretch_of_sum) {
    const std::int64_t to = std::min(end, begin + stretch_of_sum);
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

// Asks for memory that will be read soon, where the processor cannot foresee it. Past the end of an array it
// does no harm.
template <class T>
inline void prefetch(const T* from, std::int64_t count) {
  constexpr std::int64_t line = 64 / sizeof(T);
  for (std::int64_t i = 0; i < count; i += line) __builtin_prefetch(from + i);
}

// The largest element that is a number; -infinity where there is none.
template <class T>
inline T row_max(const T* x, std::int64_t count) {
  T most = -std::numeric_limits<T>::infinity();
#pragma omp simd reduction(max : most)
  for (std::int64_t i = 0; i < count; ++i) most = x[i] > most ? x[i] : most;
  // clang begins such a reduction at the least finite number, and so never gives -infinity.
  constexpr T least = std::numeric_limits<T>::lowest();
  if (most == least && std::find(x, x + count, least) == x + count)
    return -std::numeric_limits<T>::infinity();
  return most;
}

}  // namespace gradus::kernels
