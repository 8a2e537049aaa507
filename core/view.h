// Windows on a tensor's memory, without gradients: shapes, strides and offsets computed, no element moved.
// The methods of Tensor that the tape sees (autograd/ops/view.cpp) stand on these.
#pragma once

#include <optional>

#include <gradus/core/tensor.h>

namespace gradus::views {

// The target of reshape with its -1 worked out; refuses a different number of elements.
Shape reshaped(const Tensor& x, const Shape& shape);
// The strides that show x as `shape` without a copy, where there are such.
std::optional<Strides> strides_of_reshape(const Tensor& x, const Shape& shape);

Tensor reshape(const Tensor& x, const Shape& shape);  // copies where it must
Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b);
Tensor permute(const Tensor& x, const Shape& axes);
Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t from, std::int64_t to, std::int64_t step = 1);
Tensor select(const Tensor& x, std::int64_t axis, std::int64_t index);
Tensor expand(const Tensor& x, const Shape& shape);
Tensor squeeze(const Tensor& x, std::int64_t axis);
Tensor unsqueeze(const Tensor& x, std::int64_t axis);

}  // namespace gradus::views
