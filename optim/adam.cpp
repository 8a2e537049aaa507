#include <gradus/optim/adam.h>

#include <cmath>

#include <gradus/autograd/ops/elementwise.h>

namespace gradus::optim {

Tensor definition::adam(const Tensor& w, const Tensor& gradient, Tensor& m, Tensor& v, std::int64_t t,
                        const Adam::Options& o) {
  const Tensor g = gradient + o.weight_decay * w;
  m = o.beta1 * m + (1 - o.beta1) * g;
  v = o.beta2 * v + (1 - o.beta2) * square(g);
  const Tensor m_hat = m / (1 - std::pow(o.beta1, t)), v_hat = v / (1 - std::pow(o.beta2, t));
  return w - o.lr * m_hat / (sqrt(v_hat) + o.eps);
}

Tensor definition::adamw(const Tensor& w, const Tensor& g, Tensor& m, Tensor& v, std::int64_t t,
                         const AdamW::Options& o) {
  m = o.beta1 * m + (1 - o.beta1) * g;
  v = o.beta2 * v + (1 - o.beta2) * square(g);
  const Tensor m_hat = m / (1 - std::pow(o.beta1, t)), v_hat = v / (1 - std::pow(o.beta2, t));
  return w - o.lr * (m_hat / (sqrt(v_hat) + o.eps) + o.weight_decay * w);
}

namespace {

void check_betas(const char* op, double beta1, double beta2, double eps) {
  check_fraction(op, "beta1", beta1, "0.9");
  check_fraction(op, "beta2", beta2, "0.999");
  check_at_least_0(op, "eps", eps, "1e-8");
}

}  // namespace

Adam::Adam(Parameters parameters, const Options& o, const std::vector<Group>& groups)
    : Optimizer({.name = "adam",
                 .lr = o.lr,
                 .weight_decay = o.weight_decay,
                 .memory = {"m", "v"},
                 .counts_steps = true},
                std::move(parameters), groups),
      options_(o) {
  check_betas("adam", o.beta1, o.beta2, o.eps);
}

void Adam::update(std::span<kernels::Update> updates) const {
  kernels::adam(updates, options_.beta1, options_.beta2, options_.eps, false);
}

AdamW::AdamW(Parameters parameters, const Options& o, const std::vector<Group>& groups)
    : Optimizer({.name = "adamw",
                 .lr = o.lr,
                 .weight_decay = o.weight_decay,
                 .memory = {"m", "v"},
                 .counts_steps = true},
                std::move(parameters), groups),
      options_(o) {
  check_betas("adamw", o.beta1, o.beta2, o.eps);
}

void AdamW::update(std::span<kernels::Update> updates) const {
  kernels::adam(updates, options_.beta1, options_.beta2, options_.eps, true);
}

}  // namespace gradus::optim
