#include <gradus/core/kernels/reduce.h>

#include <cmath>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/fold.h>
#include <gradus/core/kernels/vector_math.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

// f32 is summed and multiplied in f64, so that the result is right to the last bit or nearly so, however many
// elements there are. i64 wraps around, as unsigned numbers do by definition.
template <class T>
using Wide = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;

template <class T>
struct Sum {
  using Total = Wide<T>;
  using Element = std::conditional_t<std::is_integral_v<T>, Total, T>;
  static constexpr Total identity = 0;
  Total divisor = 1;  // a mean's count
  static Element lift(T x, std::int64_t) { return static_cast<Element>(x); }
  static auto combine(auto a, auto b) { return a + b; }
  T finish(Total total, std::int64_t) const { return static_cast<T>(divisor == 1 ? total : total / divisor); }
};

template <class T>
struct Product : Sum<T> {
  using Total = Wide<T>;
  static constexpr Total identity = 1;
  static Total lift(T x, std::int64_t) { return static_cast<Total>(x); }  // four f32 may leave its range
  static Total combine(Total a, Total b) { return a * b; }
};

template <class T>
struct Squares : Sum<T> {
  const T* mean;
  [[gnu::always_inline]] double lift(T x, std::int64_t out) const {
    const double centred = static_cast<double>(x) - mean[out];
    return centred * centred;
  }
};

template <class T>
struct LogSumExp : Sum<T> {
  const T* largest;
  // Where the largest is infinite, the sum's own 0 or infinity is the right
  // answer; x - infinity would be NaN.
  T shift(std::int64_t out) const {
    return std::abs(largest[out]) <= std::numeric_limits<T>::max() ? largest[out] : T(0);
  }
  // Left to itself, g++ calls this for each element.
  [[gnu::always_inline]] double lift(T x, std::int64_t out) const { return vector_math::exp(x - shift(out)); }
  T finish(double total, std::int64_t out) const { return static_cast<T>(shift(out) + std::log(total)); }
};

template <class T>
struct Max {
  using Total = T;
  static constexpr T identity =
      std::is_integral_v<T> ? std::numeric_limits<T>::min() : -std::numeric_limits<T>::infinity();
  static T lift(T x, std::int64_t) { return x; }
  static T combine(T a, T b) {
    const T larger = a > b ? a : b;  // b where either is NaN
    return a != a ? a : larger;
  }
  static T finish(T total, std::int64_t) { return total; }
};

template <class T>
struct Min : Max<T> {
  static constexpr T identity =
      std::is_integral_v<T> ? std::numeric_limits<T>::max() : std::numeric_limits<T>::infinity();
  static T combine(T a, T b) {
    const T smaller = a < b ? a : b;
    return a != a ? a : smaller;
  }
};

// Whether one is true; flipped, whether one is false, and that flipped.
struct Any {
  using Total = unsigned char;
  static constexpr Total identity = 0;
  Total flip;
  Total lift(bool x, std::int64_t) const { return x ^ flip; }
  static Total combine(Total a, Total b) { return a | b; }
  bool finish(Total total, std::int64_t) const { return (total ^ flip) != 0; }
};

unsigned bits_of(const Shape& axes) {
  unsigned bits = 0;
  for (const std::int64_t axis : axes) bits |= 1u << axis;
  return bits;
}

template <class T, class Fold>
Tensor fold(const Tensor& x, const Shape& axes, bool keep, const Fold& fold) {
  Tensor out = Tensor::empty(reduced_shape(x, axes, keep), dtype_of<T>());
  fold_into<T, T>(fold, x, bits_of(axes), out);
  return out;
}

double count_of(const Tensor& x, const Shape& axes) {
  double count = 1;
  for (const std::int64_t axis : axes) count *= static_cast<double>(x.size(axis));
  return count;
}

// body(row) for each of `count` rows of n elements.
template <class Body>
void for_each_row(std::int64_t count, std::int64_t n, const Body& body) {
  parallel_for(count, worth_a_thread(n, cheap_grain), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  });
}

// The first place where Fold's result stands; for NaN, which equals nothing, the first NaN.
template <template <class> class Fold>
Tensor first_place(const char* op, const Tensor& x, int axis, bool keep) {
  Tensor out = Tensor::empty(reduced_shape(x, {axis}, keep), i64);
  dispatch_numeric(x.dtype(), op, [&]<class T>() {
    const Tensor rows = contiguous(views::permute(x, moved_last(x.rank(), {axis})));
    const std::int64_t n = x.shape()[axis];
    for_each_row(out.numel(), n, [&](std::int64_t r) {
      const T* const row = rows.data<T>() + r * n;
      const T sought = fold_stretch(Fold<T>(), row, n);
      std::int64_t i = 0;
      while (row[i] != sought && (sought == sought || row[i] == row[i])) ++i;
      out.data<std::int64_t>()[r] = i;
    });
  });
  return out;
}

}  // namespace

Shape reduced_shape(const Tensor& x, const Shape& axes, bool keep) {
  Shape shape;
  const unsigned is_reduced = bits_of(axes);
  for (int axis = 0; axis < x.rank(); ++axis) {
    if ((is_reduced >> axis & 1) == 0)
      shape.push_back(x.shape()[axis]);
    else if (keep)
      shape.push_back(1);
  }
  return shape;
}

Shape moved_last(int rank, const Shape& axes) {
  Shape order;
  const unsigned is_moved = bits_of(axes);
  for (int axis = 0; axis < rank; ++axis)
    if ((is_moved >> axis & 1) == 0) order.push_back(axis);
  for (const std::int64_t axis : axes) order.push_back(axis);
  return order;
}

Tensor sum(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_numeric(x.dtype(), "sum", [&]<class T>() { return fold<T>(x, axes, keep, Sum<T>()); });
}

Tensor mean(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_floating(x.dtype(), "mean",
                           [&]<class T>() { return fold<T>(x, axes, keep, Sum<T>{count_of(x, axes)}); });
}

Tensor prod(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_numeric(x.dtype(), "prod", [&]<class T>() { return fold<T>(x, axes, keep, Product<T>()); });
}

Tensor var(const Tensor& x, const Shape& axes, int correction, bool keep) {
  return dispatch_floating(x.dtype(), "var", [&]<class T>() {
    const Tensor middle = mean(x, axes, keep);
    return fold<T>(x, axes, keep, Squares<T>{{count_of(x, axes) - correction}, middle.data<T>()});
  });
}

Tensor max(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_numeric(x.dtype(), "max", [&]<class T>() { return fold<T>(x, axes, keep, Max<T>()); });
}

Tensor min(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_numeric(x.dtype(), "min", [&]<class T>() { return fold<T>(x, axes, keep, Min<T>()); });
}

Tensor logsumexp(const Tensor& x, const Shape& axes, bool keep) {
  return dispatch_floating(x.dtype(), "logsumexp", [&]<class T>() {
    const Tensor largest = max(x, axes, keep);
    return fold<T>(x, axes, keep, LogSumExp<T>{{}, largest.data<T>()});
  });
}

Tensor any(const Tensor& x, const Shape& axes, bool keep) { return fold<bool>(x, axes, keep, Any{0}); }
Tensor all(const Tensor& x, const Shape& axes, bool keep) { return fold<bool>(x, axes, keep, Any{1}); }

// dx_i = dy * (x_0 ... x_i-1) * (x_i+1 ... x_n-1): products from both ends, so that no zero is divided by.
Tensor prod_grad(const Tensor& dy, const Tensor& x, const Shape& axes) {
  const Shape order = moved_last(x.rank(), axes);
  Shape back = order;
  for (int i = 0; i < x.rank(); ++i) back[static_cast<int>(order[i])] = i;
  const Tensor rows = contiguous(views::permute(x, order)), factors = contiguous(dy);
  const Tensor dx = Tensor::empty(rows.shape(), x.dtype());
  dispatch_floating(x.dtype(), "prod", [&]<class T>() {
    const std::int64_t count = dy.numel(), n = count == 0 ? 0 : x.numel() / count;
    for_each_row(count, n, [&](std::int64_t row) {
      const T* const from = rows.data<T>() + row * n;
      T* const to = dx.data<T>() + row * n;
      std::vector<double, memory::PoolAllocator<double>> before(static_cast<std::size_t>(n));
      double product = static_cast<double>(factors.data<T>()[row]);
      for (std::int64_t i = 0; i < n; product *= from[i++]) before[static_cast<std::size_t>(i)] = product;
      product = 1;
      for (std::int64_t i = n; i-- > 0; product *= from[i])
        to[i] = static_cast<T>(before[static_cast<std::size_t>(i)] * product);
    });
  });
  return contiguous(views::permute(dx, back));
}

Tensor argmax(const Tensor& x, int axis, bool keep) { return first_place<Max>("argmax", x, axis, keep); }
Tensor argmin(const Tensor& x, int axis, bool keep) { return first_place<Min>("argmin", x, axis, keep); }

Tensor cumsum(const Tensor& x, int axis, bool reversed) {
  const Tensor source = contiguous(x);
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  // x as (outer, n, inner): `inner` running totals side by side.
  const std::int64_t n = x.shape()[axis], inner = contiguous_strides(x.shape())[axis];
  if (x.numel() == 0) return out;
  dispatch_numeric(x.dtype(), reversed ? "cumsum_reversed" : "cumsum", [&]<class T>() {
    constexpr std::int64_t tile = 512;
    const std::int64_t width = std::min(inner, tile), tiles = (inner + width - 1) / width;
    for_each_row(x.numel() / (n * inner) * tiles, n * width, [&](std::int64_t task) {
      const std::int64_t left = task % tiles * width, right = std::min(inner, left + width);
      const std::int64_t first = (task / tiles * n + (reversed ? n - 1 : 0)) * inner,
                         step = reversed ? -inner : inner;
      const T* from = source.data<T>() + first;
      T* to = out.data<T>() + first;
      if (inner == 1) {
        Wide<T> total = 0;
        for (std::int64_t i = 0; i < n; ++i)
          to[i * step] = static_cast<T>(total += static_cast<Wide<T>>(from[i * step]));
        return;
      }
      Wide<T> totals[tile] = {};
      for (std::int64_t i = 0; i < n; ++i, from += step, to += step) {
#pragma omp simd
        for (std::int64_t j = left; j < right; ++j)
          to[j] = static_cast<T>(totals[j - left] += static_cast<Wide<T>>(from[j]));
      }
    });
  });
  return out;
}

}  // namespace gradus::kernels
