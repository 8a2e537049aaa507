// The half of norm.h that works across the batch, on x (B, C, inner): every axis behind the channels is one.
#include <algorithm>
#include <array>
#include <cmath>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/norm.h>
#include <gradus/core/kernels/row_sum.h>

namespace gradus::kernels {
namespace {

// Walks over x by channels. A task is one channel, or, where channels are adjacent in memory (inner == 1), a group of
// them: two cache lines of each row.
class Channels {
 public:
  static constexpr std::int64_t group = 32;

  explicit Channels(const Tensor& x) : batch_(x.shape()[0]), channels_(x.shape()[1]) {
    for (int axis = 2; axis < x.rank(); ++axis) inner_ *= x.shape()[axis];
  }
  std::int64_t channels() const { return channels_; }
  double elements_of_one() const { return static_cast<double>(batch_ * inner_); }

  // Calls body(first, last) for ranges of at most `group` channels that together are all.
  template <class Body>
  void for_each_group(const Body& body) const {
    const std::int64_t width = inner_ == 1 ? group : 1, groups = (channels_ + width - 1) / width;
    const std::int64_t elements = std::max<std::int64_t>(1, batch_ * inner_ * width);
    parallel_for(groups, std::max<std::int64_t>(1, cheap_grain / elements), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t g = begin; g < end; ++g) body(g * width, std::min(channels_, (g + 1) * width));
    });
  }

  // For the channels [first, last), one after the other: the sums of terms(i, c) over the elements i of channel c.
  template <class T, class Terms>
  std::array<Two<double>, group> sums(std::int64_t first, std::int64_t last, const Terms& terms) const {
    std::array<Two<double>, group> totals{};
    if (inner_ != 1) {
      for (std::int64_t b = 0; b < batch_; ++b) {
        const std::int64_t run = (b * channels_ + first) * inner_;
        const Two<double> part = row_sums<T>(run, run + inner_, [&](std::int64_t i) { return terms(i, first); });
        totals[0].a += part.a;
        totals[0].b += part.b;
      }
      return totals;
    }
    for (std::int64_t begin = 0; begin < batch_; begin += rows_of_sum) {
      T a[group] = {}, b[group] = {};
      for (std::int64_t row = begin; row < std::min(batch_, begin + rows_of_sum); ++row) {
#pragma omp simd
        for (std::int64_t c = 0; c < last - first; ++c) {
          const Two<T> term = terms(row * channels_ + first + c, first + c);
          a[c] += term.a;
          b[c] += term.b;
        }
      }
      for (std::int64_t c = 0; c < last - first; ++c) {
        totals[static_cast<std::size_t>(c)].a += static_cast<double>(a[c]);
        totals[static_cast<std::size_t>(c)].b += static_cast<double>(b[c]);
      }
    }
    return totals;
  }

  // out[i] = value(i, c) for the elements i of each channel c of [first, last).
  template <class T, class Value>
  void write(std::int64_t first, std::int64_t last, T* out, const Value& value) const {
    for (std::int64_t b = 0; b < batch_; ++b) {
      const std::int64_t run = (b * channels_ + first) * inner_;
      if (inner_ == 1) {
#pragma omp simd
        for (std::int64_t c = 0; c < last - first; ++c) out[run + c] = value(run + c, first + c);
      } else {
#pragma omp simd
        for (std::int64_t i = run; i < run + inner_; ++i) out[i] = value(i, first);
      }
    }
  }

 private:
  std::int64_t batch_, channels_, inner_ = 1;
};

// One number a channel; `number` where there is no such tensor.
template <class T>
class PerChannel {
 public:
  PerChannel(const Tensor& x, double number, const Tensor& like)
      : held_(x.defined() ? contiguous(x) : full({like.shape()[1]}, number, like.dtype())), data_(held_.data<T>()) {}
  T operator[](std::int64_t c) const { return data_[c]; }

 private:
  Tensor held_;
  const T* data_;
};

template <class T>
BatchNorm batch_norm_of(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Channels over(x);
  const auto per_channel = [&] { return Tensor::empty({over.channels()}, x.dtype()); };
  const BatchNorm out{Tensor::empty(x.shape(), x.dtype()), per_channel(), per_channel(), per_channel()};
  const PerChannel<T> w(weight, 1, x), b(bias, 0, x);
  const T* const from = x.data<T>();
  T *const mean = out.mean.data<T>(), *const var = out.var.data<T>(), *const rstd = out.rstd.data<T>();
  over.for_each_group([&](std::int64_t first, std::int64_t last) {
    const auto totals = over.sums<T>(first, last, [&](std::int64_t i, std::int64_t) { return Two<T>{from[i], 0}; });
    for (std::int64_t c = first; c < last; ++c)
      mean[c] = static_cast<T>(totals[static_cast<std::size_t>(c - first)].a / over.elements_of_one());
    const auto squares = over.sums<T>(first, last, [&](std::int64_t i, std::int64_t c) {
      const T centred = from[i] - mean[c];
      return Two<T>{centred * centred, 0};
    });
    for (std::int64_t c = first; c < last; ++c) {
      const double variance = squares[static_cast<std::size_t>(c - first)].a / over.elements_of_one();
      var[c] = static_cast<T>(variance);
      rstd[c] = static_cast<T>(1 / std::sqrt(variance + eps));
    }
    over.write(first, last, out.y.data<T>(),
               [&](std::int64_t i, std::int64_t c) { return (from[i] - mean[c]) * rstd[c] * w[c] + b[c]; });
  });
  return out;
}

// With z = (x - mean) * rstd:  dweight = sum(dy * z), dbias = sum(dy),
// dx = weight * rstd * (dy - mean(dy) - z * mean(dy * z)), all of them for each channel.
template <class T>
NormGradients batch_norm_backward_of(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& means,
                                     const Tensor& rstds, bool wants_dx) {
  const Channels over(x);
  const auto per_channel = [&] { return Tensor::empty({over.channels()}, x.dtype()); };
  const NormGradients out{wants_dx ? Tensor::empty(x.shape(), x.dtype()) : Tensor(), per_channel(), per_channel()};
  const PerChannel<T> w(weight, 1, x), mean(means, 0, x), rstd(rstds, 1, x);
  const T *const d = dy.data<T>(), *const from = x.data<T>();
  T *const dweight = out.dweight.data<T>(), *const dbias = out.dbias.data<T>();
  over.for_each_group([&](std::int64_t first, std::int64_t last) {
    const auto totals = over.sums<T>(first, last, [&](std::int64_t i, std::int64_t c) {
      return Two<T>{d[i], d[i] * ((from[i] - mean[c]) * rstd[c])};
    });
    std::array<T, Channels::group> mean_d, mean_dz;
    for (std::int64_t c = first; c < last; ++c) {
      const auto k = static_cast<std::size_t>(c - first);
      dbias[c] = static_cast<T>(totals[k].a);
      dweight[c] = static_cast<T>(totals[k].b);
      mean_d[k] = static_cast<T>(totals[k].a / over.elements_of_one());
      mean_dz[k] = static_cast<T>(totals[k].b / over.elements_of_one());
    }
    if (!wants_dx) return;
    over.write(first, last, out.dx.data<T>(), [&](std::int64_t i, std::int64_t c) {
      const auto k = static_cast<std::size_t>(c - first);
      return w[c] * rstd[c] * (d[i] - mean_d[k] - (from[i] - mean[c]) * rstd[c] * mean_dz[k]);
    });
  });
  return out;
}

}  // namespace

BatchNorm batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return dispatch_floating(x.dtype(), "batch_norm",
                           [&]<class T>() { return batch_norm_of<T>(contiguous(x), weight, bias, eps); });
}

NormGradients batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                                  const Tensor& rstd, bool wants_dx) {
  return dispatch_floating(x.dtype(), "batch_norm", [&]<class T>() {
    return batch_norm_backward_of<T>(contiguous(dy), contiguous(x), weight, mean, rstd, wants_dx);
  });
}

Tensor normalise_channels(const Tensor& x, const Tensor& means, const Tensor& rstds, const Tensor& weight,
                          const Tensor& bias) {
  return dispatch_floating(x.dtype(), "batch_norm_inference", [&]<class T>() {
    const Tensor source = contiguous(x), y = Tensor::empty(x.shape(), x.dtype());
    const PerChannel<T> mean(means, 0, x), rstd(rstds, 1, x), w(weight, 1, x), b(bias, 0, x);
    const Channels over(x);
    over.for_each_group([&, from = source.data<T>()](std::int64_t first, std::int64_t last) {
      over.write(first, last, y.data<T>(),
                 [&](std::int64_t i, std::int64_t c) { return (from[i] - mean[c]) * rstd[c] * w[c] + b[c]; });
    });
    return y;
  });
}

}  // namespace gradus::kernels
