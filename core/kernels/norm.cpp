#include <gradus/core/kernels/norm.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/row.h>

namespace gradus::kernels {
namespace {

Tensor or_full(const Tensor& x, double number, std::int64_t size, DType dtype) {
  return x.defined() ? contiguous(x) : full({size}, number, dtype);
}

Tensor empty_if(bool wanted, const Shape& shape, DType dtype) {
  return wanted ? Tensor::empty(shape, dtype) : Tensor();
}

template <class T>
T* data_if(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

// x (..., C) as `count` rows, and how many of them are worth a thread.
struct Rows {
  std::int64_t count = 1, width, grain;
  explicit Rows(const Tensor& x) : width(x.shape().back()) {
    for (int axis = 0; axis + 1 < x.rank(); ++axis) count *= x.shape()[axis];
    grain = std::max<std::int64_t>(1, cheap_grain / std::max<std::int64_t>(1, width));
  }
};

// y = (x - mean) * rstd * weight + bias, the mean being 0 unless `centred`. Two passes over a row that the
// first has brought into the cache: the variance as a difference of two sums would cancel.
template <class T>
RowNorm normalise_rows(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, bool centred) {
  const Rows rows(x);
  const std::int64_t width = rows.width;
  const RowNorm out{Tensor::empty(x.shape(), x.dtype()), empty_if(centred, {rows.count}, x.dtype()),
                    Tensor::empty({rows.count}, x.dtype())};
  const T *const all = x.data<T>(), *const w = weight.data<T>(), *const b = bias.data<T>();
  T *const y = out.y.data<T>(), *const means = data_if<T>(out.mean), *const rstds = out.rstd.data<T>();
  const double count = static_cast<double>(width);
  parallel_for(rows.count, rows.grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const T* const from = all + r * width;
      T* const to = y + r * width;
      T mean = 0;
      if (centred) {
        // Summed as distances from the first element, so that an offset common to all costs the sum no
        // digits.
        const T shift = width > 0 ? from[0] : T(0);
        const double sum = row_sum<T>(0, width, [from, shift](std::int64_t i) { return from[i] - shift; });
        mean = static_cast<T>(static_cast<double>(shift) + sum / count);
        means[r] = mean;
      }
      const double squares =
          row_sum<T>(0, width, [from, mean](std::int64_t i) { return (from[i] - mean) * (from[i] - mean); });
      const T rstd = static_cast<T>(1 / std::sqrt(squares / count + eps));
      rstds[r] = rstd;
#pragma omp simd
      for (std::int64_t i = 0; i < width; ++i) to[i] = (from[i] - mean) * rstd * w[i] + b[i];
    }
  });
  return out;
}

// dweight (C,) = the sum over rows of dy * z, dbias (C,) = that of dy, with z = (x - mean) * rstd. Each chunk
// of rows sums its own share; the shares are added in order at the end. Their number is bounded, so that they
// stay small.
template <class T>
class ColumnSums {
 public:
  ColumnSums(const Rows& rows, bool wanted)
      : width_(wanted ? rows.width : 0),
        chunk_(std::max(rows.grain, (rows.count + most_chunks - 1) / most_chunks)),
        chunks_((rows.count + chunk_ - 1) / chunk_),
        shares_(full({chunks_, 2, width_}, 0, f64)) {}

  std::int64_t chunk() const { return chunk_; }

  // The sums of one chunk, gathered row by row.
  class Share {
   public:
    Share(const ColumnSums& sums, std::int64_t first_row)
        : width_(sums.width_),
          scratch_(full({2, width_}, 0, dtype_of<T>())),
          share_(sums.shares_.template data<double>() + first_row / sums.chunk_ * 2 * width_) {}

    // Adds rows first to last, four at a time so that the sums are read and written a quarter as often.
    void add(std::int64_t first, std::int64_t last, const T* dy, const T* x, const T* mean, const T* rstd) {
      rows_ += last - first;
      for (; first + 4 <= last; first += 4) add_rows(std::make_index_sequence<4>{}, first, dy, x, mean, rstd);
      for (; first < last; ++first) add_rows(std::make_index_sequence<1>{}, first, dy, x, mean, rstd);
      if (rows_ >= rows_of_sum) flush();
    }
    void flush() {
      T* const from = scratch_.data<T>();
#pragma omp simd
      for (std::int64_t i = 0; i < 2 * width_; ++i) {
        share_[i] += static_cast<double>(from[i]);
        from[i] = 0;
      }
      rows_ = 0;
    }

   private:
    template <std::size_t... K>
    void add_rows(std::index_sequence<K...>, std::int64_t first, const T* dy, const T* x, const T* mean,
                  const T* rstd) {
      T *const w = scratch_.data<T>(), *const b = w + width_;
      const T m[] = {(mean == nullptr ? T(0) : mean[first + K])...}, s[] = {rstd[first + K]...};
      const T *const d_of[] = {dy + (first + K) * width_...}, *const x_of[] = {x + (first + K) * width_...};
#pragma omp simd
      for (std::int64_t i = 0; i < width_; ++i) {
        w[i] += ((d_of[K][i] * ((x_of[K][i] - m[K]) * s[K])) + ...);
        b[i] += (d_of[K][i] + ...);
      }
    }

    std::int64_t width_, rows_ = 0;
    Tensor scratch_;
    double* share_;
  };

  Tensor dweight() const { return total(0); }
  Tensor dbias() const { return total(1); }

 private:
  static constexpr std::int64_t most_chunks = 64;

  Tensor total(std::int64_t which) const {
    const Tensor out = Tensor::empty({width_}, dtype_of<T>());
    for (std::int64_t i = 0; i < width_; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < chunks_; ++k) sum += shares_.data<double>()[(2 * k + which) * width_ + i];
      out.data<T>()[i] = static_cast<T>(sum);
    }
    return out;
  }

  std::int64_t width_, chunk_, chunks_;
  Tensor shares_;  // (chunks, 2, C)
};

// A row of dx. With g = dy * weight and z = (x - mean) * rstd:
//   dx = rstd * (g - mean(g) - z * mean(g * z)), where mean(g) falls away if x was not centred
template <class T>
void normalise_row_backward(T* dx, const T* dy, const T* x, const T* w, std::int64_t width, const T* centre,
                            T rstd) {
  const T mean = centre == nullptr ? T(0) : *centre;
  const Two<double> sums = row_sums<T>(0, width, [=](std::int64_t i) {
    const T g = dy[i] * w[i];
    return Two<T>{g, g * ((x[i] - mean) * rstd)};
  });
  const T mean_g = centre == nullptr ? T(0) : static_cast<T>(sums.a / static_cast<double>(width));
  const T mean_gz = static_cast<T>(sums.b / static_cast<double>(width));
#pragma omp simd
  for (std::int64_t i = 0; i < width; ++i)
    dx[i] = rstd * (dy[i] * w[i] - mean_g - (x[i] - mean) * rstd * mean_gz);
}

template <class T>
NormGradients normalise_rows_backward(const Tensor& dy, const Tensor& x, const Tensor& weight,
                                      const Tensor& means, const Tensor& rstds, NormWanted wanted) {
  const Rows rows(x);
  const bool sums_columns = wanted.dweight || wanted.dbias;
  const Tensor dx = empty_if(wanted.dx, x.shape(), x.dtype());
  const ColumnSums<T> columns(rows, sums_columns);
  const T *const d = dy.data<T>(), *const from = x.data<T>(), *const w = weight.data<T>(),
                 *const mean = data_if<T>(means), *const rstd = rstds.data<T>();
  T* const to = data_if<T>(dx);
  parallel_for(rows.count, columns.chunk(), [&, width = rows.width](std::int64_t begin, std::int64_t end) {
    typename ColumnSums<T>::Share share(columns, begin);
    for (std::int64_t first = begin; first < end; first += 4) {
      const std::int64_t last = std::min(end, first + 4);
      for (std::int64_t r = first; r < last && to != nullptr; ++r)
        normalise_row_backward(to + r * width, d + r * width, from + r * width, w, width,
                               mean == nullptr ? nullptr : mean + r, rstd[r]);
      if (sums_columns) share.add(first, last, d, from, mean, rstd);
    }
    share.flush();
  });
  return {dx, wanted.dweight ? columns.dweight() : Tensor(), wanted.dbias ? columns.dbias() : Tensor()};
}

}  // namespace

RowNorm layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    const std::int64_t width = x.shape().back();
    return normalise_rows<T>(contiguous(x), or_full(weight, 1, width, x.dtype()),
                             or_full(bias, 0, width, x.dtype()), eps, true);
  });
}

RowNorm rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return dispatch_floating(x.dtype(), "rms_norm", [&]<class T>() {
    const std::int64_t width = x.shape().back();
    return normalise_rows<T>(contiguous(x), or_full(weight, 1, width, x.dtype()), full({width}, 0, x.dtype()),
                             eps, false);
  });
}

NormGradients row_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                                const Tensor& rstd, NormWanted wanted) {
  return dispatch_floating(x.dtype(), "layer_norm", [&]<class T>() {
    return normalise_rows_backward<T>(contiguous(dy), contiguous(x),
                                      or_full(weight, 1, x.shape().back(), x.dtype()), mean, rstd, wanted);
  });
}

}  // namespace gradus::kernels
