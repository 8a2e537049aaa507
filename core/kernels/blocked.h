// Products of any size by Panel's loop, on the calling thread. In GFLOP/s on one core of a Zen 5, which
// OpenBLAS 0.3.21 does not know to have AVX-512 (./gradus bench ops --filter matmul):
//
//                            here   OpenBLAS
//   (512,512)(512,512)        220        115
//   (700,256)(256,2000)       200        110
//   (2048,128)(128,65)        120        105
#pragma once

#include <algorithm>
#include <cstdint>

#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/panel.h>

namespace gradus::kernels::blocked {

// With narrower vectors an OpenBLAS of any age knows the processor, and does as well.
#if defined(__AVX512F__)
inline constexpr bool is_quicker = true;
#else
inline constexpr bool is_quicker = false;
#endif

template <class T>
bool fits(const Matrix<const T>& a, const Matrix<const T>& b) {
  return b.columns >= Panel<T>::width / 2 && a.columns >= 8;
}

// What is brought into order of b at a time: so deep that a panel stays in the first-level cache while the
// rows of a pass by, and so wide that the whole stays in the second.
template <class T>
inline constexpr std::int64_t most_depth = 1024 / sizeof(T);
template <class T>
inline constexpr std::int64_t most_columns = 512 / sizeof(T);

// to[k][i] = scale from_i[k] for `count` lines from_i: rows of a, or columns of b. `apart` elements lie
// between one k and the next.
template <class T>
void pack(const T* from, std::int64_t line, std::int64_t step, std::int64_t count, std::int64_t depth,
          std::int64_t apart, T scale, T* to) {
  if (count < apart) std::fill_n(to, depth * apart, T(0));
  if (line == 1) {
    for (std::int64_t k = 0; k < depth; ++k) {
#pragma omp simd
      for (std::int64_t i = 0; i < count; ++i) to[k * apart + i] = scale * from[k * step + i];
    }
    return;
  }
  constexpr std::int64_t of_a_cache_line = 64 / sizeof(T);
  for (std::int64_t first = 0; first < depth; first += of_a_cache_line)
    for (std::int64_t i = 0; i < count; ++i)
      for (std::int64_t k = first; k < std::min(depth, first + of_a_cache_line); ++k)
        to[k * apart + i] = scale * from[i * line + k * step];
}

// c = a b or c + a b, where b has been packed and is at most most_depth deep and most_columns wide.
template <class T>
void multiply(const Matrix<const T>& a, const T* packed_b, const Matrix<T>& c, bool add) {
  constexpr std::int64_t width = Panel<T>::width, most_rows = Panel<T>::most_rows;
  alignas(64) T packed_a[most_depth<T> * most_rows], edge[most_rows * width];
  const std::int64_t depth = a.columns, groups = (a.rows + most_rows - 1) / most_rows;
  for (std::int64_t group = 0, row = 0; group < groups; ++group) {
    const std::int64_t rows = (a.rows - row) / (groups - group);
    Matrix<const T> part = a.from_row(row, rows);
    // Rows that are adjacent elements are read where they lie.
    if (part.column_stride != 1) {
      pack(part.data, part.row_stride, part.column_stride, rows, depth, most_rows, T(1), packed_a);
      part = {packed_a, rows, depth, 1, most_rows};
    }
    for (std::int64_t j = 0; j < c.columns; j += width) {
      T* const to = c.data + row * c.row_stride + j;
      const bool whole = c.columns - j >= width;
      Panel<T>::multiply(rows, depth, part.data, part.row_stride, part.column_stride, packed_b + j * depth,
                         whole ? to : edge, whole ? c.row_stride : width, whole && add);
      if (whole) continue;
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t l = 0; l < c.columns - j; ++l)
          to[i * c.row_stride + l] = (add ? to[i * c.row_stride + l] : T(0)) + edge[i * width + l];
    }
    row += rows;
  }
}

// c = scale a b, or c + scale a b with `add`. Depth is cut at fixed places, and neither rows nor columns
// touch each other: the bits of an element are the same in whatever tile of the product it is computed.
template <class T>
void gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, bool add, T scale) {
  constexpr std::int64_t width = Panel<T>::width;
  alignas(64) T packed_b[most_depth<T> * most_columns<T>];
  for (std::int64_t column = 0; column < b.columns; column += most_columns<T>)
    for (std::int64_t k = 0; k < a.columns; k += most_depth<T>) {
      const std::int64_t depth = std::min(most_depth<T>, a.columns - k);
      const std::int64_t columns = std::min(most_columns<T>, b.columns - column);
      const Matrix<const T> part = b.from_row(k, depth).from_column(column, columns);
      for (std::int64_t j = 0; j < columns; j += width)
        pack(part.data + j * part.column_stride, part.column_stride, part.row_stride,
             std::min(width, columns - j), depth, width, scale, packed_b + j * depth);
      multiply<T>(a.from_column(k, depth), packed_b, c.from_column(column, columns), add || k > 0);
    }
}

}  // namespace gradus::kernels::blocked
