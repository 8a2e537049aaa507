// Gradient descent. The same rate for every weight; with momentum, along an average of the gradients.
#pragma once

#include <gradus/optim/optimizer.h>

namespace gradus::optim {

//   g <- g + weight_decay w
//   b <- momentum b + g
//   w <- w - lr b                    Polyak 1964
//   w <- w - lr (g + momentum b)     with Nesterov's look ahead, as in Sutskever et al. 2013
class SGD : public Optimizer {
 public:
  struct Options {
    double lr = 1e-2, momentum = 0, weight_decay = 0;
    bool nesterov = false;
  };
  SGD(Parameters parameters, const Options& options, const std::vector<Group>& groups = {});

 private:
  void update(std::span<kernels::Update> updates) const override;

  Options options_;
};

namespace definition {
// The new w; b, zeros at first, is replaced.
Tensor sgd(const Tensor& w, const Tensor& g, Tensor& b, const SGD::Options& options);
}  // namespace definition

}  // namespace gradus::optim
