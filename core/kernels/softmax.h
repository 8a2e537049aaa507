// Softmax and its logarithm along one axis, without gradients. x, y, dy: (..., n, ...), n the size of `axis`;
// any strides; results are new and contiguous.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

Tensor softmax(const Tensor& x, int axis);                             // all -infinity gives 0
Tensor log_softmax(const Tensor& x, int axis);                         // all -infinity gives -infinity
Tensor softmax_grad(const Tensor& dy, const Tensor& y, int axis);      // y * (dy - sum(dy * y))
Tensor log_softmax_grad(const Tensor& dy, const Tensor& y, int axis);  // dy - exp(y) * sum(dy)

}  // namespace gradus::kernels
