#include <gradus/core/kernels/attention.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>

namespace gradus::kernels {
namespace {

// y = (a cos - b sin, a sin + b cos) for each pair (a, b) of x; `sign` -1 turns the other way.
template <class T>
void turn_row(T* y, const T* x, const T* turns, T sign, std::int64_t width) {
#pragma omp simd
  for (std::int64_t i = 0; i < width / 2; ++i) {
    const T a = x[2 * i], b = x[2 * i + 1], sine = sign * turns[2 * i], cosine = turns[2 * i + 1];
    y[2 * i] = a * cosine - b * sine;
    y[2 * i + 1] = a * sine + b * cosine;
  }
}

Tensor with_adjacent_features(const Tensor& x) { return x.strides()[x.rank() - 1] == 1 ? x : contiguous(x); }

}  // namespace

Tensor rotary(const Tensor& any_x, const Tensor& any_turns, Turn direction) {
  const Tensor x = with_adjacent_features(any_x), turns = with_adjacent_features(any_turns);
  const Tensor y = empty_as_laid_out(x, x.shape(), "rotary");
  const int last = x.rank() - 1;
  const std::int64_t width = x.shape()[last];
  if (y.numel() == 0) return y;
  // The rows are what is left of a tensor whose last axis is cut to its first element.
  Shape rows = x.shape();
  rows[last] = 1;
  const StridedLoop<3> loop(rows, {&y.strides(), &x.strides(), &turns.strides()});
  dispatch_floating(x.dtype(), "rotary", [&]<class T>() {
    T* const to = y.data<T>();
    const T *const from = x.data<T>(), *const by_angle = turns.data<T>();
    const T sign = direction == Turn::forward ? T(1) : T(-1);
    parallel_for(x.numel() / width, worth_a_thread(width, cheap_grain),
                 [&](std::int64_t begin, std::int64_t end) {
                   loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
                     for (std::int64_t i = 0; i < count; ++i)
                       turn_row(to + at[0] + i * by[0], from + at[1] + i * by[1],
                                by_angle + at[2] + i * by[2], sign, width);
                   });
                 });
  });
  return y;
}

}  // namespace gradus::kernels
