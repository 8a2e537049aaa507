// RMSprop: each weight's rate is divided by a running root mean square of its gradients; unlike Adagrad's
// sum, it forgets.
#pragma once

#include <gradus/optim/optimizer.h>

namespace gradus::optim {

//   g <- g + weight_decay w
//   v <- alpha v + (1 - alpha) g^2
//   w <- w - lr g / (sqrt(v) + eps)   Tieleman & Hinton 2012 (lecture 6.5)
class RMSprop : public Optimizer {
 public:
  struct Options {
    double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0;
  };
  RMSprop(Parameters parameters, const Options& options, const std::vector<Group>& groups = {});

 private:
  void update(std::span<kernels::Update> updates) const override;

  Options options_;
};

namespace definition {
// The new w; v, zeros at first, is replaced.
Tensor rmsprop(const Tensor& w, const Tensor& g, Tensor& v, const RMSprop::Options& options);
}  // namespace definition

}  // namespace gradus::optim
