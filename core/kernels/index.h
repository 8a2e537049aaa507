// Choosing elements by id, without gradients. Ids are i64 and lie inside the axis that they choose from: the
// ops look for one that does not with first_outside(). All operands may have any strides; an id that serves a
// whole row of elements is passed as an index of stride 0 along that row.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// The row-major position of the first id outside [0, size), or -1.
std::int64_t first_outside(const Tensor& ids, std::int64_t size);

// y[.., j, ..] = x[.., index[.., j, ..], ..] along `axis`. y and index have x's
// shape but for the size of that axis.
Tensor gather(const Tensor& x, int axis, const Tensor& index);

// Zeros with `size` entries along `axis`, and dy[.., j, ..] added at index[.., j, ..] of that axis.
Tensor gather_grad(const Tensor& dy, int axis, const Tensor& index, std::int64_t size);

// The same added to what `out` holds.
void scatter_add_into(const Tensor& out, int axis, const Tensor& index, const Tensor& src);

// A copy of x in which src[.., j, ..] is added to, or replaces, what stands at index[.., j, ..] of `axis`.
// Entries for one place are taken in the order of j.
Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src);
Tensor scatter(const Tensor& x, int axis, const Tensor& index, const Tensor& src);

// ids of any shape to (.., classes): 1 at each id, 0 elsewhere.
Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype);

}  // namespace gradus::kernels
