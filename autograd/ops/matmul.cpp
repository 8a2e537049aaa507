#include <gradus/autograd/ops/matmul.h>

#include <string>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/view.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/matmul.h>

namespace gradus {
namespace {

void check_shapes(const Tensor& a, const Tensor& b) {
  check(a.rank() > 0 && b.rank() > 0, "matmul", "needs at least one axis on each side: a is ", a.shape(),
        ", b is ", b.shape(), ". Multiply numbers with *?");
  const std::int64_t of_a = a.shape().back(), of_b = b.shape()[b.rank() == 1 ? 0 : b.rank() - 2];
  check(of_a == of_b, "matmul", "inner dimensions must match: a is ", a.shape(), ", b is ", b.shape(), ", ",
        of_a, " != ", of_b, ". Transpose ", b.rank() == 1 && a.rank() > 1 ? "a" : "b", "?");
  for (int i = 3; i <= std::min(a.rank(), b.rank()); ++i) {
    const std::int64_t left = a.shape()[a.rank() - i], right = b.shape()[b.rank() - i];
    check(left == right || left == 1 || right == 1, "matmul", "leading axes must broadcast: a is ", a.shape(),
          ", b is ", b.shape(), ", ", left, " against ", right, " at axis -", i,
          ". Insert an axis with unsqueeze?");
  }
}

// x with the leading axes of `batch`.
Tensor expand_batch(const Tensor& x, const Shape& batch) {
  Shape shape = batch;
  shape.push_back(x.shape()[x.rank() - 2]);
  shape.push_back(x.shape().back());
  return x.shape() == shape ? x : x.expand(shape);
}

double flops_of(const Tensor& c, std::int64_t depth) {
  return 2.0 * static_cast<double>(c.numel()) * static_cast<double>(depth);
}

// Gives an input sum_outer(a, b), added to its gradient so far where that is possible.
void give_sum_outer(Backward& back, int input, const Tensor& a, const Tensor& b) {
  if (const Tensor* const sum = back.sum_so_far(input))
    kernels::add_sum_outer(*sum, a, b);
  else
    back.give(input, sum_outer(a, b));
}

// c = a b for the one matrix b: the rules below need no transposed views.
Tensor multiply_rows(const Tensor& a, const Tensor& b) {
  Tensor c = kernels::matmul(a, b);
  const OpInfo info{"matmul", products(flops_of(c, b.shape()[0]), a, b)};
  return record(info, std::move(c), inputs(a, b), saves(needed_by(b, a), needed_by(a, b)),
                [](Backward& back, const Tensor& dc, const Tensor& a, const Tensor& b) {
                  if (back.wants(0)) back.give(0, linear(dc, b));
                  if (back.wants(1)) give_sum_outer(back, 1, a, dc);
                });
}

// Of linear, where w has a size that is not the last of x.
[[noreturn]] void refuse_features(const Tensor& x, const Tensor& w) {
  const bool is_transposed = x.rank() > 0 && x.shape().back() == w.shape()[0];
  const std::string in = std::to_string(w.shape()[1]);
  fail("linear", "the last axis of x must have size ", in, ", as w is (out, in): x is ", x.shape(), ", w is ",
       w.shape(), ". ", is_transposed ? "Transpose w?" : "Give x " + in + " features?");
}

// c = a b for each index of the leading axes, which are the same.
Tensor multiply_each(const Tensor& a, const Tensor& b) {
  Tensor c = kernels::matmul(a, b);
  const OpInfo info{"matmul", products(flops_of(c, a.shape().back()), a, b)};
  return record(info, std::move(c), inputs(a, b), saves(needed_by(b, a), needed_by(a, b)),
                [](Backward& back, const Tensor& dc, const Tensor& a, const Tensor& b) {
                  if (back.wants(0)) back.give(0, matmul(dc, b.t()));
                  if (back.wants(1)) back.give(1, matmul(a.t(), dc));
                });
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_floating(a.dtype(), "matmul");
  check_same_dtype("a", a.dtype(), "b", b.dtype(), "matmul");
  check_shapes(a, b);
  if (a.rank() == 1) return matmul(a.unsqueeze(0), b).squeeze(b.rank() == 1 ? -1 : -2);
  if (b.rank() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  if (b.rank() == 2) return multiply_rows(a, b);
  const Shape matrix{b.shape()[b.rank() - 2], b.shape().back()};
  if (a.rank() >= b.rank() && b.numel() == numel_of(matrix, "matmul"))
    return multiply_rows(a, b.reshape(matrix));
  const auto leading = [](const Tensor& x) { return Shape(std::span(x.shape().begin(), x.rank() - 2)); };
  const Shape batch = broadcast_shapes(leading(a), leading(b), "matmul");
  return multiply_each(expand_batch(a, batch), expand_batch(b, batch));
}

Tensor definition::linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  const Tensor y = matmul(x, w.t());
  return bias.defined() ? y + bias : y;
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  check_floating(x.dtype(), "linear");
  check_same_dtype("x", x.dtype(), "w", w.dtype(), "linear");
  check(w.rank() == 2, "linear", "w must be (out, in), not of shape ", w.shape(),
        ". Reshape it to two axes?");
  if (x.rank() == 0 || x.shape().back() != w.shape()[1]) refuse_features(x, w);
  if (bias.defined()) {
    check_same_dtype("x", x.dtype(), "bias", bias.dtype(), "linear");
    check(bias.shape() == Shape{w.shape()[0]}, "linear",
          "bias must have one element for each row of w: bias is ", bias.shape(), ", w is ", w.shape(),
          ". Reshape it to ", Shape{w.shape()[0]}, "?");
  }
  Tensor y = kernels::linear(x, w, bias);
  const OpInfo info{"linear", products(flops_of(y, w.shape()[1]), x, w)};
  return record(info, std::move(y), inputs(x, w, bias), saves(needed_by(w, x), needed_by(x, w)),
                [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& w) {
                  if (back.wants(0)) back.give(0, matmul(dy, w));
                  if (back.wants(1)) give_sum_outer(back, 1, dy, x);
                  if (back.wants(2)) back.give(2, sum_to(dy, {dy.shape().back()}));
                });
}

Tensor sum_outer(const Tensor& a, const Tensor& b) {
  check_floating(a.dtype(), "sum_outer");
  check_same_dtype("a", a.dtype(), "b", b.dtype(), "sum_outer");
  bool aligned = a.rank() >= 1 && a.rank() == b.rank();
  for (int axis = 0; aligned && axis < a.rank() - 1; ++axis) aligned = a.shape()[axis] == b.shape()[axis];
  check(aligned, "sum_outer", "all axes but the last must agree: a is ", a.shape(), ", b is ", b.shape(),
        ". Expand one?");
  Tensor y = kernels::sum_outer(a, b);
  const OpInfo info{"sum_outer", products(flops_of(a, b.shape().back()), a, b)};
  return record(info, std::move(y), inputs(a, b), saves(needed_by(b, a), needed_by(a, b)),
                [](Backward& back, const Tensor& dy, const Tensor& a, const Tensor& b) {
                  if (back.wants(0)) back.give(0, linear(b, dy));
                  if (back.wants(1)) back.give(1, matmul(a, dy));
                });
}

}  // namespace gradus
