#include <gradus/optim/clip.h>

#include <cmath>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/kernels/elementwise.h>
#include <gradus/core/kernels/optimise.h>

namespace gradus::optim {
namespace {

// The norm of all gradients, summed in double. That of finite f32 elements cannot overflow.
double norm_of_gradients(const Parameters& parameters, const char* op) {
  double squares = 0;
  for (const auto& [name, w] : parameters) {
    const Tensor* const g = gradient_of(w);
    if (g == nullptr) continue;
    const double own = kernels::sum_of_squares(*g);
    check(std::isfinite(own), op, "the gradient of '", name, "', of shape ", g->shape(),
          ", has an element that is not finite", w.dtype() == f64 ? ", or too large to be squared" : "",
          ". Find where it came from with AnomalyMode, or take a lower lr?");
    squares += own;
  }
  return std::sqrt(squares);
}

}  // namespace

double clip_grad_norm(const Parameters& parameters, double max) {
  check(max > 0, "clip_grad_norm", "max must be above 0, not ", max, ". 1?");
  const double norm = norm_of_gradients(parameters, "clip_grad_norm");
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
  norm_of_gradients(parameters, "clip_grad_value");
  for (const auto& [name, w] : parameters)
    if (Tensor* const g = gradient_of(w); g != nullptr) *g = kernels::clamp(*g, -max, max);
}

}  // namespace gradus::optim
