// Batch normalisation: statistics over all axes but the channels'.
#include <algorithm>
#include <cmath>

#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/norm.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/kernels/row.h>

namespace gradus::kernels {
namespace {

// Mean and sum of squared distances from it, of `count` neighbours. They are read twice, the
// second time from the cache; first summed as distances from the first of them, so that an
// offset common to all costs no digits.
template <class T>
void moments_of_run(const T* x, std::int64_t count, double* mean, double* squares) {
  const T base = x[0];
  const double sum = row_sum<T>(0, count, [x, base](std::int64_t i) { return x[i] - base; });
  *mean = static_cast<double>(base) + sum / static_cast<double>(count);
  *squares = row_sum<T>(0, count, [x, middle = static_cast<T>(*mean)](std::int64_t i) {
    return (x[i] - middle) * (x[i] - middle);
  });
}

constexpr std::int64_t strip = 1024;  // columns whose sums stay in the first-level cache

// The same for each of `width` columns, at most a strip of them, of rows that are `step` apart.
template <class T>
void moments_of_columns(const T* x, std::int64_t rows, std::int64_t step, std::int64_t width, double* mean,
                        double* squares) {
  T sums[strip], middles[strip], parts[strip];
  std::fill(sums, sums + width, T(0));
  std::fill(parts, parts + width, T(0));
  for (std::int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) sums[c] += x[r * step + c] - x[c];
  }
  for (std::int64_t c = 0; c < width; ++c) {
    mean[c] = static_cast<double>(x[c]) + static_cast<double>(sums[c]) / static_cast<double>(rows);
    middles[c] = static_cast<T>(mean[c]);
  }
  for (std::int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c)
      parts[c] += (x[r * step + c] - middles[c]) * (x[r * step + c] - middles[c]);
  }
  std::copy(parts, parts + width, squares);
}

// Walks over x (B, C, ...) by channels, always in the order of memory. What a channel adds up to is gathered
// from pieces. Where axes follow that of the channels, a sample's elements of one channel are neighbours, and
// each such run is a piece. In x (B, C) it is the channels that are neighbours, and a piece is rows_of_sum
// rows of a strip of them, added up side by side.
class Channels {
 public:
  explicit Channels(const Tensor& x) : batch_(x.shape()[0]), channels_(x.shape()[1]) {
    for (int axis = 2; axis < x.rank(); ++axis) inner_ *= x.shape()[axis];
  }
  std::int64_t channels() const { return channels_; }
  double elements_of_one() const { return static_cast<double>(batch_ * inner_); }

  // (2, C) in f64: each channel's mean, and the sum of squared distances from it.
  template <class T>
  Tensor moments(const T* x) const {
    const Tensor pieces = gather([=, this](Piece at, double* mean, double* squares) {
      if (adjacent())
        moments_of_columns(x + at.begin, at.rows, channels_, at.width, mean, squares);
      else
        moments_of_run(x + at.begin, inner_, mean, squares);
    });
    // Chan, Golub & LeVeque 1979: two sets' means m, M and sums of squares, of n and N elements, give the
    // mean M + (m - M) n / (n + N), and n N / (n + N) (m - M)^2 beside both sums.
    const Tensor totals = full({2, channels_}, 0, f64);
    double *const means = totals.data<double>(), *const squares = means + channels_;
    double before = 0;
    for (std::int64_t p = 0; p < pieces.shape()[0]; ++p) {
      const double *const mean = pieces.data<double>() + p * 2 * channels_, *const more = mean + channels_;
      const double size = static_cast<double>(adjacent() ? rows_of(p) : inner_);
      const double share = size / (before + size);
#pragma omp simd
      for (std::int64_t c = 0; c < channels_; ++c) {
        const double apart = mean[c] - means[c];
        means[c] += apart * share;
        squares[c] += more[c] + apart * apart * before * share;
      }
      before += size;
    }
    return totals;
  }

  // (2, C) in f64: the sums of term_of(c)(i), a Two<T>, over the elements i of each channel c.
  template <class T, class TermOf>
  Tensor sums(const TermOf& term_of) const {
    const Tensor pieces = gather([=, this](Piece at, double* a, double* b) {
      if (!adjacent()) {
        const Two<double> sums = row_sums<T>(at.begin, at.begin + inner_, term_of(at.channel));
        *a = sums.a;
        *b = sums.b;
        return;
      }
      T as[strip], bs[strip];
      std::fill(as, as + at.width, T(0));
      std::fill(bs, bs + at.width, T(0));
      for (std::int64_t from = at.begin; from < at.begin + at.rows * channels_; from += channels_) {
#pragma omp simd
        for (std::int64_t c = 0; c < at.width; ++c) {
          const Two<T> term = term_of(at.channel + c)(from + c);
          as[c] += term.a;
          bs[c] += term.b;
        }
      }
      std::copy(as, as + at.width, a);
      std::copy(bs, bs + at.width, b);
    });
    return kernels::sum(pieces, {0});
  }

  // out[i] = value_of(c)(i) for the elements i of each channel c.
  template <class T, class ValueOf>
  void write(T* out, const ValueOf& value_of) const {
    const std::int64_t width = adjacent() ? channels_ : inner_, rows = batch_ * (adjacent() ? 1 : channels_);
    parallel_for(rows, worth_a_thread(width, cheap_grain), [=, this](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t from = row * width;
        if (adjacent()) {
#pragma omp simd
          for (std::int64_t c = 0; c < width; ++c) out[from + c] = value_of(c)(from + c);
        } else {
          const auto value = value_of(row % channels_);
#pragma omp simd
          for (std::int64_t i = from; i < from + width; ++i) out[i] = value(i);
        }
      }
    });
  }

 private:
  // `width` channels from `channel` on, in `rows` samples; `begin` is where in x the first element is.
  struct Piece {
    std::int64_t channel, width, rows, begin;
  };

  bool adjacent() const { return inner_ == 1; }
  std::int64_t rows_of(std::int64_t piece) const {
    return adjacent() ? std::min(rows_of_sum, batch_ - piece * rows_of_sum) : 1;
  }

  // (pieces, 2, C): what f(piece, a, b) puts down for each.
  template <class F>
  Tensor gather(const F& f) const {
    const std::int64_t width = adjacent() ? strip : 1, rows = adjacent() ? rows_of_sum : 1;
    const std::int64_t strips = (channels_ + width - 1) / width,
                       pieces = inner_ == 0 ? 0 : (batch_ + rows - 1) / rows;
    const Tensor gathered = Tensor::empty({pieces, 2, channels_}, f64);
    double* const to = gathered.data<double>();
    parallel_for(pieces * strips, worth_a_thread(rows * width * inner_, cheap_grain),
                 [&, this](std::int64_t begin, std::int64_t end) {
                   for (; begin < end; ++begin) {
                     const std::int64_t piece = begin / strips, c = begin % strips * width;
                     double* const a = to + piece * 2 * channels_ + c;
                     f(Piece{c, std::min(width, channels_ - c), rows_of(piece),
                             (piece * rows * channels_ + c) * inner_},
                       a, a + channels_);
                   }
                 });
    return gathered;
  }

  std::int64_t batch_, channels_, inner_ = 1;
};

// value_of for y = (x - mean) * rstd * weight + bias.
template <class T>
auto normalised(const T* x, const T* mean, const T* rstd, const T* weight, const T* bias) {
  return [=](std::int64_t c) {
    return [x, m = mean[c], r = rstd[c], w = weight[c], b = bias[c]](std::int64_t i) {
      return (x[i] - m) * r * w + b;
    };
  };
}

template <class T>
BatchNorm normalise_batch(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Channels over(x);
  const auto per_channel = [&] { return Tensor::empty({over.channels()}, x.dtype()); };
  const BatchNorm out{Tensor::empty(x.shape(), x.dtype()), per_channel(), per_channel(), per_channel()};
  const T* const from = x.data<T>();
  T *const y = out.y.data<T>(), *const mean = out.mean.data<T>(), *const var = out.var.data<T>(),
           *const rstd = out.rstd.data<T>();
  const auto value_of = normalised<T>(from, mean, rstd, weight.data<T>(), bias.data<T>());
  const Tensor moments = over.moments<T>(from);
  for (std::int64_t c = 0; c < over.channels(); ++c) {
    const double variance = moments.data<double>()[over.channels() + c] / over.elements_of_one();
    mean[c] = static_cast<T>(moments.data<double>()[c]);
    var[c] = static_cast<T>(variance);
    rstd[c] = static_cast<T>(1 / std::sqrt(variance + eps));
  }
  over.write(y, value_of);
  return out;
}

// With z = (x - mean) * rstd:  dweight = sum(dy * z), dbias = sum(dy),
// dx = weight * rstd * (dy - mean(dy) - z * mean(dy * z)), all of them for each channel.
template <class T>
NormGradients normalise_batch_backward(const Tensor& dy, const Tensor& x, const Tensor& weight,
                                       const Tensor& means, const Tensor& rstds, bool wants_dx) {
  const Channels over(x);
  const auto per_channel = [&] { return Tensor::empty({over.channels()}, x.dtype()); };
  const NormGradients out{empty_if(wants_dx, x.shape(), x.dtype()), per_channel(), per_channel()};
  const T *const d = dy.data<T>(), *const from = x.data<T>(), *const w = weight.data<T>(),
                 *const mean = means.data<T>(), *const rstd = rstds.data<T>();
  T *const dx = data_if<T>(out.dx), *const dweight = out.dweight.data<T>(),
           *const dbias = out.dbias.data<T>();
  const auto term_of = [=](std::int64_t c) {
    return [d, from, m = mean[c], r = rstd[c]](std::int64_t i) {
      return Two<T>{d[i], d[i] * ((from[i] - m) * r)};
    };
  };
  const Tensor shares = Tensor::empty({2, over.channels()}, x.dtype());
  T *const mean_ds = shares.data<T>(), *const mean_dzs = mean_ds + over.channels();
  const auto value_of = [=](std::int64_t c) {
    return [d, from, m = mean[c], r = rstd[c], scale = w[c] * rstd[c], mean_d = mean_ds[c],
            mean_dz = mean_dzs[c]](std::int64_t i) {
      return scale * (d[i] - mean_d - (from[i] - m) * r * mean_dz);
    };
  };
  const Tensor sums = over.sums<T>(term_of);
  for (std::int64_t c = 0; c < over.channels(); ++c) {
    const double d_sum = sums.data<double>()[c], dz_sum = sums.data<double>()[over.channels() + c];
    dbias[c] = static_cast<T>(d_sum);
    dweight[c] = static_cast<T>(dz_sum);
    mean_ds[c] = static_cast<T>(d_sum / over.elements_of_one());
    mean_dzs[c] = static_cast<T>(dz_sum / over.elements_of_one());
  }
  if (dx != nullptr) over.write(dx, value_of);
  return out;
}

}  // namespace

BatchNorm batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    const std::int64_t channels = x.shape()[1];
    return normalise_batch<T>(contiguous(x), or_full(weight, 1, channels, x.dtype()),
                              or_full(bias, 0, channels, x.dtype()), eps);
  });
}

NormGradients batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                                  const Tensor& rstd, bool wants_dx) {
  return dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    return normalise_batch_backward<T>(contiguous(dy), contiguous(x),
                                       or_full(weight, 1, x.shape()[1], x.dtype()), contiguous(mean), rstd,
                                       wants_dx);
  });
}

Tensor normalise_channels(const Tensor& x, const Tensor& means, const Tensor& rstds, const Tensor& weight,
                          const Tensor& bias) {
  return dispatch_floating(x.dtype(), "batch_norm_inference", [&]<class T>() {
    const Channels over(x);
    const auto or_number = [&](const Tensor& one, double number) {
      return or_full(one, number, over.channels(), x.dtype());
    };
    const Tensor all = contiguous(x), y = Tensor::empty(x.shape(), x.dtype()), m = or_number(means, 0),
                 r = or_number(rstds, 1), weights = or_number(weight, 1), biases = or_number(bias, 0);
    const T *const from = all.data<T>(), *const mean = m.data<T>(), *const rstd = r.data<T>(),
                   *const w = weights.data<T>(), *const b = biases.data<T>();
    over.write(y.data<T>(), normalised<T>(from, mean, rstd, w, b));
    return y;
  });
}

}  // namespace gradus::kernels
