#include <gradus/optim/clip.h>

#include <cmath>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/kernels/elementwise.h>
#include <gradus/core/kernels/optimise.h>

namespace gradus::optim {
namespace {

const char* const way_out = ". Find where it came from with AnomalyMode, or take a lower lr?";

// The norm of all gradients, summed in double. That of finite f32 elements cannot overflow.
double norm_of_gradients(const Parameters& parameters) {
  double squares = 0;
  for (const auto& [name, w] : parameters) {
    const Tensor* const g = gradient_of(w);
    if (g == nullptr) continue;
    const double own = kernels::sum_of_squares(*g);
    check(std::isfinite(own), "clip_grad_norm", "the gradient of '", name, "', of shape ", g->shape(),
          ", has an element that is not finite", w.dtype() == f64 ? ", or too large to be squared" : "",
          way_out);
    squares += own;
  }
  return std::sqrt(squares);
}

bool is_finite(const Tensor& g) {
  return g.numel() == 0 ||
         no_grad([&] { return std::isfinite(max(g).item()) && std::isfinite(min(g).item()); });
}

}  // namespace

double clip_grad_norm(const Parameters& parameters, double max) {
  check(max > 0, "clip_grad_norm", "max must be above 0, not ", max, ". 1?");
  const double norm = norm_of_gradients(parameters);
  if (norm <= max) return norm;
  for (const auto& [name, w] : parameters) {
    Tensor* const g = gradient_of(w);
    if (g == nullptr) continue;
    if (g->is_sole_owner() && !g->requires_grad())
      g->mul_(max / norm);
    else
      *g = kernels::mul(*g, max / norm);
  }
  return norm;
}

void clip_grad_value(const Parameters& parameters, double max) {
  check(max > 0, "clip_grad_value", "max must be above 0, not ", max, ". 1?");
  for (const auto& [name, w] : parameters)
    if (const Tensor* const g = gradient_of(w); g != nullptr)
      check(is_finite(*g), "clip_grad_value", "the gradient of '", name, "', of shape ", g->shape(),
            ", has an element that is not finite", way_out);
  for (const auto& [name, w] : parameters)
    if (Tensor* const g = gradient_of(w); g != nullptr) *g = kernels::clamp(*g, -max, max);
}

}  // namespace gradus::optim
