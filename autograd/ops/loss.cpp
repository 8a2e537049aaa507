#include <gradus/autograd/ops/loss.h>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/loss.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/view.h>

namespace gradus {
namespace {

bool wants_gradient(const Tensor& x) { return grad_mode() && x.requires_grad(); }

void check_ids(const Tensor& targets, std::int64_t classes, const std::optional<std::int64_t>& ignore_index,
               const char* scores, const char* op) {
  const Tensor ids = kernels::contiguous(targets);
  for (std::int64_t n = 0; n < ids.numel(); ++n) {
    const std::int64_t id = ids.data<std::int64_t>()[n];
    check((0 <= id && id < classes) || (ignore_index && *ignore_index == id), op, "target ", id,
          " at position ", position_of(n, targets.shape()), " is no class: the ", scores, " have ", classes,
          ", 0 to ", classes - 1, ". Set ignore_index to leave such rows out?");
  }
}

// x (..., V), which the texts call `scores`, with ids of classes (...) as targets.
void check_classes(const Tensor& x, const Tensor& targets, const std::optional<std::int64_t>& ignore_index,
                   const Tensor& weights, const char* scores, const char* op) {
  check_floating(x.dtype(), op);
  check(targets.dtype() == i64, op, "targets are class ids and must be i64, not ", targets.dtype(),
        ". Convert with .to(i64)?");
  check(x.rank() >= 1, op, scores, " need a last axis of classes; their shape is (). Reshape them?");
  Shape rows = x.shape();
  rows.erase(x.rank() - 1);
  check(targets.shape() == rows, op, scores, " of shape ", x.shape(), " need targets of shape ", rows,
        ", not ", targets.shape(), ". The classes are the last axis of the ", scores, "; permute them?");
  const std::int64_t classes = x.shape().back();
  check(classes > 0, op, scores, " of shape ", x.shape(), " have no classes. At least one?");
  if (weights.defined()) {
    check(weights.shape() == Shape{classes}, op, "class_weights have shape ", weights.shape(),
          ", but there are ", classes, " classes. One weight for each?");
    check_same_dtype(scores, x.dtype(), "class_weights", weights.dtype(), op);
    check(!wants_gradient(weights), op,
          "class_weights get no gradient, but these ask for one. Pass class_weights.detach()?");
  }
  check_ids(targets, classes, ignore_index, scores, op);
}

// a and b element by element: where (B,) met (B, 1), broadcasting would compare each of one with each of the
// other, and the mean of that is a plausible number.
void check_pair(const Tensor& a, const char* name_of_a, const Tensor& b, const char* name_of_b,
                const char* op) {
  check_floating(a.dtype(), op);
  check_same_dtype(name_of_a, a.dtype(), name_of_b, b.dtype(), op);
  check(a.shape() == b.shape(), op, name_of_a, " and ", name_of_b, " must have one shape, not ", a.shape(),
        " and ", b.shape(), "; a loss does not broadcast. Squeeze or unsqueeze an axis?");
}

void check_signs(const Tensor& targets, const char* op) {
  check(all(logical_or(targets == 1., targets == -1.)).item() != 0, op,
        "targets are 1 or -1, and some of these are neither. Made of 0 and 1 they are 2 * targets - 1?");
}

// The mean over no losses is 0, as cross_entropy's: a batch that says nothing changes nothing.
Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum || losses.numel() == 0 ? sum(losses) : mean(losses);
}

}  // namespace

Tensor definition::cross_entropy(const Tensor& logits, const Tensor& targets,
                                 const CrossEntropyOptions& options) {
  const std::int64_t classes = logits.shape().back();
  const double s = options.label_smoothing;
  const Tensor weights =
      options.class_weights.defined() ? options.class_weights : kernels::full({classes}, 1, logits.dtype());
  const Tensor ignored = options.ignore_index ? targets == static_cast<double>(*options.ignore_index)
                                              : kernels::full(targets.shape(), 0, boolean);
  const Tensor ids = masked_fill(targets, ignored, 0);
  const Tensor share =
      (one_hot(ids, classes, logits.dtype()) * (1 - s) + s / static_cast<double>(classes)) * weights;
  // A class without a share is left out: it may be impossible, and 0 * infinity is not 0.
  const Tensor costs = masked_fill(-gradus::log_softmax(logits, -1), share == 0., 0) * share;  // (..., V)
  const Tensor losses = masked_fill(sum(costs, -1), ignored, 0);                               // (...)
  if (options.reduction == Reduction::none) return losses;
  if (options.reduction == Reduction::sum) return sum(losses);
  const Tensor of_target = index_select(weights, 0, ids.reshape({-1}));
  const double total = sum(masked_fill(of_target, ignored.reshape({-1}), 0)).item();
  return sum(losses) * (total == 0 ? 0 : 1 / total);
}

Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  const char* const op = "cross_entropy";
  const Tensor& weights = options.class_weights;
  check_classes(logits, targets, options.ignore_index, weights, "logits", op);
  check(options.label_smoothing >= 0 && options.label_smoothing <= 1, op,
        "label_smoothing is a part of 1, not ", options.label_smoothing, ". 0.1?");
  const kernels::CrossEntropyRule rule{options.ignore_index, options.label_smoothing};
  const kernels::CrossEntropy rows = kernels::cross_entropy(logits, targets, weights, rule);
  double scale = 1;
  if (options.reduction == Reduction::mean) {
    const double total = kernels::total_weight(targets, weights, rule);
    scale = total == 0 ? 0 : 1 / total;
  }
  Tensor loss = options.reduction == Reduction::none
                    ? views::reshape(kernels::cast(rows.losses, logits.dtype()), targets.shape())
                    : kernels::full({}, scale * kernels::sum(rows.losses, {0}).item(), logits.dtype());
  CrossEntropyOptions plain = options;
  plain.class_weights = Tensor();
  return record(
      op, std::move(loss), inputs(logits, targets, weights),
      saves(logits, targets, weights, rows.normalisers),
      [rule, scale](Backward& back, const Tensor& dloss, const Tensor& logits, const Tensor& targets,
                    const Tensor& weights, const Tensor& normalisers) {
        // The logits, often a step's largest tensor, give way to their gradient where nobody else has them.
        const bool in_place = !back.retains_graph() && logits.is_contiguous() && logits.is_sole_owner();
        const Tensor dlogits = in_place ? logits.window(logits.shape(), logits.strides(), 0)
                                        : Tensor::empty(logits.shape(), logits.dtype());
        kernels::cross_entropy_backward(dloss, scale, logits, targets, weights, normalisers, rule, dlogits);
        back.give(0, dlogits);
      },
      [plain](const Tensor& logits, const Tensor& targets, const Tensor& weights) {
        CrossEntropyOptions options = plain;
        options.class_weights = weights;
        return definition::cross_entropy(logits, targets, options);
      });
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& targets, const NllLossOptions& options) {
  const Tensor& class_weights = options.class_weights;
  check_classes(log_probabilities, targets, options.ignore_index, class_weights, "log_probabilities",
                "nll_loss");
  const Tensor ignored = options.ignore_index ? targets == static_cast<double>(*options.ignore_index)
                                              : kernels::full(targets.shape(), 0, boolean);
  const Tensor ids = masked_fill(targets, ignored, 0);
  const Tensor of_target =
      class_weights.defined()
          ? index_select(class_weights, 0, ids.reshape({ids.numel()})).reshape(ids.shape())
          : kernels::full(ids.shape(), 1, log_probabilities.dtype());
  const Tensor weights = masked_fill(of_target, ignored, 0);
  const Tensor costs = -gather(log_probabilities, -1, ids.unsqueeze(-1)).squeeze(-1);
  const Tensor losses = masked_fill(costs, weights == 0., 0) * weights;  // 0 * infinity is not 0
  if (options.reduction != Reduction::mean) return reduced(losses, options.reduction);
  const double total = sum(weights).item();
  return sum(losses) * (total == 0 ? 0 : 1 / total);
}

Tensor definition::mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction) {
  return reduced(square(prediction - target), reduction);
}

Tensor mse_loss(const Tensor& prediction, const Tensor& target, Reduction reduction) {
  const char* const op = "mse_loss";
  check_pair(prediction, "prediction", target, "target", op);
  if (reduction == Reduction::none) return definition::mse_loss(prediction, target, reduction);
  const auto count = static_cast<double>(prediction.numel());
  const double scale = reduction == Reduction::sum || count == 0 ? 1 : 1 / count;
  const double sum = kernels::squared_distance(prediction, target);
  return record(
      {op, 3 * count}, kernels::full({}, scale * sum, prediction.dtype()), inputs(prediction, target),
      saves(prediction, target),
      [scale](Backward& back, const Tensor& dloss, const Tensor& prediction, const Tensor& target) {
        const double slope = 2 * scale * dloss.item();
        if (back.wants(0)) back.give(0, kernels::scaled_difference(prediction, target, slope));
        if (back.wants(1)) back.give(1, kernels::scaled_difference(target, prediction, slope));
      },
      [reduction](const Tensor& prediction, const Tensor& target) {
        return definition::mse_loss(prediction, target, reduction);
      });
}

Tensor mae_loss(const Tensor& prediction, const Tensor& target, Reduction reduction) {
  check_pair(prediction, "prediction", target, "target", "mae_loss");
  return reduced(abs(prediction - target), reduction);
}

Tensor huber_loss(const Tensor& prediction, const Tensor& target, double delta, Reduction reduction) {
  check_pair(prediction, "prediction", target, "target", "huber_loss");
  check(delta > 0, "huber_loss",
        "delta is the error from which on a loss grows linearly, above 0; this one is ", delta, ". 1?");
  // With c = clamp(d): d^2 / 2 inside, and outside +-delta (d -+ delta / 2).
  const Tensor d = prediction - target, c = clamp(d, -delta, delta);
  return reduced(c * (d - 0.5 * c), reduction);
}

Tensor binary_cross_entropy_with_logits(const Tensor& logits, const Tensor& targets,
                                        const BinaryCrossEntropyOptions& options) {
  const char* const op = "binary_cross_entropy_with_logits";
  check_pair(logits, "logits", targets, "targets", op);
  if (targets.numel() > 0) {
    const double low = min(targets.detach()).item(), high = max(targets.detach()).item();
    check(low >= 0 && high <= 1, op, "targets are probabilities, between 0 and 1; these lie between ", low,
          " and ", high, ". Made of -1 and 1 they are (targets + 1) / 2?");
  }
  Tensor positive = targets * softplus(-logits);
  if (const Tensor& weight = options.pos_weight; weight.defined()) {
    check(weight.rank() == 0 || (logits.rank() >= 2 && weight.shape() == Shape{logits.shape().back()}), op,
          "pos_weight has shape ", weight.shape(), "; logits of shape ", logits.shape(),
          " take one number, of shape (), or one for each column of several. tensor(3.0)?");
    check_same_dtype("logits", logits.dtype(), "pos_weight", weight.dtype(), op);
    check(!wants_gradient(weight), op,
          "pos_weight gets no gradient, but this one asks for one. Pass pos_weight.detach()?");
    positive = positive * weight;
  }
  return reduced(positive + (1 - targets) * softplus(logits), options.reduction);
}

Tensor hinge_loss(const Tensor& scores, const Tensor& targets, Reduction reduction) {
  check_pair(scores, "scores", targets, "targets", "hinge_loss");
  check_signs(targets, "hinge_loss");
  return reduced(relu(1 - targets * scores), reduction);
}

Tensor kl_divergence(const Tensor& log_q, const Tensor& p, Reduction reduction) {
  check_pair(log_q, "log_q", p, "p", "kl_divergence");
  check(p.rank() >= 1, "kl_divergence", "needs a last axis of classes; the shape is (). Reshape them?");
  const Tensor impossible = p == 0.;
  const Tensor log_p = log(masked_fill(p, impossible, 1));
  return reduced(sum(p * (log_p - masked_fill(log_q, impossible, 0)), -1), reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& targets, double margin,
                             Reduction reduction) {
  const char* const op = "cosine_embedding_loss";
  check_pair(a, "a", b, "b", op);
  check(a.rank() >= 1, op, "compares vectors along the last axis; the shape of a and b is (). Reshape them?");
  Shape rows = a.shape();
  rows.erase(a.rank() - 1);
  check(targets.shape() == rows, op, "a and b of shape ", a.shape(), " need targets of shape ", rows,
        ", one for each pair of vectors, not ", targets.shape(), ". Squeeze or unsqueeze an axis?");
  check_same_dtype("a", a.dtype(), "targets", targets.dtype(), op);
  check_signs(targets, op);
  check(margin >= -1 && margin <= 1, op, "margin is a cosine, between -1 and 1, not ", margin, ". 0?");
  constexpr double eps = 1e-12;  // as PyTorch's, so that a vector of zeros has the cosine 0 with all others
  const Tensor lengths = sqrt(sum(square(a), -1) + eps) * sqrt(sum(square(b), -1) + eps);
  const Tensor cosine = sum(a * b, -1) / lengths;
  return reduced(where(targets > 0., 1 - cosine, relu(cosine - margin)), reduction);
}

}  // namespace gradus
