#include <gradus/autograd/ops/matmul.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/matmul.h>

namespace gradus {
namespace {

void check_dtypes(const char* op, const char* a_name, const Tensor& a, const char* b_name, const Tensor& b) {
  check(is_floating(a.dtype()), op, "needs f32 or f64 elements, not ", a.dtype(), ". Convert with .to(f32)?");
  check(a.dtype() == b.dtype(), op, "dtypes do not mix: ", a_name, " is ", a.dtype(), ", ", b_name, " is ",
        b.dtype(), ". Convert one with .to(", a.dtype(), ")?");
}

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

// The product of all sizes but the last.
std::int64_t row_count(const Tensor& x) {
  std::int64_t rows = 1;
  for (int axis = 0; axis < x.rank() - 1; ++axis) rows *= x.shape()[axis];
  return rows;
}
// (..., n) as one matrix.
Tensor as_rows(const Tensor& x) { return x.rank() == 2 ? x : x.reshape({row_count(x), x.shape().back()}); }

// x with the leading axes of `batch`.
Tensor expand_batch(const Tensor& x, const Shape& batch) {
  Shape shape = batch;
  shape.push_back(x.shape()[x.rank() - 2]);
  shape.push_back(x.shape().back());
  return x.shape() == shape ? x : x.expand(shape);
}

// b is one matrix, or has a's leading axes.
Tensor multiply(const Tensor& a, const Tensor& b) {
  Tensor c = kernels::matmul(a, b);
  const double flops = 2.0 * static_cast<double>(c.numel()) * static_cast<double>(a.shape().back());
  // One matrix b gathers its gradient from all of a in one product, instead of one for each index and their sum.
  const bool joins_rows = a.rank() > 2 && b.rank() == 2;
  return record({"matmul", flops}, std::move(c), inputs(a, b), saves(needed_by(b, a), needed_by(a, b)),
                [joins_rows](Backward& back, const Tensor& dc, const Tensor& a, const Tensor& b) {
                  if (back.wants(0)) back.give(0, matmul(dc, b.t()));
                  if (back.wants(1))
                    back.give(1, joins_rows ? matmul(as_rows(a).t(), as_rows(dc)) : matmul(a.t(), dc));
                });
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_dtypes("matmul", "a", a, "b", b);
  check_shapes(a, b);
  if (a.rank() == 1) return matmul(a.unsqueeze(0), b).squeeze(b.rank() == 1 ? -1 : -2);
  if (b.rank() == 1) return matmul(a, b.unsqueeze(1)).squeeze(-1);
  if (b.rank() == 2) return multiply(a, b);
  if (a.rank() >= b.rank() && row_count(b) == b.shape()[b.rank() - 2]) return multiply(a, as_rows(b));
  const auto leading = [](const Tensor& x) { return Shape(std::span(x.shape().begin(), x.rank() - 2)); };
  const Shape batch = broadcast_shapes(leading(a), leading(b), "matmul");
  return multiply(expand_batch(a, batch), expand_batch(b, batch));
}

Tensor definition::linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  const Tensor y = matmul(x, w.t());
  return bias.defined() ? y + bias : y;
}

Tensor linear(const Tensor& x, const Tensor& w, const Tensor& bias) {
  check_dtypes("linear", "x", x, "w", w);
  check(x.rank() >= 1 && w.rank() == 2 && x.shape().back() == w.shape()[1], "linear",
        "w must be (out, in) and the last axis of x have size in: x is ", x.shape(), ", w is ", w.shape(),
        ". Transpose w?");
  if (bias.defined()) {
    check_dtypes("linear", "x", x, "bias", bias);
    check(bias.shape() == Shape{w.shape()[0]}, "linear",
          "bias must have one element for each row of w: bias is ", bias.shape(), ", w is ", w.shape(),
          ". Reshape it to ", Shape{w.shape()[0]}, "?");
  }
  Tensor y = kernels::linear(x, w, bias);
  const double flops = 2.0 * static_cast<double>(y.numel()) * static_cast<double>(w.shape()[1]);
  return record({"linear", flops}, std::move(y), inputs(x, w, bias), saves(needed_by(w, x), needed_by(x, w)),
                [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& w) {
                  if (back.wants(0)) back.give(0, matmul(dy, w));
                  if (!back.wants(1) && !back.wants(2)) return;
                  const Tensor rows = as_rows(dy);
                  if (back.wants(1)) back.give(1, matmul(rows.t(), as_rows(x)));
                  if (back.wants(2)) back.give(2, sum(rows, 0));
                });
}

}  // namespace gradus
