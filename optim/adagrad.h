// Adagrad: each weight's rate falls with the sum of its squared gradients, and so least for rare features.
#pragma once

#include <gradus/optim/optimizer.h>

namespace gradus::optim {

//   g <- g + weight_decay w
//   s <- s + g^2
//   w <- w - lr g / (sqrt(s) + eps)   Duchi, Hazan & Singer 2011
class Adagrad : public Optimizer {
 public:
  struct Options {
    double lr = 1e-2, eps = 1e-10, weight_decay = 0;
  };
  Adagrad(Parameters parameters, const Options& options, const std::vector<Group>& groups = {});

 private:
  void update(std::span<kernels::Update> updates) const override;

  Options options_;
};

namespace definition {
// The new w; s, zeros at first, is replaced.
Tensor adagrad(const Tensor& w, const Tensor& g, Tensor& s, const Adagrad::Options& options);
}  // namespace definition

}  // namespace gradus::optim
