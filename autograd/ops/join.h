// Rearranging by position: joining, cutting, turning round, keeping a triangle. Each element's gradient goes
// back to where it came from; what was cut off gets 0.
#pragma once

#include <span>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

// The tensors one after another along `axis`; the other axes agree in size.
Tensor concat(std::span<const Tensor> list, std::int64_t axis);
inline Tensor concat(std::initializer_list<Tensor> list, std::int64_t axis) {
  return concat(std::span(list.begin(), list.size()), axis);
}

// Tensors of one shape beside each other along a new axis, which is the result's axis `axis`.
Tensor stack(std::span<const Tensor> list, std::int64_t axis);
inline Tensor stack(std::initializer_list<Tensor> list, std::int64_t axis) {
  return stack(std::span(list.begin(), list.size()), axis);
}

// Views of x along `axis`: pieces of `size` (the last may be smaller), or of the sizes listed, which add up
// to the axis.
std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t axis);
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, std::int64_t axis);

// x with the entries of `axis` in reverse order.
Tensor flip(const Tensor& x, std::int64_t axis);

// The last two axes as matrices: x on and above (triu) or on and below (tril) a diagonal, 0 elsewhere.
// Diagonal 0 is the main one, 1 the one above it, -1 the one below.
Tensor triu(const Tensor& x, std::int64_t diagonal = 0);
Tensor tril(const Tensor& x, std::int64_t diagonal = 0);

}  // namespace gradus
