#include <gradus/core/kernels/softmax.h>

#include <array>
#include <cmath>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/fold.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

// Short rows are taken many at a time, so that exp runs over all their elements in one loop: a loop of ten
// elements for each row takes three times as long. So many elements and their exponentials stay in the
// first-level cache for the passes that follow.
constexpr std::int64_t rows_at_once = 256, elements_at_once = 2048, long_row = 64;

template <class T, std::size_t N>
using Sources = std::array<const T*, N>;

// Calls f(sources, to, rows, n) for up to rows_at_once rows of n adjacent elements along `axis`, of each
// operand and of the result.
template <class T, std::size_t N, class F>
Tensor by_rows(int axis, const std::array<const Tensor*, N>& operands, const F& f) {
  std::array<Tensor, N> in;
  Sources<T, N> in_data;
  for (std::size_t k = 0; k < N; ++k) {
    in[k] = contiguous(*operands[k]);
    in_data[k] = in[k].template data<T>();
  }
  const Tensor out = Tensor::empty(in[0].shape(), dtype_of<T>());
  T* const out_data = out.data<T>();
  if (out.numel() == 0) return out;
  const std::int64_t n = out.shape()[axis], inner = contiguous_strides(out.shape())[axis];

  if (inner == 1) {
    const std::int64_t block = std::clamp<std::int64_t>(elements_at_once / n, 1, rows_at_once);
    const std::int64_t blocks = (out.numel() / n + block - 1) / block;
    parallel_for(blocks, worth_a_thread(block * n, costly_grain), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t first = begin * block * n; begin < end; ++begin, first += block * n) {
        Sources<T, N> from = in_data;
        for (const T*& x : from) x += first;
        f(from, out_data + first, std::min(block, out.numel() / n - begin * block), n);
      }
    });
    return out;
  }

  // Along another axis: as many columns as a cache line is wide are turned into rows, and back.
  constexpr std::int64_t width = 64 / sizeof(T);
  const std::int64_t tiles = (inner + width - 1) / width;
  parallel_for(
      out.numel() / (n * inner) * tiles, worth_a_thread(n * width, costly_grain),
      [&](std::int64_t begin, std::int64_t end) {
        std::vector<T, memory::PoolAllocator<T>> turned(static_cast<std::size_t>((N + 1) * width * n));
        for (std::int64_t tile = begin; tile < end; ++tile) {
          const std::int64_t left = tile % tiles * width, columns = std::min(width, inner - left);
          const std::int64_t corner = tile / tiles * n * inner + left;
          T* rows = turned.data();
          Sources<T, N> from;
          for (std::size_t k = 0; k < N; ++k, rows += width * n) {
            from[k] = rows;
            for (std::int64_t i = 0; i < n; ++i)
              for (std::int64_t j = 0; j < columns; ++j) rows[j * n + i] = in_data[k][corner + i * inner + j];
          }
          f(from, rows, columns, n);
          for (std::int64_t i = 0; i < n; ++i)
            for (std::int64_t j = 0; j < columns; ++j) out_data[corner + i * inner + j] = rows[j * n + i];
        }
      });
  return out;
}

template <class T>
struct Largest {
  using Total = T;
  static constexpr T identity = -std::numeric_limits<T>::infinity();
  static T lift(T x, std::int64_t) { return x; }
  static T combine(T a, T b) { return a > b ? a : b; }  // a NaN shows up in the sum
};

template <class T>
struct Sum {
  using Total = double;
  static constexpr double identity = 0;
  static T lift(T x, std::int64_t) { return x; }
  static auto combine(auto a, auto b) { return a + b; }
};

template <class T>
void exp_into(const T* x, T* y, std::int64_t count) {  // y may be x; x <= 0
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = vm::exp_nonpositive(x[i]);
}

// The largest element of a row, so that exp(x - shift) cannot overflow; 0 for a row of -infinity, where x - x
// would be NaN.
template <class T>
T shift_of(const T* x, std::int64_t n) {
  const T largest = n >= long_row ? row_max(x, n) : fold_stretch(Largest<T>(), x, n);
  return largest == -std::numeric_limits<T>::infinity() ? T(0) : largest;
}

// y = exp(x - shift) for up to rows_at_once rows, and their shifts and sums. Stretches of long rows are
// summed in Part.
template <class T, class Part>
struct Exponentials {
  T shifts[rows_at_once];
  double totals[rows_at_once];

  Exponentials(const T* x, T* y, std::int64_t rows, std::int64_t n) {
    if (n >= long_row) {
      for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
        const T shift = shifts[r] = shift_of(x, n);
        totals[r] = row_sum<Part>(0, n, [=](std::int64_t i) {
          return static_cast<Part>(y[i] = vm::exp_nonpositive(x[i] - shift));
        });
      }
      return;
    }
    for (std::int64_t r = 0; r < rows; ++r) {
      const T shift = shifts[r] = shift_of(x + r * n, n);
#pragma omp simd
      for (std::int64_t i = r * n; i < (r + 1) * n; ++i) y[i] = x[i] - shift;
    }
    exp_into(y, y, rows * n);
    for (std::int64_t r = 0; r < rows; ++r) totals[r] = fold_stretch(Sum<T>(), y + r * n, n);
  }
};

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  const auto kernel = []<class T>(const Sources<T, 1>& in, T* y, std::int64_t rows, std::int64_t n) {
    const Exponentials<T, T> exps(in[0], y, rows, n);
    for (std::int64_t r = 0; r < rows; ++r, y += n) {
      const T scale = exps.totals[r] == 0 ? T(0) : static_cast<T>(1 / exps.totals[r]);
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) y[i] *= scale;
    }
  };
  return dispatch_floating(x.dtype(), "softmax",
                           [&]<class T>() { return by_rows<T, 1>(axis, {&x}, kernel); });
}

Tensor log_softmax(const Tensor& x, int axis) {
  const auto kernel = []<class T>(const Sources<T, 1>& in, T* y, std::int64_t rows, std::int64_t n) {
    const T* x = in[0];
    // In double, so that what the largest element leaves for the others is not lost beside its 1.
    const Exponentials<T, double> exps(x, y, rows, n);
    for (std::int64_t r = 0; r < rows; ++r, x += n, y += n) {
      const T shift = exps.shifts[r];
      const T log_total = exps.totals[r] == 0 ? T(0) : static_cast<T>(std::log(exps.totals[r]));
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] - shift - log_total;
    }
  };
  return dispatch_floating(x.dtype(), "log_softmax",
                           [&]<class T>() { return by_rows<T, 1>(axis, {&x}, kernel); });
}

Tensor softmax_grad(const Tensor& dy, const Tensor& y, int axis) {
  const auto kernel = []<class T>(const Sources<T, 2>& in, T* dx, std::int64_t rows, std::int64_t n) {
    const T *dy = in[0], *y = in[1];
    for (; rows > 0; --rows, dy += n, y += n, dx += n) {
      double total = 0;
#pragma omp simd reduction(+ : total)
      for (std::int64_t i = 0; i < n; ++i) total += dy[i] * y[i];
      const T mean = static_cast<T>(total);
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - mean);
    }
  };
  return dispatch_floating(y.dtype(), "softmax_grad", [&]<class T>() {
    return by_rows<T, 2>(axis, {&dy, &y}, kernel);
  });
}

Tensor log_softmax_grad(const Tensor& dy, const Tensor& y, int axis) {
  const auto kernel = []<class T>(const Sources<T, 2>& in, T* dx, std::int64_t rows, std::int64_t n) {
    const T* dy = in[0];
    exp_into(in[1], dx, rows * n);
    for (; rows > 0; --rows, dy += n, dx += n) {
      const T total = static_cast<T>(fold_stretch(Sum<T>(), dy, n));
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) dx[i] = dy[i] - dx[i] * total;
    }
  };
  return dispatch_floating(y.dtype(), "log_softmax_grad", [&]<class T>() {
    return by_rows<T, 2>(axis, {&dy, &y}, kernel);
  });
}

}  // namespace gradus::kernels
