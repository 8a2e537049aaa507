// Views as ops on the tape. What a user calls are the methods of Tensor (core/tensor.h); here are those that
// other ops need, and broadcasting: an explicit expand (stride 0, no copy), whose gradient is sum_to. So no
// element-wise rule ever reduces.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

// x summed over the axes that an expand of `shape` to x.shape() added or grew: the gradient of expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// Both operands expanded to the shape they broadcast to; refused by `op`'s name where they do not, or where
// the dtypes differ. Operands that fit already are referred to, not copied: counting handles would be a good
// part of a small op.
//
//   const Broadcast both(a, b, "mul");
//   const Tensor &x = both.x(), &y = both.y();
class Broadcast {
 public:
  Broadcast(const Tensor& a, const Tensor& b, const char* op);
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  const Tensor& x() const { return *x_; }
  const Tensor& y() const { return *y_; }

 private:
  Tensor expanded_x_, expanded_y_;
  const Tensor* x_;
  const Tensor* y_;
};

// dy placed where `slice` or `select` took its part from, zeros elsewhere: their gradient.
Tensor pad_slice(const Tensor& dy, const Shape& shape, std::int64_t axis, std::int64_t from,
                 std::int64_t step);

// x under a new node with the identity as its rule.
Tensor view_as_itself(const Tensor& x);

}  // namespace gradus
