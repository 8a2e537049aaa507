#include <gradus/autograd/ops/softmax.h>

#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/softmax.h>

namespace gradus {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

OpInfo cost(const char* name, const Tensor& x, double each) {
  return {name, each * static_cast<double>(x.numel())};
}

void check_pair(const Tensor& dy, const Tensor& y, const char* op) {
  check_same_dtype("dy", dy.dtype(), "y", y.dtype(), op);
  check(dy.shape() == y.shape(), op, "dy must have the shape of y: dy is ", dy.shape(), ", y is ", y.shape(),
        ". Pass the gradient of y?");
}

}  // namespace

// y = exp(x - m) / sum(exp(x - m)), m the largest x, which makes every exp at most 1. A row of -infinity has
// m = 0 and divides its zeros by 1.
Tensor definition::softmax(const Tensor& x, std::int64_t axis) {
  const Tensor largest = max(x.detach(), axis, keep_dims);
  const Tensor e = exp(x - masked_fill(largest, largest == -infinity, 0));
  const Tensor total = sum(e, axis, keep_dims);
  return e / masked_fill(total, total == 0.0, 1);
}

Tensor softmax(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "softmax");
  const Tensor y = kernels::softmax(x, along);
  return record(cost("softmax", x, 4), y, inputs(x), saves(y),
                [along](Backward& back, const Tensor& dy, const Tensor& y) {
                  back.give(0, softmax_grad(dy, y, along));
                });
}

// y = x - logsumexp(x). A row of -infinity takes off nothing.
Tensor definition::log_softmax(const Tensor& x, std::int64_t axis) {
  const Tensor total = gradus::logsumexp(x, axis, keep_dims);
  return x - masked_fill(total, total == -infinity, 0);
}

Tensor log_softmax(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "log_softmax");
  const Tensor y = kernels::log_softmax(x, along);
  return record(cost("log_softmax", x, 4), y, inputs(x), saves(y),
                [along](Backward& back, const Tensor& dy, const Tensor& y) {
                  back.give(0, log_softmax_grad(dy, y, along));
                });
}

// dx = y * (dy - sum(dy * y)): softmax's Jacobian diag(y) - y y^T times dy. It is symmetric, so the gradient
// for dy is the same function.
Tensor softmax_grad(const Tensor& dy, const Tensor& y, std::int64_t axis) {
  check_pair(dy, y, "softmax_grad");
  const int along = normalised_axis(axis, y.rank(), "softmax_grad");
  return record(cost("softmax_grad", y, 4), kernels::softmax_grad(dy, y, along), inputs(dy, y), saves(dy, y),
                [along](Backward& back, const Tensor& dz, const Tensor& dy, const Tensor& y) {
                  if (back.wants(0)) back.give(0, softmax_grad(dz, y, along));
                  if (back.wants(1))
                    back.give(1,
                              dz * (dy - sum(dy * y, along, keep_dims)) - dy * sum(dz * y, along, keep_dims));
                });
}

// dx = dy - exp(y) * sum(dy)
Tensor log_softmax_grad(const Tensor& dy, const Tensor& y, std::int64_t axis) {
  check_pair(dy, y, "log_softmax_grad");
  const int along = normalised_axis(axis, y.rank(), "log_softmax_grad");
  return record(cost("log_softmax_grad", y, 4), kernels::log_softmax_grad(dy, y, along), inputs(dy, y),
                saves(dy, y), [along](Backward& back, const Tensor& dz, const Tensor& dy, const Tensor& y) {
                  const Tensor p = exp(y);
                  if (back.wants(0)) back.give(0, dz - sum(dz * p, along, keep_dims));
                  if (back.wants(1)) back.give(1, -(dz * p * sum(dy, along, keep_dims)));
                });
}

}  // namespace gradus
