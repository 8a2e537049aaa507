// A matrix that many products share, brought once into the order in which they read it. Otherwise each call
// does that anew, which takes as long as the product itself where the other side has few rows, as the
// states of a batch that step through a sequence have.
#pragma once

#include <algorithm>
#include <cstdint>

#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/pack.h>
#include <gradus/core/kernels/panel.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

// b (K, N) in panels of `width` columns, each row by row; the last is filled up with zeros.
template <class T>
class Packed {
 public:
  static constexpr std::int64_t width = Panel<T>::width;

  static std::int64_t panels_for(std::int64_t columns) { return (columns + width - 1) / width; }

  Packed() = default;
  explicit Packed(const Tensor& b)
      : depth_(b.shape()[0]),
        panels_(Tensor::empty({panels_for(b.shape()[1]), depth_, width}, dtype_of<T>())) {
    const std::int64_t columns = b.shape()[1], by_row = b.strides()[0], by_column = b.strides()[1];
    const T* const from = b.data<T>();
    T* const to = panels_.data<T>();
    parallel_for(panels_for(columns), worth_a_thread(depth_ * width, cheap_grain),
                 [&](std::int64_t begin, std::int64_t end) {
                   const std::int64_t first = begin * width, count = std::min(columns, end * width) - first;
                   pack<width>(from + first * by_column, by_column, by_row, count, depth_, T(1),
                               to + first * depth_);
                 });
  }

  // c (m, width) = a b[:, panel]: a (m, K) and c by the distance from row to row. A row's result does not
  // depend on how many there are.
  void multiply(const T* a, std::int64_t a_row, std::int64_t m, std::int64_t panel, T* c,
                std::int64_t c_row) const {
    const T* const b = panels_.data<T>() + panel * depth_ * width;
    const std::int64_t groups = (m + Panel<T>::most_rows - 1) / Panel<T>::most_rows;
    for (std::int64_t group = 0, row = 0; group < groups; ++group) {
      const std::int64_t rows = (m - row) / (groups - group);
      Panel<T>::multiply(rows, depth_, a + row * a_row, a_row, 1, b, c + row * c_row, c_row);
      row += rows;
    }
  }

 private:
  std::int64_t depth_ = 0;
  Tensor panels_;  // (panels, K, width)
};

}  // namespace gradus::kernels
