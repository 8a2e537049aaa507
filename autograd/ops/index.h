// Choosing elements by id. Ids are i64 and lie in [0, size of the axis they choose from): unlike the numbers
// of slice and select they do not count from the end, so that a -1 that was meant as a mark is an error and
// not the last row. No gradient reaches an id.
#pragma once

#include <optional>

#include <gradus/core/tensor.h>

namespace gradus {

// y[.., j, ..] = x[.., index[.., j, ..], ..] along `axis`. index has x's shape but for the size of that axis;
// so has y.
Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& index);

// A new tensor, x with src[.., j, ..] added at index[.., j, ..] of `axis`. src has index's shape. Where an
// index stands twice, both are added.
Tensor scatter_add(const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& src);

// The same with x's entry replaced by src's. Where an index stands twice, the last one along the axis stays,
// and it alone gets a gradient.
Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& src);

// y[.., j, ..] = x[.., ids[j], ..] along `axis`; ids is a list.
Tensor index_select(const Tensor& x, std::int64_t axis, const Tensor& ids);

// The rows of weight (V, C) that ids of any shape (..) name: (.., C).
// The row `padding_index` gets no gradient.
Tensor embedding(const Tensor& weight, const Tensor& ids, std::optional<std::int64_t> padding_index = {});

// ids of any shape (..) to (.., classes): 1 at each id, 0 elsewhere. Has no gradient.
Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype = f32);

// Gradients as ops of their own, differentiable again. gather_grad: zeros with `size` entries along `axis`,
// and dy added at index. embedding_grad: (rows, C) zeros, and dy (.., C) added at the rows ids (..).
Tensor gather_grad(const Tensor& dy, std::int64_t axis, const Tensor& index, std::int64_t size);
Tensor embedding_grad(const Tensor& dy, const Tensor& ids, std::int64_t rows,
                      std::optional<std::int64_t> padding_index = {});

namespace definition {
Tensor embedding(const Tensor& weight, const Tensor& ids);
Tensor embedding_grad(const Tensor& dy, const Tensor& ids, std::int64_t rows);
}  // namespace definition

}  // namespace gradus
