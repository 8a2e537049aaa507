// What the rows of losses share.
#pragma once

#include <gradus/autograd/ops/loss.h>

#include "support/op_table.h"

namespace gradus::test {

// The mean divides by `total`, which may be a sum of weights; of nothing it is 0.
inline Array reduced(const Array& losses, Reduction reduction, double total) {
  if (reduction == Reduction::none) return losses;
  Array loss(Shape{});
  for (const double value : losses.values) loss[0] += value;
  if (reduction == Reduction::mean && total != 0) loss[0] /= total;
  return loss;
}

std::vector<OpRow> pair_loss_rows();  // those that compare two tensors of one shape

}  // namespace gradus::test
