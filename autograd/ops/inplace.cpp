// Changes in place: Tensor::add_ and its kind. They write into memory that the tape may have saved, so each
// one counts up the version that a backward pass compares, and is refused where the tape records the tensor.
#include <gradus/autograd/grad_mode.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>
#include <gradus/core/tensor.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

void check_writable(const Tensor& x, const char* op) {
  check(!grad_mode() || !x.requires_grad(), op,
        "a tensor that the tape records cannot be changed in place; its shape is ", x.shape(),
        ". Write x = x + y, or wrap the change in no_grad?");
  for (int i = 0; i < x.rank(); ++i)
    check(x.strides()[i] != 0 || x.shape()[i] <= 1, op,
          "an expanded tensor shows the same memory more than once; its shape is ", x.shape(),
          ". Change a clone() instead?");
}

// The other operand as x needs it: same dtype, expanded to x's shape, and not overlapping what is written.
Tensor operand_for(const Tensor& x, const Tensor& other, const char* op) {
  check_writable(x, op);
  check(!grad_mode() || !other.requires_grad(), op,
        "the operand's gradient would be lost: the tape does not record changes in place. "
        "Write x = x + y, or detach() it?");
  // x keeps its dtype, the wider one or not, so the way out is another than check_same_dtype's.
  check(other.dtype() == x.dtype(), op, "dtypes do not mix: x is ", x.dtype(), ", the operand is ",
        other.dtype(), ". Convert the operand with .to(", x.dtype(), ")?");
  check(broadcast_shapes(x.shape(), other.shape(), op) == x.shape(), op, "an operand of shape ",
        other.shape(), " does not expand to ", x.shape(), ". Reduce it first?");
  Tensor fitted = other.shape() == x.shape() ? other : views::expand(other, x.shape());
  // A different view of the same memory would be read after parts of it were written.
  const bool overlaps = fitted.block().owner == x.block().owner &&
                        !(fitted.block().data == x.block().data && fitted.strides() == x.strides());
  return overlaps ? kernels::clone(fitted) : fitted;
}

template <class Kernel>
Tensor& change(Tensor& x, const Tensor& other, const char* op, Kernel kernel) {
  kernel(x, operand_for(x, other, op));
  x.count_change();
  return x;
}

}  // namespace

Tensor& Tensor::add_(const Tensor& other) { return change(*this, other, "add_", kernels::add_into); }
Tensor& Tensor::sub_(const Tensor& other) { return change(*this, other, "sub_", kernels::sub_into); }
Tensor& Tensor::mul_(const Tensor& other) { return change(*this, other, "mul_", kernels::mul_into); }
Tensor& Tensor::div_(const Tensor& other) { return change(*this, other, "div_", kernels::div_into); }
Tensor& Tensor::copy_(const Tensor& other) { return change(*this, other, "copy_", kernels::copy_into); }
Tensor& Tensor::add_(double number) { return add_(kernels::full({}, number, dtype(), "add_")); }
Tensor& Tensor::mul_(double number) { return mul_(kernels::full({}, number, dtype(), "mul_")); }

Tensor& Tensor::fill_(double number) {
  check_writable(*this, "fill_");
  kernels::fill(*this, number, "fill_");
  count_change();
  return *this;
}

}  // namespace gradus
