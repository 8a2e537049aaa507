#include <gradus/core/kernels/blocked.h>

#include <algorithm>

#include <gradus/core/kernels/pack.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels::blocked {
namespace {

// So many rows of a are packed at a time: where a is transposed, they stand side by side, in whole cache
// lines.
template <class T>
inline constexpr std::int64_t rows_at_once = 4 * Panel<T>::most_rows;

// The cache lines of `next`, which is packed after `calls` panels, that one of these panels fetches.
template <class T>
Ahead<T> share_of(const Matrix<const T>& next, std::int64_t call, std::int64_t calls) {
  if (next.rows == 0 || next.columns == 0) return {};
  constexpr std::int64_t per_line = 64 / sizeof(T);
  const Matrix<const T> x = next.column_stride == 1 ? next : next.transposed();
  const std::int64_t across = (x.columns + per_line - 1) / per_line;
  const std::int64_t turns = std::max<std::int64_t>(1, calls / across), each = (x.rows + turns - 1) / turns;
  const std::int64_t line = call % across, first = call / across * each;
  if (first >= x.rows) return {};
  return {x.data + line * per_line + first * x.row_stride, x.row_stride, std::min(each, x.rows - first)};
}

}  // namespace

template <class T>
void multiply(const Matrix<const T>& a, const T* packed_b, std::int64_t panel_depth, const Matrix<T>& c,
              Start<T> start, const Matrix<const T>& next_b) {
  constexpr std::int64_t width = Panel<T>::width, most_rows = Panel<T>::most_rows, at_once = rows_at_once<T>;
  alignas(64) T packed_a[most_depth<T> * at_once], edge[most_rows * width];
  const std::int64_t depth = a.columns, panels = (c.columns + width - 1) / width;
  // Where a row's elements are adjacent, it is read where it lies.
  const bool in_place = a.column_stride == 1;
  std::int64_t call = 0;
  for (std::int64_t first = 0; first < a.rows; first += at_once) {
    const std::int64_t end = std::min(a.rows, first + at_once);
    if (!in_place)
      pack<most_rows>(a.data + first * a.row_stride, a.row_stride, a.column_stride, end - first, depth, T(1),
                      packed_a);
    // What is packed next: the rows of a that follow or, where a needs no packing, b's next part.
    const Matrix<const T> next = in_place ? next_b : a.from_row(end, std::min(at_once, a.rows - end));
    const std::int64_t calls = panels * ((in_place ? a.rows : at_once) / most_rows);
    if (!in_place) call = 0;
    for (std::int64_t row = first; row < end; row += most_rows) {
      const std::int64_t rows = std::min(most_rows, end - row);
      const T* const part = in_place ? a.data + row * a.row_stride : packed_a + (row - first) * depth;
      for (std::int64_t j = 0; j < c.columns; j += width, ++call) {
        T* const to = c.data + row * c.row_stride + j;
        const bool whole = c.columns - j >= width;  // else computed in `edge`, and copied
        const Start<T> here = start.from(row, j);
        Panel<T>::multiply(rows, depth, part, in_place ? a.row_stride : 1, in_place ? 1 : most_rows,
                           packed_b + j * panel_depth, whole ? to : edge, whole ? c.row_stride : width,
                           whole ? here : Start<T>{}, share_of(next, call, calls));
        if (whole) continue;
        for (std::int64_t i = 0; i < rows; ++i)
          for (std::int64_t l = 0; l < c.columns - j; ++l)
            to[i * c.row_stride + l] =
                (here.data == nullptr ? T(0) : here.data[i * here.row_stride + l]) + edge[i * width + l];
      }
    }
  }
}

template <class T>
void gemm(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, Start<T> start, T scale) {
  constexpr std::int64_t width = Panel<T>::width;
  const std::int64_t deepest = std::min(most_depth<T>, a.columns),
                     widest = std::min(most_columns<T>, (b.columns + width - 1) / width * width);
  const Tensor packed = Tensor::empty({widest / width, deepest, width}, dtype_of<T>());
  T* const packed_b = packed.data<T>();
  const auto part_of_b = [&](std::int64_t k, std::int64_t column) {
    return b.from_row(k, std::min(most_depth<T>, b.rows - k))
        .from_column(column, std::min(most_columns<T>, b.columns - column));
  };
  Matrix<const T> part = part_of_b(0, 0);
  for (std::int64_t column = 0; column < b.columns; column += most_columns<T>)
    for (std::int64_t k = 0; k < b.rows; k += most_depth<T>) {
      pack<width>(part.data, part.column_stride, part.row_stride, part.columns, part.rows, scale, packed_b);
      const Matrix<T> to = c.from_column(column, part.columns);
      const bool is_deepest = k + part.rows == b.rows;
      const Matrix<const T> next =
          part_of_b(is_deepest ? 0 : k + part.rows, is_deepest ? column + part.columns : column);
      multiply<T>(a.from_column(k, part.rows), packed_b, part.rows, to,
                  k > 0 ? Start<T>{to.data, to.row_stride} : start.from(0, column), next);
      part = next;
    }
}

template void multiply(const Matrix<const float>&, const float*, std::int64_t, const Matrix<float>&,
                       Start<float>, const Matrix<const float>&);
template void multiply(const Matrix<const double>&, const double*, std::int64_t, const Matrix<double>&,
                       Start<double>, const Matrix<const double>&);
template void gemm(const Matrix<const float>&, const Matrix<const float>&, const Matrix<float>&, Start<float>,
                   float);
template void gemm(const Matrix<const double>&, const Matrix<const double>&, const Matrix<double>&,
                   Start<double>, double);

}  // namespace gradus::kernels::blocked
