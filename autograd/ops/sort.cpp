#include <gradus/autograd/ops/sort.h>

#include <limits>

#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/sort.h>

namespace gradus {
namespace {

int axis_to_order(const Tensor& x, std::int64_t axis, const char* op) {
  const int along = normalised_axis(axis, x.rank(), op);
  check(x.shape()[along] <= std::numeric_limits<std::uint32_t>::max(), op, "axis ", along, " of size ",
        x.shape()[along], " is longer than 2^32 - 1. Order parts of it?");
  return along;
}

Sorted first_in_order(const Tensor& x, int axis, std::int64_t k, bool descending, const char* op) {
  const kernels::Sorted sorted = kernels::first_in_order(x, axis, k, descending);
  return {record(op, sorted.values, inputs(x), saves(sorted.indices),
                 [axis, size = x.shape()[axis]](Backward& back, const Tensor& dy, const Tensor& indices) {
                   back.give(0, gather_grad(dy, axis, indices, size));
                 }),
          sorted.indices};
}

}  // namespace

Sorted sort(const Tensor& x, std::int64_t axis, bool descending) {
  const int along = axis_to_order(x, axis, "sort");
  return first_in_order(x, along, x.shape()[along], descending, "sort");
}

Tensor argsort(const Tensor& x, std::int64_t axis, bool descending) {
  const int along = axis_to_order(x, axis, "argsort");
  return kernels::first_in_order(x, along, x.shape()[along], descending).indices;
}

Sorted topk(const Tensor& x, std::int64_t k, std::int64_t axis, bool largest) {
  const int along = axis_to_order(x, axis, "topk");
  check(0 <= k && k <= x.shape()[along], "topk", "k = ", k, " is out of range for axis ", along, " of size ",
        x.shape()[along], ". Clamp k to it?");
  return first_in_order(x, along, k, largest, "topk");
}

}  // namespace gradus
