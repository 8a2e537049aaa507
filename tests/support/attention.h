// What the tests of attention have in common.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/op_table.h"

namespace gradus::test {

constexpr double inf = std::numeric_limits<double>::infinity();

inline Tensor noise(const Shape& shape, std::uint64_t seed, DType dtype = f64) {
  Generator generator(seed);
  return randn(shape, dtype, generator);
}

inline Tensor leaf(const Shape& shape, std::uint64_t seed) { return noise(shape, seed).requires_grad_(); }

// Softmax of scores, of which -infinity gets no weight, and a row of nothing else zeros.
inline std::vector<double> weights_of(const std::vector<double>& scores) {
  std::vector<double> weights;
  double total = 0;
  for (const double score : scores) total += weights.emplace_back(std::exp(score));
  for (double& weight : weights) weight = total == 0 ? 0 : weight / total;
  return weights;
}

inline void check_rows_sum_to_one_or_zero(const Tensor& weights) {
  for (const double total : Array(sum(weights, -1)).values) CHECK((total == 0 || total == Approx(1)));
}

}  // namespace gradus::test
