// Tensors as text, laid out as NumPy's str() does it: std::cout << x, or to_string(x, {.precision = 3}).
#pragma once

#include <string>

#include <gradus/core/tensor.h>

namespace gradus {

struct PrintOptions {
  int precision = 8;              // at most so many digits after the point, and none that say nothing
  int width = 75;                 // columns of a line
  std::int64_t threshold = 1000;  // a tensor of more elements is summarised,
  std::int64_t edge_items = 3;    // to so many at both ends of each axis
};

std::string to_string(const Tensor& x, const PrintOptions& options = {});

}  // namespace gradus
