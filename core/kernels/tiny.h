// Products in f32 so small that OpenBLAS spends longer on its preparations than on the sums. In ns:
//                                     here   OpenBLAS's AVX2   OpenBLAS's AVX-512
//   (8,16)(16,16)                       26               115                   40
//   (8,16)(16,16), b transposed         47               130                  120
//   (16,100)(100,16)                   235               610                  240
//   (32,32)(32,32)                     315               680                  270
// Beyond that, and without wide registers, others win; one vector is well served by OpenBLAS's gemv, which
// takes 35 ns at least.
#pragma once

#include <algorithm>
#include <cstdint>

#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/pack.h>

namespace gradus::kernels::tiny {

#if defined(__AVX2__)
inline constexpr bool is_quicker = true;
#else
inline constexpr bool is_quicker = false;
#endif

// As many rows at once as leave registers for b: 32 of 16 floats, or 16 of 8.
#if defined(__AVX512F__)
inline constexpr int most_rows = 12;
#else
inline constexpr int most_rows = 4;
#endif
inline constexpr std::int64_t most_products = 32 * 32 * 32, most_products_of_vector = 256, most_depth = 128;

inline bool fits(const Matrix<const float>& a, const Matrix<const float>& b) {
  if (a.columns > most_depth) return false;
  const std::int64_t products = a.rows * a.columns * b.columns;
  return products <= (a.rows == 1 || b.columns == 1 ? most_products_of_vector : most_products);
}

// At most `Rows` rows and 16 columns of c. a by its strides, b row by row.
template <int Rows>
inline void block(std::int64_t rows, std::int64_t depth, const float* a, std::int64_t a_row,
                  std::int64_t a_column, const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                  std::int64_t columns, bool add, float scale) {
  if constexpr (Rows > 1)
    if (rows < Rows)
      return block<Rows - 1>(rows, depth, a, a_row, a_column, b, b_row, c, c_row, columns, add, scale);
  Floats sums[Rows] = {}, row, before;
  for (std::int64_t k = 0; k < depth; ++k) {
    load(b + k * b_row, columns, row);
    for (int i = 0; i < Rows; ++i) sums[i] += a[i * a_row + k * a_column] * row;
  }
  for (int i = 0; i < Rows; ++i) {
    sums[i] *= scale;
    if (add) {
      load(c + i * c_row, columns, before);
      sums[i] += before;
    }
    store(sums[i], columns, c + i * c_row);
  }
}

// The same where b and c are one column each.
template <int Rows>
inline void column(std::int64_t depth, const float* a, std::int64_t a_row, std::int64_t a_column,
                   const float* b, std::int64_t b_row, float* c, std::int64_t c_row, bool add, float scale) {
  float sums[Rows] = {};
  for (std::int64_t k = 0; k < depth; ++k)
    for (int i = 0; i < Rows; ++i) sums[i] += a[i * a_row + k * a_column] * b[k * b_row];
  for (int i = 0; i < Rows; ++i) c[i * c_row] = (add ? c[i * c_row] : 0) + scale * sums[i];
}

// c = scale a b, or c + scale a b with `add`.
inline void gemm(const Matrix<const float>& a, const Matrix<const float>& b, const Matrix<float>& c, bool add,
                 float scale) {
  if (b.columns == 1) {
    const auto rows = [&]<int Rows>(std::int64_t i) {
      column<Rows>(a.columns, a.data + i * a.row_stride, a.row_stride, a.column_stride, b.data, b.row_stride,
                   c.data + i * c.row_stride, c.row_stride, add, scale);
      return i + Rows;
    };
    std::int64_t i = 0;
    while (i + 8 <= a.rows) i = rows.template operator()<8>(i);
    while (i < a.rows) i = rows.template operator()<1>(i);
    return;
  }
  alignas(64) float packed[most_depth * width_of_floats];
  const bool in_place = b.column_stride == 1;
  const std::int64_t groups = (a.rows + most_rows - 1) / most_rows;
  for (std::int64_t j = 0; j < b.columns; j += width_of_floats) {
    const std::int64_t columns = std::min(width_of_floats, b.columns - j);
    const float* const part = b.data + j * b.column_stride;
    if (!in_place) pack<width_of_floats>(part, b.column_stride, b.row_stride, columns, b.rows, 1.0f, packed);
    for (std::int64_t group = 0, row = 0; group < groups; ++group) {
      const std::int64_t rows = (a.rows - row) / (groups - group);
      block<most_rows>(rows, a.columns, a.data + row * a.row_stride, a.row_stride, a.column_stride,
                       in_place ? part : packed, in_place ? b.row_stride : width_of_floats,
                       c.data + row * c.row_stride + j, c.row_stride, columns, add, scale);
      row += rows;
    }
  }
}

}  // namespace gradus::kernels::tiny
