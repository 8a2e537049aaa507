// Matrix products.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

// The product over the last axis of a and the last but one of b, as NumPy has it:
//   (M, K) (K, N) -> (M, N)       (..., M, K) (..., K, N) -> (..., M, N), the leading axes broadcast
//   (K,) (..., K, N) -> (..., N)  (..., M, K) (K,) -> (..., M)    (K,) (K,) -> ()
// Transposed and expanded operands are read where they lie. K = 0 gives zeros.
Tensor matmul(const Tensor& a, const Tensor& b);

// y = x w^T + bias, fused.   x: (..., K), w: (N, K), bias: (N,) or undefined, y: (..., N)
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias = {});

// y_mn = sum over all leading axes of a_m b_n: how one matrix gathers its gradient from many rows, in one
// product. a: (..., M), b: (..., N), y: (M, N)
Tensor sum_outer(const Tensor& a, const Tensor& b);

namespace definition {
Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias = {});
}  // namespace definition

}  // namespace gradus
