#include <gradus/autograd/ops/compare.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/view.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>

namespace gradus {
namespace {

template <class Kernel>
Tensor compare(const Tensor& a, const Tensor& b, const char* op, Kernel kernel) {
  const GradMode off(false);
  const Broadcast both(a, b, op);
  const Tensor &x = both.x(), &y = both.y();
  return kernel(x, y);
}

// `op` is who refuses a number that x's dtype cannot hold.
Tensor number_like(double number, const Tensor& x, const char* op) {
  return kernels::full({}, number, x.dtype(), op);
}

void check_mask(const Tensor& mask, const char* op) {
  check(mask.dtype() == boolean, op, "the mask must be boolean, not ", mask.dtype(),
        ". Compare, as in mask != 0?");
}

Tensor expanded(const Tensor& x, const Shape& shape) { return x.shape() == shape ? x : x.expand(shape); }

}  // namespace

Tensor operator==(const Tensor& a, const Tensor& b) { return compare(a, b, "==", kernels::equal_to); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return compare(a, b, "!=", kernels::not_equal_to); }
Tensor operator<(const Tensor& a, const Tensor& b) { return compare(a, b, "<", kernels::less); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return compare(a, b, "<=", kernels::less_equal); }
Tensor operator>(const Tensor& a, const Tensor& b) { return compare(b, a, ">", kernels::less); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return compare(b, a, ">=", kernels::less_equal); }
Tensor operator==(const Tensor& a, double b) { return a == number_like(b, a, "=="); }
Tensor operator!=(const Tensor& a, double b) { return a != number_like(b, a, "!="); }
Tensor operator<(const Tensor& a, double b) { return a < number_like(b, a, "<"); }
Tensor operator<=(const Tensor& a, double b) { return a <= number_like(b, a, "<="); }
Tensor operator>(const Tensor& a, double b) { return a > number_like(b, a, ">"); }
Tensor operator>=(const Tensor& a, double b) { return a >= number_like(b, a, ">="); }

Tensor logical_and(const Tensor& a, const Tensor& b) {
  check_mask(a, "logical_and");
  return compare(a, b, "logical_and", kernels::logical_and);
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  check_mask(a, "logical_or");
  return compare(a, b, "logical_or", kernels::logical_or);
}

Tensor logical_not(const Tensor& a) {
  check_mask(a, "logical_not");
  return kernels::logical_not(a);
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  check_mask(mask, "where");
  const Broadcast both(a, b, "where");
  const Tensor &some = both.x(), &other = both.y();
  const Shape shape = broadcast_shapes(mask.shape(), some.shape(), "where");
  const Tensor m = expanded(mask, shape), x = expanded(some, shape), y = expanded(other, shape);
  return record("where", kernels::where(m, x, y), inputs(x, y), saves(m),
                [](Backward& back, const Tensor& dz, const Tensor& m) {
                  if (back.wants(0)) back.give(0, masked_fill(dz, logical_not(m), 0));
                  if (back.wants(1)) back.give(1, masked_fill(dz, m, 0));
                });
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double number) {
  check_mask(mask, "masked_fill");
  check(broadcast_shapes(mask.shape(), x.shape(), "masked_fill") == x.shape(), "masked_fill",
        "the mask of shape ", mask.shape(), " does not expand to ", x.shape(),
        ". Select or unsqueeze its axes?");
  return where(mask, number_like(number, x, "masked_fill"), x);
}

}  // namespace gradus
