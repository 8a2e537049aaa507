// Ordering along one axis. NaN counts as larger than any number: last in ascending, first
// in descending order. What is equal keeps its order. The gradient of a value goes to the
// entry it came from, also where entries tie; indices have none.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

struct Sorted {
  Tensor values;
  Tensor indices;  // i64: where along the axis each value stood
};

Sorted sort(const Tensor& x, std::int64_t axis = -1, bool descending = false);
Tensor argsort(const Tensor& x, std::int64_t axis = -1, bool descending = false);

// The k largest in descending order, or the k smallest in ascending order.
Sorted topk(const Tensor& x, std::int64_t k, std::int64_t axis = -1, bool largest = true);

}  // namespace gradus
