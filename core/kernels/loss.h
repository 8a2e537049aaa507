// Losses on memory, without gradients.
//
// Cross-entropy: N rows of V logits, targets (N,) that the op has checked, class
// weights w (V,) or undefined, which stands for ones. With label smoothing s, row n of target t has this
// share of each class c:
//   q_c = (1 - s) w_t [c = t] + s / V w_c
// and the loss
//   sum_c q_c (logsumexp(x) - x_c)
// A row whose target is to be ignored has loss 0 and gradient 0.
#pragma once

#include <cstdint>
#include <optional>

#include <gradus/core/tensor.h>

namespace gradus::kernels {

struct CrossEntropyRule {
  std::optional<std::int64_t> ignore_index;
  double label_smoothing;
};

// losses: (N,); normalisers: (N, 2), each row's largest logit and the logarithm of sum exp(x - largest).
// Apart, because behind a large logit their sum would have no digits left for the second. Both f64.
struct CrossEntropy {
  Tensor losses, normalisers;
};
CrossEntropy cross_entropy(const Tensor& logits, const Tensor& targets, const Tensor& class_weights,
                           const CrossEntropyRule& rule);

// The sum of w_t over the rows that are not ignored.
double total_weight(const Tensor& targets, const Tensor& class_weights, const CrossEntropyRule& rule);

// dx_c = scale * dlosses_n * (softmax(x)_c * sum(q) - q_c) in one pass.
// dlosses has N elements, or one for all rows. dlogits, contiguous, may have the memory of the logits.
void cross_entropy_backward(const Tensor& dlosses, double scale, const Tensor& logits, const Tensor& targets,
                            const Tensor& class_weights, const Tensor& normalisers,
                            const CrossEntropyRule& rule, const Tensor& dlogits);

// sum (a - b)^2, and factor (a - b), of two tensors of one shape.
double squared_distance(const Tensor& a, const Tensor& b);
Tensor scaled_difference(const Tensor& a, const Tensor& b, double factor);

}  // namespace gradus::kernels
