// Products of matrices in memory, on the calling thread: what the kernels of matmul, conv and their like are
// made of. They bring the threads; BLAS is kept to one, whichever build of OpenBLAS is loaded. With AVX-512
// most products run in loops of our own: blocked.h.
#pragma once

#include <cstdint>

namespace gradus::kernels {

// Element (i, j) stands at data[i * row_stride + j * column_stride].
template <class T>
struct Matrix {
  T* data;
  std::int64_t rows, columns, row_stride, column_stride;

  Matrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  Matrix from_row(std::int64_t first, std::int64_t count) const {
    return {data + first * row_stride, count, columns, row_stride, column_stride};
  }
  Matrix from_column(std::int64_t first, std::int64_t count) const {
    return {data + first * column_stride, rows, count, row_stride, column_stride};
  }
  operator Matrix<const T>() const { return {data, rows, columns, row_stride, column_stride}; }
};

// Rows one after the other.
template <class T>
Matrix<T> row_major(T* data, std::int64_t rows, std::int64_t columns) {
  return {data, rows, columns, columns, 1};
}

// True where BLAS reads the matrix as it lies: rows or columns are adjacent elements and do not overlap.
bool is_blas_readable(std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
                      std::int64_t column_stride);

// c = scale a b, or c + scale a b with `add`.
// a: (m, k), b: (k, n), both readable by BLAS; c: (m, n), its columns adjacent
void gemm(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& c,
          bool add = false, float scale = 1);
void gemm(const Matrix<const double>& a, const Matrix<const double>& b, const Matrix<double>& c,
          bool add = false, double scale = 1);

// The same in the order of arguments that BLAS has: c (m, n) = scale op(a) op(b) + keep c, where op
// transposes if asked, each a_row, b_row, c_row elements separate a row from the next, and `keep` is 0 or 1.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k, T scale,
          const T* a, std::int64_t a_row, const T* b, std::int64_t b_row, T keep, T* c, std::int64_t c_row) {
  const Matrix<const T> left =
      transpose_a ? Matrix<const T>{a, m, k, 1, a_row} : Matrix<const T>{a, m, k, a_row, 1};
  const Matrix<const T> right =
      transpose_b ? Matrix<const T>{b, k, n, 1, b_row} : Matrix<const T>{b, k, n, b_row, 1};
  gemm(left, right, Matrix<T>{c, m, n, c_row, 1}, keep != 0, scale);
}

// True where gemm reads one side, (k, long side), once for each of a few vectors on the other: then pieces of
// the long side should stay in the cache.
bool is_thin(std::int64_t m, std::int64_t n, std::int64_t k);

}  // namespace gradus::kernels
