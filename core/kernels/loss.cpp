#include <gradus/core/kernels/loss.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

// What a row's shares q are made of. Without weights and smoothing there is nothing to read for each class.
template <class T>
struct Shares {
  Tensor held;
  const T* weights;        // null: ones
  double certain, spread;  // what the target, and what each class gets before it is weighted
  double total_spread;     // the sum of spread * w_c
  std::optional<std::int64_t> ignore_index;

  Shares(const Tensor& class_weights, std::int64_t classes, const CrossEntropyRule& rule)
      : held(rule.label_smoothing == 0 ? contiguous_if(class_weights)
                                       : or_full(class_weights, 1, classes, dtype_of<T>())),
        weights(data_if<T>(held)),
        certain(1 - rule.label_smoothing),
        spread(rule.label_smoothing / static_cast<double>(classes)),
        total_spread(spread == 0
                         ? 0
                         : spread * row_sum<T>(0, classes, [w = weights](std::int64_t c) { return w[c]; })),
        ignore_index(rule.ignore_index) {}

  bool ignores(std::int64_t target) const { return ignore_index && *ignore_index == target; }
  double of_target(std::int64_t target) const {
    return weights == nullptr ? certain : certain * static_cast<double>(weights[target]);
  }
};

struct Normaliser {
  double largest, log_sum;
};

// Infinite where every logit is -infinity: each x - largest is then -infinity as well, and no NaN comes of
// it. Summed in double, so that what the largest logit leaves for the others is not lost beside its 1. A row
// may be longer than the first-level cache: its stretches are each summed beside the largest element so far,
// and what was summed before is scaled when a larger one turns up.
template <class T>
Normaliser normaliser_of(const T* x, std::int64_t classes) {
  constexpr std::int64_t stretch = 4096;
  T most = -std::numeric_limits<T>::infinity();
  double sum = 0;
  for (std::int64_t begin = 0; begin < classes; begin += stretch) {
    const std::int64_t end = std::min(classes, begin + stretch);
    const T before = most;
    most = std::max(before, row_max(x + begin, end - begin));
    const T shift = most == -std::numeric_limits<T>::infinity() ? T(0) : most;
    if (most > before) sum *= std::exp(static_cast<double>(before) - static_cast<double>(most));
    sum += row_sum<double>(begin, end, [x, shift](std::int64_t c) {
      return static_cast<double>(vm::exp_nonpositive(x[c] - shift));
    });
  }
  if (sum == 0) return {std::numeric_limits<double>::infinity(), 0};
  return {static_cast<double>(most), std::log(sum)};
}

template <class T>
CrossEntropy cross_entropy_of(const Tensor& logits, const std::int64_t* targets, const Shares<T>& q) {
  const std::int64_t classes = logits.shape().back(), rows = logits.numel() / classes;
  const CrossEntropy out{Tensor::empty({rows}, f64), Tensor::empty({rows, 2}, f64)};
  parallel_for(rows, worth_a_thread(classes, costly_grain), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const T* const x = logits.data<T>() + n * classes;
      double loss = 0;
      Normaliser z{};
      if (!q.ignores(targets[n])) {
        z = normaliser_of(x, classes);
        const double target_share = q.of_target(targets[n]);
        // A class without a share is left out: it may be impossible, and 0 * infinity is not 0.
        if (target_share != 0)
          loss = target_share * (z.log_sum - (static_cast<double>(x[targets[n]]) - z.largest));
        if (q.spread != 0)
          loss += q.spread * row_sum<double>(0, classes, [x, z, w = q.weights](std::int64_t c) {
                    const double cost = z.log_sum - (static_cast<double>(x[c]) - z.largest);
                    return w[c] == 0 ? 0. : static_cast<double>(w[c]) * cost;
                  });
      }
      out.losses.data<double>()[n] = loss;
      out.normalisers.data<double>()[2 * n] = z.largest;
      out.normalisers.data<double>()[2 * n + 1] = z.log_sum;
    }
  });
  return out;
}

template <class T>
void cross_entropy_backward_of(const Tensor& dlosses, double scale, const Tensor& logits,
                               const std::int64_t* targets, const double* normalisers, const Shares<T>& q,
                               const Tensor& dlogits) {
  const std::int64_t classes = logits.shape().back(), rows = logits.numel() / classes;
  const std::int64_t step = dlosses.numel() == 1 ? 0 : 1;
  parallel_for(rows, worth_a_thread(classes, costly_grain), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      const T* const x = logits.data<T>() + n * classes;
      T* const dx = dlogits.data<T>() + n * classes;
      if (q.ignores(targets[n])) {
        std::fill(dx, dx + classes, T(0));
        continue;
      }
      const double slope = scale * static_cast<double>(dlosses.data<T>()[n * step]);
      const T per_probability = static_cast<T>(slope * (q.of_target(targets[n]) + q.total_spread));
      const T per_weight = static_cast<T>(slope * q.spread);
      const T largest = static_cast<T>(normalisers[2 * n]), log_sum = static_cast<T>(normalisers[2 * n + 1]);
      // The target's own share is taken off last, so that neither loop asks at
      // each class whether it is the target.
      if (per_weight == 0) {
#pragma omp simd
        for (std::int64_t c = 0; c < classes; ++c)
          dx[c] = per_probability * vm::exp_nonpositive(x[c] - largest - log_sum);
      } else {
        const T* const w = q.weights;
#pragma omp simd
        for (std::int64_t c = 0; c < classes; ++c)
          dx[c] = per_probability * vm::exp_nonpositive(x[c] - largest - log_sum) - per_weight * w[c];
      }
      dx[targets[n]] -= static_cast<T>(slope * q.of_target(targets[n]));
    }
  });
}

}  // namespace

CrossEntropy cross_entropy(const Tensor& logits, const Tensor& targets, const Tensor& class_weights,
                           const CrossEntropyRule& rule) {
  return dispatch_floating(logits.dtype(), "cross_entropy", [&]<class T>() {
    return cross_entropy_of<T>(contiguous(logits), contiguous(targets).data<std::int64_t>(),
                               Shares<T>(class_weights, logits.shape().back(), rule));
  });
}

double total_weight(const Tensor& targets, const Tensor& class_weights, const CrossEntropyRule& rule) {
  const Tensor ids = contiguous(targets),
               weights = class_weights.defined() ? cast(class_weights, f64) : Tensor();
  double total = 0;
  for (std::int64_t n = 0; n < ids.numel(); ++n) {
    const std::int64_t id = ids.data<std::int64_t>()[n];
    if (!(rule.ignore_index && *rule.ignore_index == id))
      total += weights.defined() ? weights.data<double>()[id] : 1;
  }
  return total;
}

void cross_entropy_backward(const Tensor& dlosses, double scale, const Tensor& logits, const Tensor& targets,
                            const Tensor& class_weights, const Tensor& normalisers,
                            const CrossEntropyRule& rule, const Tensor& dlogits) {
  dispatch_floating(logits.dtype(), "cross_entropy", [&]<class T>() {
    cross_entropy_backward_of<T>(contiguous(dlosses), scale, contiguous(logits),
                                 contiguous(targets).data<std::int64_t>(), normalisers.data<double>(),
                                 Shares<T>(class_weights, logits.shape().back(), rule), dlogits);
  });
}

double squared_distance(const Tensor& any_a, const Tensor& any_b) {
  return dispatch_floating(any_a.dtype(), "squared_distance", [&]<class T>() {
    const Tensor a = contiguous(any_a), b = contiguous(any_b);
    return sum_of_chunks(a.numel(), [x = a.data<T>(), y = b.data<T>()](std::int64_t begin, std::int64_t end) {
      return row_sum<T>(begin, end, [=](std::int64_t i) { return (x[i] - y[i]) * (x[i] - y[i]); });
    });
  });
}

Tensor scaled_difference(const Tensor& a, const Tensor& b, double factor) {
  return dispatch_floating(a.dtype(), "scaled_difference", [&]<class T>() {
    return map<T, T, T>([by = static_cast<T>(factor)](T x, T y) { return by * (x - y); }, cheap_grain,
                        {&a, &b});
  });
}

}  // namespace gradus::kernels
