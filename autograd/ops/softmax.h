// Softmax and its logarithm along one axis, fused: one pass over memory.
// x, y, dy: (..., n, ...), n the size of the axis.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

// y_i = exp(x_i) / sum_j exp(x_j), without overflow. Where every x_j is -infinity, as in a row of scores that
// is masked whole, y is 0 and so is the gradient.
Tensor softmax(const Tensor& x, std::int64_t axis);

// y_i = x_i - log sum_j exp(x_j), without overflow. Where every x_j is -infinity, so is y, and dx = dy.
Tensor log_softmax(const Tensor& x, std::int64_t axis);

namespace definition {
Tensor softmax(const Tensor& x, std::int64_t axis);
Tensor log_softmax(const Tensor& x, std::int64_t axis);
}  // namespace definition

// Gradients as ops of their own: one pass over memory, and differentiable again.
//   softmax_grad      y * (dy - sum(dy * y)), y = softmax(x)
//   log_softmax_grad  dy - exp(y) * sum(dy), y = log_softmax(x)
Tensor softmax_grad(const Tensor& dy, const Tensor& y, std::int64_t axis);
Tensor log_softmax_grad(const Tensor& dy, const Tensor& y, std::int64_t axis);

}  // namespace gradus
