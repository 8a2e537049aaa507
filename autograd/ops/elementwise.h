// Element-wise ops. Two tensors broadcast as in NumPy; their dtypes must agree. A plain number takes the
// tensor's dtype. Formulas stand for each element. An op is differentiable wherever it is finite, but for
// what is said beside it: kinks, and places where the derivative is infinite.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

Tensor add(const Tensor& a, const Tensor& b);
Tensor sub(const Tensor& a, const Tensor& b);
Tensor mul(const Tensor& a, const Tensor& b);
Tensor div(const Tensor& a, const Tensor& b);  // i64 truncates toward zero
Tensor pow(const Tensor& a, const Tensor& b);  // a^b; a > 0 where b's gradient is wanted, which has log(a)
Tensor maximum(const Tensor& a, const Tensor& b);  // where equal, each gets half of the gradient
Tensor minimum(const Tensor& a, const Tensor& b);  // likewise

Tensor add(const Tensor& a, double b);
Tensor sub(const Tensor& a, double b);
Tensor sub(double a, const Tensor& b);
Tensor mul(const Tensor& a, double b);
Tensor div(const Tensor& a, double b);
Tensor div(double a, const Tensor& b);
Tensor pow(const Tensor& a, double b);                   // gradient infinite at a = 0 for 0 < b < 1
Tensor clamp(const Tensor& x, double low, double high);  // gradient 1 inside and at the limits, 0 outside

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator+(const Tensor& a, double b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, double b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, double b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, b); }
inline Tensor operator+(double a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(double a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(double a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(double a, const Tensor& b) { return div(a, b); }

// a += b makes a new tensor and binds a to it; what changes memory ends in _ (see Tensor::add_).
inline Tensor& operator+=(Tensor& a, const Tensor& b) { return a = add(a, b); }
inline Tensor& operator-=(Tensor& a, const Tensor& b) { return a = sub(a, b); }
inline Tensor& operator*=(Tensor& a, const Tensor& b) { return a = mul(a, b); }
inline Tensor& operator/=(Tensor& a, const Tensor& b) { return a = div(a, b); }
inline Tensor& operator+=(Tensor& a, double b) { return a = add(a, b); }
inline Tensor& operator-=(Tensor& a, double b) { return a = sub(a, b); }
inline Tensor& operator*=(Tensor& a, double b) { return a = mul(a, b); }
inline Tensor& operator/=(Tensor& a, double b) { return a = div(a, b); }

Tensor neg(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return neg(x); }
Tensor abs(const Tensor& x);   // gradient 0 at 0
Tensor sign(const Tensor& x);  // -1, 0 or 1; no gradient
Tensor square(const Tensor& x);
Tensor sqrt(const Tensor& x);  // NaN below 0; gradient infinite at 0
Tensor exp(const Tensor& x);
Tensor expm1(const Tensor& x);  // exp(x) - 1, exact near 0
Tensor log(const Tensor& x);    // NaN below 0; -infinity at 0, and the gradient infinite
Tensor log1p(const Tensor& x);  // log(1 + x), exact near 0; at -1 as log at 0
Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor erf(const Tensor& x);      // 2 / sqrt(pi) * the integral of exp(-t^2) from 0 to x
Tensor sigmoid(const Tensor& x);  // 1 / (1 + exp(-x))
Tensor relu(const Tensor& x);     // max(x, 0); gradient 0 at 0. Nair & Hinton 2010
// x where x > 0, else slope * x; gradient `slope` at 0. Maas, Hannun & Ng 2013
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
Tensor softplus(const Tensor& x);  // log(1 + exp(x)), without overflow. Dugas et al. 2001

// Fused, with their definitions.
Tensor gelu(const Tensor& x);  // x * Phi(x), Phi the normal distribution function. Hendrycks & Gimpel 2016
Tensor gelu_tanh(const Tensor& x);  // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))): their approximation
Tensor silu(const Tensor& x);       // x * sigmoid(x). Elfwing, Uchibe & Doya 2018

namespace definition {
Tensor gelu(const Tensor& x);
Tensor gelu_tanh(const Tensor& x);
Tensor silu(const Tensor& x);
}  // namespace definition

// Gradients as ops of their own: one pass over memory, and differentiable again.
Tensor tanh_grad(const Tensor& dy, const Tensor& y);               // dy * (1 - y^2), y = tanh(x)
Tensor sigmoid_grad(const Tensor& dy, const Tensor& y);            // dy * y * (1 - y), y = sigmoid(x)
Tensor leaky_relu_grad(Tensor dy, const Tensor& x, double slope);  // dy where x > 0, else slope * dy
// dy where low <= x <= high, else 0
Tensor clamp_grad(const Tensor& dy, const Tensor& x, double low, double high);

}  // namespace gradus
