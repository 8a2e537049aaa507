// AdamW (Loshchilov & Hutter 2019) over all parameters in one pass over memory:
//
//   m <- b1 m + (1 - b1) g
//   v <- b2 v + (1 - b2) g^2
//   w <- w - lr (m' / (sqrt(v') + eps) + weight_decay w)      m' = m / (1 - b1^t), v' = v / (1 - b2^t)
#pragma once

#include <cmath>
#include <utility>
#include <vector>

#include <gradus/autograd/node.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/core/tensor.h>

namespace gradus::bench {

class AdamW {
 public:
  struct Options {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
  };

  // The parameters are leaves.
  AdamW(const std::vector<Tensor>& parameters, const Options& options) : options_(options) {
    for (const Tensor& w : parameters) parameters_.push_back({w, zeros_like(w), zeros_like(w)});
  }

  // One update; the gradients are released in the same pass. A parameter without a gradient stays as it is.
  void step() {
    beta1_power_ *= options_.beta1;
    beta2_power_ *= options_.beta2;
    // lr m' / (sqrt(v') + eps) = lr r / (1 - b1^t) m / (sqrt(v) + r eps) with r = sqrt(1 - b2^t).
    const double root = std::sqrt(1 - beta2_power_);
    const auto rate = static_cast<float>(options_.lr * root / (1 - beta1_power_));
    const auto eps = static_cast<float>(options_.eps * root);
    for (const Parameter& parameter : parameters_) {
      // Moved out of the leaf: no count changes, and the memory is free for the next forward pass.
      const Tensor gradient = std::move(static_cast<Leaf&>(*node_of(parameter.w)).gradient);
      if (!gradient.defined()) continue;
      const float* const g = gradient.data<float>();
      float* const w = parameter.w.data<float>();
      float* const m = parameter.m.data<float>();
      float* const v = parameter.v.data<float>();
      parallel_for(gradient.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
        update(end - begin, w + begin, m + begin, v + begin, g + begin, rate, eps, options_);
      });
    }
  }

 private:
  struct Parameter {
    Tensor w, m, v;
  };

  static void update(std::int64_t count, float* w, float* m, float* v, const float* g, float rate, float eps,
                     Options options) {
    const auto b1 = static_cast<float>(options.beta1), one_less_b1 = static_cast<float>(1 - options.beta1);
    const auto b2 = static_cast<float>(options.beta2), one_less_b2 = static_cast<float>(1 - options.beta2);
    const auto keep = static_cast<float>(1 - options.lr * options.weight_decay);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) {
      m[i] = b1 * m[i] + one_less_b1 * g[i];
      v[i] = b2 * v[i] + one_less_b2 * g[i] * g[i];
      w[i] = keep * w[i] - rate * m[i] / (std::sqrt(v[i]) + eps);
    }
  }

  Options options_;
  std::vector<Parameter> parameters_;
  double beta1_power_ = 1, beta2_power_ = 1;
};

}  // namespace gradus::bench
