#include <gradus/core/shape.h>

#include <ostream>

namespace gradus {

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  out << '(';
  for (int i = 0; i < shape.rank(); ++i) out << (i ? ", " : "") << shape[i];
  return out << (shape.rank() == 1 ? ",)" : ")");
}

std::int64_t numel_of(const Shape& shape, const char* op) {
  std::int64_t span = 1;  // a size of zero counts as one here: strides are products of the other sizes
  bool empty = false, overflows = false;
  for (const std::int64_t size : shape) {
    check(size >= 0, op, "sizes cannot be negative: ", shape, ". Was an axis computed below zero?");
    empty |= size == 0;
    overflows |= __builtin_mul_overflow(span, size == 0 ? 1 : size, &span);
  }
  check(!overflows, op, "shape ", shape, " spans more than 2^63 elements. Split the work?");
  return empty ? 0 : span;
}

Shape position_of(std::int64_t flat, const Shape& shape) {
  Shape position = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    position[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return position;
}

int normalised_axis(std::int64_t axis, int rank, const char* op) {
  check(rank > 0, op, "axis ", axis,
        " does not exist: a tensor of shape () has no axes. Add one with unsqueeze?");
  check(-rank <= axis && axis < rank, op, "axis ", axis, " is out of range for ", rank,
        rank == 1 ? " axis" : " axes", ". Valid axes run from ", -rank, " to ", rank - 1, ".");
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op) {
  Shape out(std::max(a.rank(), b.rank()), 1);
  for (int i = 1; i <= out.rank(); ++i) {
    const std::int64_t of_a = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t of_b = i <= b.rank() ? b[b.rank() - i] : 1;
    check(of_a == of_b || of_a == 1 || of_b == 1, op, "shapes ", a, " and ", b, " do not broadcast: ", of_a,
          " against ", of_b, " at axis -", i, ". Insert an axis with unsqueeze, or transpose?");
    out[out.rank() - i] = of_a == 1 ? of_b : of_a;
  }
  numel_of(out, op);  // two that fit may broadcast to one that does not
  return out;
}

}  // namespace gradus
