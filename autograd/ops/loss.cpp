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

constexpr const char* op = "cross_entropy";

void check_targets(const Tensor& targets, std::int64_t classes,
                   const std::optional<std::int64_t>& ignore_index) {
  const Tensor ids = kernels::contiguous(targets);
  for (std::int64_t n = 0; n < ids.numel(); ++n) {
    const std::int64_t id = ids.data<std::int64_t>()[n];
    check((0 <= id && id < classes) || (ignore_index && *ignore_index == id), op, "target ", id,
          " at position ", position_of(n, targets.shape()), " is no class: the logits have ", classes,
          ", 0 to ", classes - 1, ". Set ignore_index to leave such rows out?");
  }
}

void check_all(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_floating(logits.dtype(), op);
  check(targets.dtype() == i64, op, "targets are class ids and must be i64, not ", targets.dtype(),
        ". Convert with .to(i64)?");
  check(logits.rank() >= 1, op, "logits need a last axis of classes; their shape is (). Reshape them?");
  Shape rows = logits.shape();
  rows.erase(logits.rank() - 1);
  check(targets.shape() == rows, op, "logits of shape ", logits.shape(), " need targets of shape ", rows,
        ", not ", targets.shape(), ". The classes are the last axis of the logits; permute them?");
  const std::int64_t classes = logits.shape().back();
  check(classes > 0, op, "logits of shape ", logits.shape(), " have no classes. At least one?");
  check(options.label_smoothing >= 0 && options.label_smoothing <= 1, op,
        "label_smoothing is a part of 1, not ", options.label_smoothing, ". 0.1?");
  if (const Tensor& weights = options.class_weights; weights.defined()) {
    check(weights.shape() == Shape{classes}, op, "class_weights have shape ", weights.shape(),
          ", but there are ", classes, " classes. One weight for each?");
    check_same_dtype("logits", logits.dtype(), "class_weights", weights.dtype(), op);
    check(!grad_mode() || !weights.requires_grad(), op,
          "class_weights get no gradient, but these ask for one. Pass class_weights.detach()?");
  }
  check_targets(targets, classes, options.ignore_index);
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
  check_all(logits, targets, options);
  const Tensor& weights = options.class_weights;
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
        back.give(0,
                  kernels::cross_entropy_backward(dloss, scale, logits, targets, weights, normalisers, rule));
      },
      [plain](const Tensor& logits, const Tensor& targets, const Tensor& weights) {
        CrossEntropyOptions options = plain;
        options.class_weights = weights;
        return definition::cross_entropy(logits, targets, options);
      });
}

}  // namespace gradus
