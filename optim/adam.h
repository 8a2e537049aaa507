// Adam: a step size for each weight, from averages of its gradients and of their squares.
//
//   m <- beta1 m + (1 - beta1) g          m' = m / (1 - beta1^t)
//   v <- beta2 v + (1 - beta2) g^2        v' = v / (1 - beta2^t)      t counts this weight's updates from 1
//
// m and v begin as zeros; the primed ones make up for that.
#pragma once

#include <gradus/optim/optimizer.h>

namespace gradus::optim {

//   w <- w - lr m' / (sqrt(v') + eps), where weight_decay w was added to g.   Kingma & Ba 2015
class Adam : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  };
  Adam(Parameters parameters, const Options& options, const std::vector<Group>& groups = {});

 private:
  void update(std::span<kernels::Update> updates) const override;

  Options options_;
};

// As Vaswani et al. 2017 trained the Transformer, together with the schedule Noam (schedule.h):
//
//   optim::Adam optimiser(model, optim::vaswani_2017);
//   const optim::Noam schedule{.width = 512, .warmup = 4000};
inline constexpr Adam::Options vaswani_2017{.beta2 = 0.98, .eps = 1e-9};

//   w <- w - lr (m' / (sqrt(v') + eps) + weight_decay w)   Loshchilov & Hutter 2019
// The decay is apart from the gradient, so that it is not divided by sqrt(v'): it shrinks all weights alike.
class AdamW : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 1e-2;
  };
  AdamW(Parameters parameters, const Options& options, const std::vector<Group>& groups = {});

 private:
  void update(std::span<kernels::Update> updates) const override;

  Options options_;
};

namespace definition {
// The new w at step t; m and v are replaced.
Tensor adam(const Tensor& w, const Tensor& g, Tensor& m, Tensor& v, std::int64_t t,
            const Adam::Options& options);
Tensor adamw(const Tensor& w, const Tensor& g, Tensor& m, Tensor& v, std::int64_t t,
             const AdamW::Options& options);
}  // namespace definition

}  // namespace gradus::optim
