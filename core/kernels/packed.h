// A matrix that many products share, brought once into the order in which they read it. BLAS does that anew in
// each call, which is a good part of the time where the other side has few rows, as the states of a batch that
// step through a sequence have. Against (256, 1024), 20 rows take OpenBLAS 125 us and these loops 42, but half
// of that is because OpenBLAS 0.3.21 does not know that this processor has AVX-512.
#pragma once

#include <algorithm>
#include <cstdint>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

// b (K, N) in panels of `width` columns, each row by row; the last is filled up with zeros.
template <class T>
class Packed {
 public:
  // Two vectors, and as many rows of a product as leave registers for them: what is summed stays there.
#if defined(__AVX512F__)
  static constexpr std::int64_t width = 128 / sizeof(T);
  static constexpr int most_rows = 12;
#elif defined(__AVX__)
  static constexpr std::int64_t width = 64 / sizeof(T);
  static constexpr int most_rows = 6;
#else
  static constexpr std::int64_t width = 32 / sizeof(T);
  static constexpr int most_rows = 6;
#endif

  static std::int64_t panels_for(std::int64_t columns) { return (columns + width - 1) / width; }

  Packed() = default;
  explicit Packed(const Tensor& b)
      : depth_(b.shape()[0]),
        panels_(Tensor::empty({panels_for(b.shape()[1]), depth_, width}, dtype_of<T>())) {
    const std::int64_t by_row = b.strides()[0], by_column = b.strides()[1], by_panel = depth_ * width;
    const auto copy = [&](std::int64_t first, std::int64_t count, std::int64_t columns) {
      const Shape shape{count, depth_, columns};
      copy_into(panels_.window(shape, {by_panel, width, 1}, first * by_panel),
                b.window(shape, {by_column * width, by_row, by_column}, first * by_column * width));
    };
    const std::int64_t whole = b.shape()[1] / width, rest = b.shape()[1] % width;
    if (whole > 0) copy(0, whole, width);
    if (rest == 0) return;
    std::fill_n(panels_.data<T>() + whole * by_panel, by_panel, T(0));
    copy(whole, 1, rest);
  }

  // c (m, width) = a b[:, panel]: a (m, K) and c by the distance from row to row. A row's result does not
  // depend on how many there are.
  void multiply(const T* a, std::int64_t a_row, std::int64_t m, std::int64_t panel, T* c,
                std::int64_t c_row) const {
    const T* const b = panels_.data<T>() + panel * depth_ * width;
    const std::int64_t groups = (m + most_rows - 1) / most_rows;
    for (std::int64_t group = 0, row = 0; group < groups; ++group) {
      const std::int64_t rows = (m - row) / (groups - group);
      multiply_rows<most_rows>(rows, a + row * a_row, a_row, b, c + row * c_row, c_row);
      row += rows;
    }
  }

 private:
  // The loop over a number of rows that is known when it is compiled.
  template <int Rows>
  void multiply_rows(std::int64_t rows, const T* a, std::int64_t a_row, const T* b, T* c,
                     std::int64_t c_row) const {
    if constexpr (Rows > 1)
      if (rows < Rows) return multiply_rows<Rows - 1>(rows, a, a_row, b, c, c_row);
    T sums[Rows][width] = {};
    for (std::int64_t k = 0; k < depth_; ++k)
      for (int i = 0; i < Rows; ++i) {
        const T factor = a[i * a_row + k];
#pragma omp simd
        for (int j = 0; j < width; ++j) sums[i][j] += factor * b[k * width + j];
      }
    for (int i = 0; i < Rows; ++i)
#pragma omp simd
      for (int j = 0; j < width; ++j) c[i * c_row + j] = sums[i][j];
  }

  std::int64_t depth_ = 0;
  Tensor panels_;  // (panels, K, width)
};

}  // namespace gradus::kernels
