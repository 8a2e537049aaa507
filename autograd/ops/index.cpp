#include <gradus/autograd/ops/index.h>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/index.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

// Refuses ids that are not i64 or not in [0, size); `what` is what they count.
void check_ids(const Tensor& ids, std::int64_t size, const char* op, const char* what) {
  check(ids.dtype() == i64, op, "ids must be i64, not ", ids.dtype(), ". Convert them with .to(i64)?");
  const std::int64_t flat = kernels::first_outside(ids, size);
  if (flat < 0) [[likely]]
    return;
  const Shape position = position_of(flat, ids.shape());
  Tensor id = ids;
  for (const std::int64_t at : position) id = views::select(id, 0, at);
  fail(op, "id ", id.data<std::int64_t>()[0], " at position ", position, " is out of range for ", size, " ",
       what, ". Ids start at 0 and end below ", size, "; were they made for another size?");
}

// The axis, with everything about x and index checked. `index` may be of any size along it.
int checked_axis(const Tensor& x, std::int64_t axis, const Tensor& index, const char* op) {
  const int along = normalised_axis(axis, x.rank(), op);
  Shape expected = x.shape();
  if (index.rank() == x.rank()) expected[along] = index.shape()[along];
  check(index.shape() == expected, op, "the index of shape ", index.shape(), " must have the sizes of ",
        x.shape(), " but for axis ", along, ". Unsqueeze and expand it?");
  check_ids(index, x.shape()[along], op, "entries");
  return along;
}

int checked_scatter(const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& src,
                    const char* op) {
  check_same_dtype("x", x.dtype(), "src", src.dtype(), op);
  check(index.shape() == src.shape(), op, "the index of shape ", index.shape(), " and src of shape ",
        src.shape(), " must have one shape. Expand the smaller one?");
  return checked_axis(x, axis, index, op);
}

// ids (N) to an index of `like`'s shape with N entries along the axis: each id
// serves its whole row, without a copy.
Tensor as_index(const Tensor& ids, const Shape& like, int axis) {
  Shape shape = like;
  shape[axis] = ids.shape()[0];
  Strides strides(shape.rank(), 0);
  strides[axis] = ids.strides()[0];
  return ids.window(shape, strides, 0);
}

// 0 at the ids to be left out, as embedding's gradient has it.
Tensor without_padding(const Tensor& rows, const Tensor& ids, std::optional<std::int64_t> padding_index) {
  if (!padding_index) return rows;
  return masked_fill(rows, (ids == static_cast<double>(*padding_index)).unsqueeze(-1), 0);
}

void check_padding(std::optional<std::int64_t> padding_index, std::int64_t rows, const char* op) {
  check(!padding_index || (0 <= *padding_index && *padding_index < rows), op, "padding_index ",
        padding_index.value_or(0), " is out of range for ", rows, " rows. Name one of them, or none?");
}

}  // namespace

Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& index) {
  const int along = checked_axis(x, axis, index, "gather");
  return record({"gather", 0}, kernels::gather(x, along, index), inputs(x), saves(index),
                [along, size = x.shape()[along]](Backward& back, const Tensor& dy, const Tensor& index) {
                  back.give(0, gather_grad(dy, along, index, size));
                });
}

Tensor gather_grad(const Tensor& dy, std::int64_t axis, const Tensor& index, std::int64_t size) {
  check(size >= 0, "gather_grad", "the size of an axis cannot be negative: ", size, ".");
  check(index.shape() == dy.shape(), "gather_grad", "the index of shape ", index.shape(), " and dy of shape ",
        dy.shape(), " must have one shape. Expand the smaller one?");
  const int along = normalised_axis(axis, dy.rank(), "gather_grad");
  check_ids(index, size, "gather_grad", "entries");
  return record("gather_grad", kernels::gather_grad(dy, along, index, size), inputs(dy), saves(index),
                [along](Backward& back, const Tensor& dz, const Tensor& index) {
                  back.give(0, gather(dz, along, index));
                });
}

Tensor scatter_add(const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& src) {
  const int along = checked_scatter(x, axis, index, src, "scatter_add");
  return record({"scatter_add", static_cast<double>(src.numel())}, kernels::scatter_add(x, along, index, src),
                inputs(x, src), saves(index), [along](Backward& back, const Tensor& dy, const Tensor& index) {
                  back.give(0, dy);
                  if (back.wants(1)) back.give(1, gather(dy, along, index));
                });
}

Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& index, const Tensor& src) {
  const int along = checked_scatter(x, axis, index, src, "scatter");
  return record({"scatter", 0}, kernels::scatter(x, along, index, src), inputs(x, src), saves(index),
                [along](Backward& back, const Tensor& dy, const Tensor& index) {
                  const Tensor nothing = kernels::full({}, 0, dy.dtype()).expand(index.shape());
                  if (back.wants(0)) back.give(0, scatter(dy, along, index, nothing));
                  if (!back.wants(1)) return;
                  // Who stayed: each entry's number along the axis is scattered and asked for again.
                  const Tensor numbers =
                      as_index(arange(static_cast<double>(index.shape()[along]), i64), index.shape(), along);
                  const Tensor board = kernels::full(dy.shape(), -1, i64);
                  const Tensor stayed =
                      gather(scatter(board, along, index, numbers), along, index) == numbers;
                  back.give(1, where(stayed, gather(dy, along, index), nothing));
                });
}

Tensor index_select(const Tensor& x, std::int64_t axis, const Tensor& ids) {
  check(ids.rank() == 1, "index_select", "ids must be a list, not of shape ", ids.shape(),
        ". Flatten them, or use gather or embedding?");
  const int along = normalised_axis(axis, x.rank(), "index_select");
  check_ids(ids, x.shape()[along], "index_select", "entries");
  return record({"index_select", 0}, kernels::gather(x, along, as_index(ids, x.shape(), along)), inputs(x),
                saves(ids),
                [along, size = x.shape()[along]](Backward& back, const Tensor& dy, const Tensor& ids) {
                  back.give(0, gather_grad(dy, along, as_index(ids, dy.shape(), along), size));
                });
}

// A row chosen by a 1 among zeros: (.., V) (V, C) -> (.., C).
Tensor definition::embedding(const Tensor& weight, const Tensor& ids) {
  return matmul(one_hot(ids, weight.size(0), weight.dtype()), weight);
}

Tensor embedding(const Tensor& weight, const Tensor& ids, std::optional<std::int64_t> padding_index) {
  check(weight.rank() == 2, "embedding", "the weight must be (rows, columns), not of shape ", weight.shape(),
        ". Reshape it?");
  const std::int64_t rows = weight.shape()[0];
  check_padding(padding_index, rows, "embedding");
  check_ids(ids, rows, "embedding", "rows");
  Shape shape = ids.shape();
  shape.push_back(weight.shape()[1]);
  const Tensor index = as_index(views::reshape(ids, {ids.numel()}), weight.shape(), 0);
  const Tensor flat = kernels::gather(weight, 0, index);
  return record({"embedding", 0}, views::reshape(flat, shape), inputs(weight), saves(ids),
                [rows, padding_index](Backward& back, const Tensor& dy, const Tensor& ids) {
                  // Of a head that has the same weight, as in GPT, the gradient of every row is there.
                  const Tensor* const sum = padding_index ? nullptr : back.sum_so_far(0);
                  if (sum == nullptr) return back.give(0, embedding_grad(dy, ids, rows, padding_index));
                  const Tensor flat = views::reshape(dy, {ids.numel(), dy.shape().back()});
                  kernels::scatter_add_into(
                      *sum, 0, as_index(views::reshape(ids, {ids.numel()}), flat.shape(), 0), flat);
                });
}

// (rows, N) (N, C) -> (rows, C), with the N ids as one list.
Tensor definition::embedding_grad(const Tensor& dy, const Tensor& ids, std::int64_t rows) {
  const std::int64_t n = ids.numel(), columns = dy.size(-1);
  return matmul(one_hot(ids.reshape({n}), rows, dy.dtype()).t(), dy.reshape({n, columns}));
}

Tensor embedding_grad(const Tensor& dy, const Tensor& ids, std::int64_t rows,
                      std::optional<std::int64_t> padding_index) {
  const char* const op = "embedding_grad";
  Shape shape = ids.shape();
  shape.push_back(dy.rank() > 0 ? dy.shape().back() : 0);
  check(dy.shape() == shape, op, "dy of shape ", dy.shape(),
        " must have one row for each of the ids of shape ", ids.shape(),
        ". Is it the gradient of embedding's result?");
  check(rows >= 0, op, "the number of rows cannot be negative: ", rows, ".");
  check_padding(padding_index, rows, op);
  check_ids(ids, rows, op, "rows");
  const std::int64_t n = ids.numel();
  const Tensor flat = views::reshape(dy, {n, shape.back()});
  const Tensor dw = kernels::gather_grad(flat, 0, as_index(views::reshape(ids, {n}), flat.shape(), 0), rows);
  if (padding_index) kernels::fill(views::select(dw, 0, *padding_index), 0);
  return record({op, static_cast<double>(dy.numel())}, dw, inputs(dy), saves(ids),
                [padding_index](Backward& back, const Tensor& dz, const Tensor& ids) {
                  back.give(0, without_padding(embedding(dz, ids), ids, padding_index));
                });
}

Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype) {
  check(classes >= 0, "one_hot", "the number of classes cannot be negative: ", classes, ".");
  check_ids(ids, classes, "one_hot", "classes");
  return kernels::one_hot(ids, classes, dtype);
}

}  // namespace gradus
