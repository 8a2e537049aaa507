// Reductions on memory, without gradients. `axes` are normalised and distinct (the ops see to that). They are
// dropped from the result's shape, or stay as 1 with `keep`; an empty list reduces nothing. x may have any
// strides; results are new and contiguous.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

Shape reduced_shape(const Tensor& x, const Shape& axes, bool keep = false);
Shape moved_last(int rank, const Shape& axes);  // the order of all axes in which `axes` come last

Tensor sum(const Tensor& x, const Shape& axes, bool keep = false);
Tensor mean(const Tensor& x, const Shape& axes, bool keep = false);
Tensor prod(const Tensor& x, const Shape& axes, bool keep = false);
Tensor var(const Tensor& x, const Shape& axes, int correction, bool keep = false);
Tensor max(const Tensor& x, const Shape& axes, bool keep = false);  // NaN if there is one
Tensor min(const Tensor& x, const Shape& axes, bool keep = false);
Tensor logsumexp(const Tensor& x, const Shape& axes, bool keep = false);
Tensor any(const Tensor& x, const Shape& axes, bool keep = false);  // of booleans
Tensor all(const Tensor& x, const Shape& axes, bool keep = false);

// dy, of the shape that `keep` gives, times the product of the group's
// other elements; right where some are 0.
Tensor prod_grad(const Tensor& dy, const Tensor& x, const Shape& axes);

Tensor argmax(const Tensor& x, int axis, bool keep = false);  // the first of several; i64
Tensor argmin(const Tensor& x, int axis, bool keep = false);

Tensor cumsum(const Tensor& x, int axis, bool reversed = false);

}  // namespace gradus::kernels
