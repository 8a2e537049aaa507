// Element-wise functions on memory, without gradients. Operands of one call have one shape and dtype (the ops
// expand and check before); results are new and contiguous. A plain number stands for a tensor full of it.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);  // i64: truncates; the op refuses a zero divisor
Tensor pow(const Tensor& a, const Tensor& b);
Tensor maximum(const Tensor& a, const Tensor& b);  // NaN if either is
Tensor minimum(const Tensor& a, const Tensor& b);

Tensor add(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double b);
Tensor clamp(const Tensor& x, double low, double high);

Tensor neg(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor sign(const Tensor& x);  // -1, 0 or 1
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor erf(const Tensor& x);
Tensor sigmoid(const Tensor& x);
Tensor relu(const Tensor& x);
Tensor leaky_relu(const Tensor& x, double slope);
Tensor gelu(const Tensor& x);
Tensor gelu_tanh(const Tensor& x);
Tensor silu(const Tensor& x);
Tensor softplus(const Tensor& x);

// Gradients in one pass over memory: dy times the derivative, from the output y or
// the input x, whichever is at hand.
Tensor tanh_grad(const Tensor& dy, const Tensor& y);
Tensor sigmoid_grad(const Tensor& dy, const Tensor& y);
Tensor clamp_grad(const Tensor& dy, const Tensor& x, double low, double high);
// These write over dy where it is handed over and nobody else sees it.
Tensor leaky_relu_grad(Tensor dy, const Tensor& x, double slope);  // slope 0 for relu; x or y will do
Tensor gelu_grad(Tensor dy, const Tensor& x);
Tensor gelu_tanh_grad(Tensor dy, const Tensor& x);
Tensor silu_grad(Tensor dy, const Tensor& x);

// Boolean results. NaN compares as in C++: unequal to everything, itself too.
Tensor equal_to(const Tensor& a, const Tensor& b);
Tensor not_equal_to(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& a);

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);  // a where the mask is true, else b

// In place, into operands of any strides.
void add_into(const Tensor& sum, const Tensor& x);
void sub_into(const Tensor& a, const Tensor& b);
void mul_into(const Tensor& a, const Tensor& b);
void div_into(const Tensor& a, const Tensor& b);

}  // namespace gradus::kernels
