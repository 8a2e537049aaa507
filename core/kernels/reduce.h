// Reductions on memory, without gradients. `axes` are normalised and distinct (the ops see to that). They are dropped
// from the result's shape, or stay as 1 with `keep`; an empty list reduces nothing. x may have any strides.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

Tensor sum(const Tensor& x, const Shape& axes, bool keep = false);

}  // namespace gradus::kernels
