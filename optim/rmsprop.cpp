#include <gradus/optim/rmsprop.h>

#include <gradus/autograd/ops/elementwise.h>

namespace gradus::optim {

Tensor definition::rmsprop(const Tensor& w, const Tensor& gradient, Tensor& v, const RMSprop::Options& o) {
  const Tensor g = gradient + o.weight_decay * w;
  v = o.alpha * v + (1 - o.alpha) * square(g);
  return w - o.lr * g / (sqrt(v) + o.eps);
}

RMSprop::RMSprop(Parameters parameters, const Options& o, const std::vector<Group>& groups)
    : Optimizer({.name = "rmsprop", .lr = o.lr, .weight_decay = o.weight_decay, .memory = {"v"}},
                std::move(parameters), groups),
      options_(o) {
  check_fraction("rmsprop", "alpha", o.alpha, "0.99");
  check_at_least_0("rmsprop", "eps", o.eps, "1e-8");
}

void RMSprop::update(std::span<kernels::Update> updates) const {
  kernels::rmsprop(updates, options_.alpha, options_.eps);
}

}  // namespace gradus::optim
