#include <gradus/core/kernels/norm.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/row.h>

namespace gradus::kernels {
namespace {

// x (..., C) as `count` rows, and how many of them are worth a thread.
struct Rows {
  std::int64_t count = 1, width, grain;
  explicit Rows(const Tensor& x) : width(x.shape().back()) {
    for (int axis = 0; axis + 1 < x.rank(); ++axis) count *= x.shape()[axis];
    grain = worth_a_thread(width, cheap_grain);
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
        // Summed as distances from the first element, so that an offset
        // common to all costs the sum no digits.
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

// The gradients of normalise_rows. With g = dy * weight and z = (x - mean) * rstd:
//   dx = rstd * (g - mean(g) - z * mean(g * z)), where mean(g) falls away if x was not centred
//   dweight = the sum over rows of dy * z, dbias = that of dy
// All three come from one pass over memory. Each chunk of rows sums its own share of dweight and dbias; the
// shares are added in order at the end. Their number is bounded, so that they stay small.
template <class T>
class RowNormBackward {
 public:
  RowNormBackward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                  const Tensor& rstd, const Tensor& dx)
      : rows_(x),
        chunk_(std::max(rows_.grain, (rows_.count + most_chunks - 1) / most_chunks)),
        chunks_((rows_.count + chunk_ - 1) / chunk_),
        shares_(full({chunks_, 2, rows_.width}, 0, f64)),
        dy_(dy.data<T>()),
        x_(x.data<T>()),
        weight_(weight.data<T>()),
        mean_(data_if<T>(mean)),
        rstd_(rstd.data<T>()),
        dx_(data_if<T>(dx)) {}

  void run() const {
    parallel_for(rows_.count, chunk_, [&](std::int64_t begin, std::int64_t end) {
      // The chunk's sums so far: a few rows in T, the rest in double.
      const Tensor scratch = full({2, rows_.width}, 0, dtype_of<T>()),
                   unwanted = empty_if(dx_ == nullptr, {rows_.width}, dtype_of<T>());
      T* const recent = scratch.data<T>();
      double* const share = shares_.template data<double>() + begin / chunk_ * 2 * rows_.width;
      for (std::int64_t row = begin; row < end;) {
        for (const std::int64_t stop = std::min(end, row + rows_of_sum); row < stop; ++row)
          take(row, dx_ == nullptr ? unwanted.data<T>() : dx_ + row * rows_.width, recent,
               recent + rows_.width);
#pragma omp simd
        for (std::int64_t i = 0; i < 2 * rows_.width; ++i) {
          share[i] += static_cast<double>(recent[i]);
          recent[i] = 0;
        }
      }
    });
  }

  Tensor dweight() const { return total(0); }
  Tensor dbias() const { return total(1); }

 private:
  static constexpr std::int64_t most_chunks = 64;

  // One row: its dx, and what it adds to the column sums. These are made in the pass that waits for dy and x,
  // not in the one that waits for dx: a processor finishes its stores in order.
  void take(std::int64_t row, T* dx, T* dweight, T* dbias) const {
    const std::int64_t width = rows_.width;
    const T *const dy = dy_ + row * width, *const x = x_ + row * width, *const w = weight_;
    const T mean = mean_ == nullptr ? T(0) : mean_[row], rstd = rstd_[row];
    const Two<double> sums = row_sums<T>(0, width, [=](std::int64_t i) {
      const T g = dy[i] * w[i], z = (x[i] - mean) * rstd;
      dweight[i] += dy[i] * z;
      dbias[i] += dy[i];
      return Two<T>{g, g * z};
    });
    const T mean_g = mean_ == nullptr ? T(0) : static_cast<T>(sums.a / static_cast<double>(width));
    const T mean_gz = static_cast<T>(sums.b / static_cast<double>(width));
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) {
      const T z = (x[i] - mean) * rstd;
      dx[i] = rstd * (dy[i] * w[i] - mean_g - z * mean_gz);
    }
  }

  Tensor total(std::int64_t which) const {
    const Tensor out = Tensor::empty({rows_.width}, dtype_of<T>());
    const double* const shares = shares_.template data<double>() + which * rows_.width;
    for (std::int64_t i = 0; i < rows_.width; ++i) {
      double sum = 0;
      for (std::int64_t k = 0; k < chunks_; ++k) sum += shares[2 * k * rows_.width + i];
      out.data<T>()[i] = static_cast<T>(sum);
    }
    return out;
  }

  Rows rows_;
  std::int64_t chunk_, chunks_;
  Tensor shares_;  // (chunks, 2, C)
  const T *dy_, *x_, *weight_, *mean_, *rstd_;
  T* dx_;
};

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
    const Tensor all_dy = contiguous(dy), all_x = contiguous(x),
                 all_weight = or_full(weight, 1, x.shape().back(), x.dtype()),
                 dx = empty_if(wanted.dx, x.shape(), x.dtype());
    const RowNormBackward<T> backward(all_dy, all_x, all_weight, mean, rstd, dx);
    backward.run();
    return NormGradients{dx, wanted.dweight ? backward.dweight() : Tensor(),
                         wanted.dbias ? backward.dbias() : Tensor()};
  });
}

}  // namespace gradus::kernels
