#include <gradus/optim/sgd.h>

#include <gradus/autograd/ops/elementwise.h>

namespace gradus::optim {

Tensor definition::sgd(const Tensor& w, const Tensor& gradient, Tensor& b, const SGD::Options& o) {
  const Tensor g = gradient + o.weight_decay * w;
  b = o.momentum * b + g;
  return w - o.lr * (o.nesterov ? g + o.momentum * b : b);
}

SGD::SGD(Parameters parameters, const Options& o, const std::vector<Group>& groups)
    : Optimizer({.name = "sgd",
                 .lr = o.lr,
                 .weight_decay = o.weight_decay,
                 .memory = o.momentum == 0 ? std::vector<const char*>{} : std::vector{"b"}},
                std::move(parameters), groups),
      options_(o) {
  check_fraction("sgd", "momentum", o.momentum, "0.9");
  check(!o.nesterov || o.momentum > 0, "sgd",
        "nesterov looks ahead along the momentum, which is 0. Set .momentum = 0.9?");
}

void SGD::update(std::span<kernels::Update> updates) const {
  if (options_.momentum == 0)
    kernels::sgd(updates);
  else
    kernels::sgd_momentum(updates, options_.momentum, options_.nesterov);
}

}  // namespace gradus::optim
