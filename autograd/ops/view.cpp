#include <gradus/autograd/ops/view.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

// A view moves nothing: no operation, no bytes.
OpInfo view_op(const char* name) { return {name, 0}; }

}  // namespace

Tensor Tensor::reshape(const Shape& shape) const {
  return record(view_op("reshape"), views::reshape(*this, shape), inputs(*this), saves(),
                [from = this->shape()](Backward& back, const Tensor& dy) { back.give(0, dy.reshape(from)); });
}

Tensor Tensor::flatten(std::int64_t from, std::int64_t to) const {
  if (rank() == 0) return reshape({1});
  const int first = normalised_axis(from, rank(), "flatten"), last = normalised_axis(to, rank(), "flatten");
  check(first <= last, "flatten", "axis ", from, " comes after axis ", to, " in shape ", shape(),
        ". Swap them?");
  Shape flat;
  std::int64_t joined = 1;
  for (int i = 0; i < rank(); ++i) {
    if (first <= i && i <= last) joined *= shape()[i];
    if (i == last)
      flat.push_back(joined);
    else if (i < first || i > last)
      flat.push_back(shape()[i]);
  }
  return reshape(flat);
}

Tensor Tensor::transpose(std::int64_t a, std::int64_t b) const {
  return record(view_op("transpose"), views::transpose(*this, a, b), inputs(*this), saves(),
                [a, b](Backward& back, const Tensor& dy) { back.give(0, dy.transpose(a, b)); });
}

Tensor Tensor::permute(const Shape& axes) const {
  Tensor y = views::permute(*this, axes);
  Shape inverse = axes;
  for (int i = 0; i < axes.rank(); ++i) inverse[normalised_axis(axes[i], rank(), "permute")] = i;
  return record(view_op("permute"), std::move(y), inputs(*this), saves(),
                [inverse](Backward& back, const Tensor& dy) { back.give(0, dy.permute(inverse)); });
}

Tensor Tensor::slice(std::int64_t axis, std::int64_t from, std::int64_t to, std::int64_t step) const {
  Tensor y = views::slice(*this, axis, from, to, step);
  const std::int64_t size = this->size(axis),
                     first = std::clamp<std::int64_t>(from < 0 ? from + size : from, 0, size);
  return record(view_op("slice"), std::move(y), inputs(*this), saves(),
                [shape = this->shape(), axis, first, step](Backward& back, const Tensor& dy) {
                  back.give(0, pad_slice(dy, shape, axis, first, step));
                });
}

Tensor Tensor::select(std::int64_t axis, std::int64_t index) const {
  Tensor y = views::select(*this, axis, index);
  return record(view_op("select"), std::move(y), inputs(*this), saves(),
                [shape = this->shape(), axis = normalised_axis(axis, rank(), "select"),
                 index = index < 0 ? index + size(axis) : index](Backward& back, const Tensor& dy) {
                  back.give(0, pad_slice(dy.unsqueeze(axis), shape, axis, index, 1));
                });
}

Tensor pad_slice(const Tensor& dy, const Shape& shape, std::int64_t axis, std::int64_t from,
                 std::int64_t step) {
  const int along = normalised_axis(axis, shape.rank(), "pad_slice");
  const std::int64_t to = from + (dy.size(along) - 1) * step + 1;
  Tensor y = kernels::full(shape, 0, dy.dtype());
  check(dy.numel() == 0 || to <= shape[along], "pad_slice", dy.size(along), " entries from ", from,
        " in steps of ", step, " do not fit axis ", along, " of shape ", shape, ". A larger shape?");
  if (dy.numel() > 0) kernels::copy_into(views::slice(y, along, from, to, step), dy);
  return record("pad_slice", std::move(y), inputs(dy), saves(),
                [along, from, to, step](Backward& back, const Tensor& dz) {
                  back.give(0, dz.slice(along, from, to, step));
                });
}

Tensor Tensor::expand(const Shape& shape) const {
  return record(view_op("expand"), views::expand(*this, shape), inputs(*this), saves(),
                [from = this->shape()](Backward& back, const Tensor& dy) { back.give(0, sum_to(dy, from)); });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int added = x.rank() - shape.rank();
  check(added >= 0 && broadcast_shapes(x.shape(), shape, "sum_to") == x.shape(), "sum_to", "shape ", shape,
        " does not expand to ", x.shape(), ". Sum over named axes instead?");
  Shape axes;
  for (int i = 0; i < x.rank(); ++i)
    if (i < added || (shape[i - added] == 1 && x.shape()[i] != 1)) axes.push_back(i);
  return record("sum_to", views::reshape(kernels::sum(x, axes), shape), inputs(x), saves(),
                [from = x.shape()](Backward& back, const Tensor& dy) { back.give(0, dy.expand(from)); });
}

Broadcast::Broadcast(const Tensor& a, const Tensor& b, const char* op) : x_(&a), y_(&b) {
  check_same_dtype("a", a.dtype(), "b", b.dtype(), op);
  if (a.shape() == b.shape()) return;
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), op);
  if (!(a.shape() == shape)) x_ = &(expanded_x_ = a.expand(shape));
  if (!(b.shape() == shape)) y_ = &(expanded_y_ = b.expand(shape));
}

Tensor Tensor::squeeze(std::int64_t axis) const {
  return record(view_op("squeeze"), views::squeeze(*this, axis), inputs(*this), saves(),
                [axis = normalised_axis(axis, rank(), "squeeze")](Backward& back, const Tensor& dy) {
                  back.give(0, dy.unsqueeze(axis));
                });
}

Tensor Tensor::unsqueeze(std::int64_t axis) const {
  return record(view_op("unsqueeze"), views::unsqueeze(*this, axis), inputs(*this), saves(),
                [axis = normalised_axis(axis, rank() + 1, "unsqueeze")](Backward& back, const Tensor& dy) {
                  back.give(0, dy.squeeze(axis));
                });
}

Tensor view_as_itself(const Tensor& x) {
  return record(view_op("identity"), x.window(x.shape(), x.strides(), 0), inputs(x), saves(),
                [](Backward& back, const Tensor&) { back.give(0, back.take_dy()); });
}

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::clone() const {
  return record("clone", kernels::clone(*this), inputs(*this), saves(),
                [](Backward& back, const Tensor&) { back.give(0, back.take_dy()); });
}

Tensor Tensor::to(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor y = kernels::cast(*this, dtype);
  if (!is_floating(dtype)) return y;
  return record("to", std::move(y), inputs(*this), saves(),
                [from = this->dtype()](Backward& back, const Tensor& dy) { back.give(0, dy.to(from)); });
}

}  // namespace gradus
