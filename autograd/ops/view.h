// Views as ops on the tape. What a user calls are the methods of Tensor (core/tensor.h); here are those that
// other ops need, and broadcasting: an explicit expand (stride 0, no copy), whose gradient is sum_to. So no
// element-wise rule ever reduces.
#pragma once

#include <cstddef>
#include <utility>

#include <gradus/core/tensor.h>

namespace gradus {

// x summed over the axes that an expand of `shape` to x.shape() added or grew: the gradient of expand.
Tensor sum_to(const Tensor& x, const Shape& shape);

// Both operands expanded to the shape they broadcast to; refused by `op`'s name where they do not, or where
// the dtypes differ. Operands that fit already are referred to, not copied: counting handles would be a good
// part of a small op.
//
//   const Broadcast both(a, b, "mul");
//   const auto& [x, y] = both;
class Broadcast {
 public:
  Broadcast(const Tensor& a, const Tensor& b, const char* op);
  Broadcast(const Broadcast&) = delete;
  Broadcast& operator=(const Broadcast&) = delete;

  template <std::size_t I>
  const Tensor& get() const {
    return I == 0 ? *x_ : *y_;
  }

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

template <>
struct std::tuple_size<gradus::Broadcast> : std::integral_constant<std::size_t, 2> {};
template <std::size_t I>
struct std::tuple_element<I, gradus::Broadcast> {
  using type = const gradus::Tensor;
};
