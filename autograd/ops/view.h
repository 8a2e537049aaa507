// Views as ops on the tape. What a user calls are the methods of Tensor (core/tensor.h); here are those that other ops
// need, and broadcasting: an explicit expand (stride 0, no copy), whose gradient is sum_to. So no element-wise rule
// ever reduces.
#pragma once

#include <array>

#include <gradus/core/tensor.h>

namespace gradus {

// x summed over the axes that an expand of `shape` to x.shape() added or grew: the gradient of expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// Both expanded to the shape they broadcast to, refused by `op`'s name where they do not, or where the dtypes differ.
std::array<Tensor, 2> broadcast(const Tensor& a, const Tensor& b, const char* op);

// dy placed where `slice` or `select` took its part from, zeros elsewhere: their gradient.
Tensor pad_slice(const Tensor& dy, const Shape& shape, std::int64_t axis, std::int64_t from, std::int64_t step);

// x under a new node with the identity as its rule.
Tensor view_as_itself(const Tensor& x);

}  // namespace gradus
