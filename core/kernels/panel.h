// The inner loop of matrix products: a few rows times a panel, a stretch of columns as wide as two vectors.
// All that is summed stays in registers, so that each element of either side is loaded once for many
// products.
#pragma once

#include <cmath>
#include <cstdint>

namespace gradus::kernels {

// What a product is added to: nothing, or rows so far apart, 0 where all begin with the same one.
template <class T>
struct Start {
  const T* data = nullptr;
  std::int64_t row_stride = 0;

  Start from(std::int64_t row, std::int64_t column) const {
    return data == nullptr ? Start{} : Start{data + row * row_stride + column, row_stride};
  }
};

// Cache lines that are needed soon, so far apart: fetched one by one between the sums, where they cost
// nothing.
template <class T>
struct Ahead {
  const T* line = nullptr;
  std::int64_t step = 0, count = 0;
};

template <class T>
struct Panel {
  // As many rows as leave registers for their sums.
#if defined(__AVX512F__)
  static constexpr std::int64_t width = 128 / sizeof(T), most_rows = 12;
#elif defined(__AVX__)
  static constexpr std::int64_t width = 64 / sizeof(T), most_rows = 6;
#else
  static constexpr std::int64_t width = 32 / sizeof(T), most_rows = 6;
#endif

  static constexpr std::int64_t steps_between_lines = 8;

  // c (rows, width) = start + a b.   a: (rows, depth) by its strides; b: (depth, width), its rows one after
  // the other. At most `most_rows` rows; which one it is, and of how many, changes no bit of a row.
  static void multiply(std::int64_t rows, std::int64_t depth, const T* a, std::int64_t a_row,
                       std::int64_t a_column, const T* b, T* c, std::int64_t c_row, Start<T> start = {},
                       Ahead<T> ahead = {}) {
    multiply_rows<most_rows>(rows, depth, a, a_row, a_column, b, c, c_row, start, ahead);
  }

 private:
  // a b + c, rounded once where the processor can: left to choose, compilers do so for some numbers of rows
  // and not for others.
  static T multiply_add(T a, T b, T c) {
#if defined(__FMA__)
    return std::fma(a, b, c);
#else
    return a * b + c;
#endif
  }

  // The loop for a number of rows that is known when it is compiled.
  template <std::int64_t Rows>
  static void multiply_rows(std::int64_t rows, std::int64_t depth, const T* a, std::int64_t a_row,
                            std::int64_t a_column, const T* b, T* c, std::int64_t c_row, Start<T> start,
                            Ahead<T> ahead) {
    if constexpr (Rows > 1)
      if (rows < Rows)
        return multiply_rows<Rows - 1>(rows, depth, a, a_row, a_column, b, c, c_row, start, ahead);
    // Fetched while the sums grow: they are written all at once, and would wait for memory.
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < width; j += 64 / sizeof(T)) __builtin_prefetch(c + i * c_row + j, 1);
    T sums[Rows][width] = {};
    for (std::int64_t k = 0; k < depth; ++k, a += a_column, b += width) {
      if (k % steps_between_lines == 0 && k < ahead.count * steps_between_lines)
        __builtin_prefetch(ahead.line + k / steps_between_lines * ahead.step);
      for (int i = 0; i < Rows; ++i) {
        const T factor = a[i * a_row];
#pragma omp simd
        for (int j = 0; j < width; ++j) sums[i][j] = multiply_add(factor, b[j], sums[i][j]);
      }
    }
    for (int i = 0; i < Rows; ++i) {
      T* const to = c + i * c_row;
      if (start.data != nullptr) {
        const T* const from = start.data + i * start.row_stride;
#pragma omp simd
        for (int j = 0; j < width; ++j) to[j] = from[j] + sums[i][j];
      } else {
#pragma omp simd
        for (int j = 0; j < width; ++j) to[j] = sums[i][j];
      }
    }
  }
};

}  // namespace gradus::kernels
