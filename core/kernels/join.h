// Rearranging by position, without gradients. Any strides; results are new and contiguous.
#pragma once

#include <span>

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// One after another along `axis`; shapes agree but for that axis, and the list is not empty.
Tensor concat(std::span<const Tensor> list, int axis);
// The tensor whose parts along `axis` these are, where they stand in one memory with nothing else between
// them; else an undefined one.
Tensor joined_in_place(std::span<const Tensor> list, int axis);
// Beside each other along a new axis; all of one shape.
Tensor stack(std::span<const Tensor> list, int axis);

Tensor flip(const Tensor& x, int axis);

// x where column - row >= diagonal (triu) or <= diagonal (tril) in the last two axes, 0 elsewhere.
Tensor triu(const Tensor& x, std::int64_t diagonal);
Tensor tril(const Tensor& x, std::int64_t diagonal);

}  // namespace gradus::kernels
