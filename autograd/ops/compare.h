// Comparisons, logic and choice by mask. Comparisons give booleans element by element, broadcast as
// arithmetic does, and record nothing; where() passes its gradient to the side it chose.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

Tensor operator==(const Tensor& a, const Tensor& b);  // for one bool over the whole, see equal()
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);
Tensor operator==(const Tensor& a, double b);
Tensor operator!=(const Tensor& a, double b);
Tensor operator<(const Tensor& a, double b);
Tensor operator<=(const Tensor& a, double b);
Tensor operator>(const Tensor& a, double b);
Tensor operator>=(const Tensor& a, double b);

Tensor logical_and(const Tensor& a, const Tensor& b);
Tensor logical_or(const Tensor& a, const Tensor& b);
Tensor logical_not(const Tensor& a);

// a where the boolean mask is true, b elsewhere. All three broadcast. What was not chosen gets
// the gradient 0, even where it is NaN.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);

// `number` where the mask is true, x elsewhere; the mask expands to x's shape.
// -infinity hides scores from a softmax.
Tensor masked_fill(const Tensor& x, const Tensor& mask, double number);

}  // namespace gradus
