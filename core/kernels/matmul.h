// Matrix products, without gradients, on all threads.
// Operands of any strides; results are new and contiguous.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// a: (..., M, K); b: (K, N), or (..., K, N) with the same leading axes (expanded ones are read in place)
Tensor matmul(const Tensor& a, const Tensor& b);

// y = x w^T + bias.   x: (..., K), w: (N, K), bias: (N,) or undefined, y: (..., N)
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias);

// y_mn = sum over all leading axes of a_m b_n.   a: (..., M), b: (..., N), y: (M, N)
Tensor sum_outer(const Tensor& a, const Tensor& b);
// The same added to what y (M, N), contiguous, holds.
void add_sum_outer(const Tensor& y, const Tensor& a, const Tensor& b);

}  // namespace gradus::kernels
