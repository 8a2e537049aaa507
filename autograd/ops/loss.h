// Losses that are more than a line of other ops. Fused, with their definitions.
#pragma once

#include <cstdint>
#include <optional>

#include <gradus/core/tensor.h>

namespace gradus {

// What becomes of the losses of the rows.
enum class Reduction { mean, sum, none };

struct CrossEntropyOptions {
  // Rows with this target count for nothing, as padding should.
  std::optional<std::int64_t> ignore_index = -100;
  double label_smoothing = 0;  // this part of each target is spread over all classes. Szegedy et al. 2016
  Tensor class_weights = {};   // (V,), for classes of unequal size; gets no gradient
  Reduction reduction = Reduction::mean;
};

// The mean over all rows of -log softmax(logits)[target]: how surprised a model is by the classes that came.
// logits: (..., V), the classes last; targets: (...), ids in [0, V), i64. The loss is (), or (...) unreduced.
//
// With smoothing s and class weights w, ones unless given, a row of target t loses
//   -(1 - s) w_t log p_t - s / V * sum_c w_c log p_c,  p = softmax(logits)
// and the mean divides by the sum of the w_t, as PyTorch does. Where that is 0, because every row is ignored
// or there is none, the mean is 0 and so is its gradient: a batch that says nothing changes nothing, where a
// 0/0 would spoil every weight. A logit of -infinity says that a class is impossible; it gets no gradient,
// and costs infinity only where its own class has a share in the target. Differentiable in the logits;
// targets and weights get no gradient.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options = {});

namespace definition {
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options);
}  // namespace definition

}  // namespace gradus
