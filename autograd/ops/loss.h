// Losses. cross_entropy is fused, with its definition; the others are composed of other ops. Shapes must be
// equal: (B,) against (B, 1) is refused, since broadcasting would compare every prediction with every target.
// Unless a reduction is named, a loss is the mean over its elements, or over its rows where it is a sum over
// classes; the mean over none is 0.
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

struct NllLossOptions {
  std::optional<std::int64_t> ignore_index = -100;
  Tensor class_weights = {};
  Reduction reduction = Reduction::mean;
};

// -log_probabilities[target]: cross_entropy of what went through log_softmax already. Options, shapes and the
// mean are as there. log_probabilities: (..., V), targets: (...), ids.
Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options = {});

// Of predictions x and targets t of one shape, for each element:
Tensor mse_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction = Reduction::mean);  // (x - t)^2
Tensor mae_loss(const Tensor& prediction, const Tensor& target,
                Reduction reduction = Reduction::mean);  // |x - t|, L1; gradient 0 at x = t
// (x - t)^2 / 2 where |x - t| <= delta, else delta (|x - t| - delta / 2): outliers pull with the force delta
// and no more. Once differentiable everywhere. Huber 1964
Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta = 1,
                  Reduction reduction = Reduction::mean);

struct BinaryCrossEntropyOptions {
  // p: (), or (C,) for the columns of (..., C). Above 1 where the 1s are rare. Gets no gradient.
  Tensor pos_weight = {};
  Reduction reduction = Reduction::mean;
};

// -p t log s(x) - (1 - t) log(1 - s(x)) for each element, s the sigmoid and t probabilities, computed as
// p t softplus(-x) + (1 - t) softplus(x), which neither overflows nor cancels.
Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options = {});

// max(0, 1 - t x) for each element, t = 1 or -1 in the dtype of x: the loss of support vector machines, and
// not PyTorch's hinge_embedding_loss. Gradient 0 at t x = 1. Cortes & Vapnik 1995
Tensor hinge_loss(const Tensor& scores, const Tensor& targets, Reduction reduction = Reduction::mean);

// KL(p || q) = sum_c p_c (log p_c - log q_c) over the last axis; a class with p_c = 0 adds nothing and gets
// no gradient. First the logarithm of what the model says, then what is true, as in PyTorch. The mean is over
// rows: PyTorch's "batchmean" where there is one axis of them. Its default, "mean", divides by the number of
// classes too, and is no divergence. log_q, p: (..., V); unreduced (...). Kullback & Leibler 1951
Tensor kl_divergence(const Tensor& log_q, const Tensor& p, Reduction reduction = Reduction::mean);

// 1 - cos(a, b) where t = 1 and max(0, cos(a, b) - margin) where t = -1, over the last axis: alike pairs are
// drawn together, others pushed apart until their cosine is at most the margin, where the gradient is 0.
// a, b: (..., C), t: (...) in their dtype.
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin = 0,
                             Reduction reduction = Reduction::mean);

namespace definition {
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options);
Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction);
}  // namespace definition

}  // namespace gradus
