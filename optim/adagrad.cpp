#include <gradus/optim/adagrad.h>

#include <gradus/autograd/ops/elementwise.h>

namespace gradus::optim {

Tensor definition::adagrad(const Tensor& w, const Tensor& gradient, Tensor& s, const Adagrad::Options& o) {
  const Tensor g = gradient + o.weight_decay * w;
  s = s + square(g);
  return w - o.lr * g / (sqrt(s) + o.eps);
}

Adagrad::Adagrad(Parameters parameters, const Options& o, const std::vector<Group>& groups)
    : Optimizer({.name = "adagrad", .lr = o.lr, .weight_decay = o.weight_decay, .memory = {"s"}},
                std::move(parameters), groups),
      options_(o) {
  check_at_least_0("adagrad", "eps", o.eps, "1e-10");
}

void Adagrad::update(std::span<kernels::Update> updates) const { kernels::adagrad(updates, options_.eps); }

}  // namespace gradus::optim
