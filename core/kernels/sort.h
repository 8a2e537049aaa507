// Ordering along one axis, without gradients. NaN counts as larger than any number, so that it
// comes last in ascending and first in descending order; -0 and 0 are equal. What is equal keeps
// its order. x may have any strides.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

struct Sorted {
  Tensor values, indices;  // indices are i64, along the axis
};

// The first k entries of the axis in ascending or descending order; k is at most the size of the axis.
Sorted first_in_order(const Tensor& x, int axis, std::int64_t k, bool descending);

}  // namespace gradus::kernels
