#include <cmath>

#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>

#include "autograd/ops/loss_rows.h"
#include "support/op_table.h"

namespace gradus::test {
namespace {

// Inputs: logits, targets, and class weights where `weighted`.
CrossEntropyOptions with_weights(CrossEntropyOptions options, const Tensors& x, bool weighted) {
  if (weighted) options.class_weights = x[2];
  return options;
}

// Class by class: -(1 - s) w_t log p_t - s / V sum_c w_c log p_c.
Call<Array> reference_of(const CrossEntropyOptions& options, bool weighted) {
  return [=](const Arrays& x) {
    const std::int64_t classes = x[0].size(-1);
    const double s = options.label_smoothing;
    const auto weight = [&](std::int64_t c) { return weighted ? x[2][c] : 1; };
    Array losses(x[1].shape);
    double total_weight = 0;
    for (std::size_t n = 0; n < losses.values.size(); ++n) {
      const auto target = static_cast<std::int64_t>(x[1].values[n]);
      if (options.ignore_index == target) continue;
      const auto logit = [&](std::int64_t c) { return x[0][static_cast<std::int64_t>(n) * classes + c]; };
      double z = 0;
      for (std::int64_t c = 0; c < classes; ++c) z += std::exp(logit(c));
      const auto cost = [&](double share, std::int64_t c) {
        return share == 0 ? 0 : share * (std::log(z) - logit(c));
      };
      losses.values[n] = cost((1 - s) * weight(target), target);
      for (std::int64_t c = 0; c < classes; ++c)
        losses.values[n] += cost(s / static_cast<double>(classes) * weight(c), c);
      total_weight += weight(target);
    }
    return reduced(losses, options.reduction, total_weight);
  };
}

Inputs rows_and_targets(const Shape& targets, std::int64_t classes, bool weighted, double low = 0) {
  Shape logits = targets;
  logits.push_back(classes);
  Inputs inputs = {{.shape = logits},
                   {.shape = targets, .low = low, .high = static_cast<double>(classes - 1), .dtype = i64}};
  if (weighted) inputs.push_back({.shape = {classes}, .low = 0.2, .high = 2, .differentiable = false});
  return inputs;
}

OpRow row_of(const CrossEntropyOptions& options, bool weighted, double low = 0) {
  const auto inputs = [=](const Shape& targets, std::int64_t classes) {
    return rows_and_targets(targets, classes, weighted, low);
  };
  return {
      .name = "cross_entropy",
      .op = [=](const Tensors& x) { return cross_entropy(x[0], x[1], with_weights(options, x, weighted)); },
      .reference = reference_of(options, weighted),
      .samples = {inputs({5}, 4), inputs({2, 3}, 17), inputs({}, 3), inputs({1}, 1)},
      .empty = inputs({0}, 3),
      .large = inputs({70}, 601),
      .definition =
          [=](const Tensors& x) {
            return definition::cross_entropy(x[0], x[1], with_weights(options, x, weighted));
          }};
}

std::vector<Refusal> refusals() {
  const auto ids = [] { return tensor({{1, 2, 0}, {0, 1, 2}}, i64); };
  return {
      {[=] {
         cross_entropy(zeros({2, 3, 3}, i64), ids());
       },
       "[cross_entropy] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
      {[] {
         cross_entropy(zeros({2, 3}), zeros({2}));
       },
       "[cross_entropy] targets are class ids and must be i64, not f32. Convert with .to(i64)?"},
      {[=] { cross_entropy(zeros({}), ids()); },
       "[cross_entropy] logits need a last axis of classes; their shape is (). Reshape them?"},
      {[=] {
         cross_entropy(zeros({2, 4, 3, 5}), ids());
       },
       "[cross_entropy] logits of shape (2, 4, 3, 5) need targets of shape (2, 4, 3), not (2, 3). The "
       "classes are the "
       "last axis of the logits; permute them?"},
      {[=] {
         cross_entropy(zeros({2, 3, 0}), ids());
       },
       "[cross_entropy] logits of shape (2, 3, 0) have no classes. At least one?"},
      {[=] {
         cross_entropy(zeros({2, 3, 2}), ids());
       },
       "[cross_entropy] target 2 at position (0, 1) is no class: the logits have 2, 0 to 1. Set ignore_index "
       "to leave "
       "such rows out?"},
      {[] {
         cross_entropy(zeros({2, 3}), tensor({0, -100}, i64), {.ignore_index = std::nullopt});
       },
       "[cross_entropy] target -100 at position (1,) is no class: the logits have 3, 0 to 2. Set "
       "ignore_index to leave "
       "such rows out?"},
      {[=] {
         cross_entropy(zeros({2, 3, 3}), ids(), {.label_smoothing = 1.5});
       },
       "[cross_entropy] label_smoothing is a part of 1, not 1.5. 0.1?"},
      {[=] {
         cross_entropy(zeros({2, 3, 3}), ids(), {.class_weights = ones({2})});
       },
       "[cross_entropy] class_weights have shape (2,), but there are 3 classes. One weight for each?"},
      {[=] {
         cross_entropy(zeros({2, 3, 3}), ids(), {.class_weights = ones({3}, f64)});
       },
       "[cross_entropy] dtypes do not mix: logits is f32, class_weights is f64. Convert one with "
       ".to(f64)?"},
      {[=] {
         cross_entropy(zeros({2, 3, 3}), ids(), {.class_weights = ones({3}).requires_grad_()});
       },
       "[cross_entropy] class_weights get no gradient, but these ask for one. Pass class_weights.detach()?"},
  };
}

// -w_t log p_t; the mean divides by the sum of the weights.
std::vector<OpRow> nll_loss_rows() {
  std::vector<OpRow> rows;
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
    for (const bool weighted : {false, true}) {
      const auto inputs = [=](const Shape& targets, std::int64_t classes) {
        return rows_and_targets(targets, classes, weighted, -1);  // -1 is ignored
      };
      OpRow row{.name = "nll_loss",
                .op =
                    [=](const Tensors& x) {
                      NllLossOptions options{.ignore_index = -1, .reduction = reduction};
                      if (weighted) options.class_weights = x[2];
                      return nll_loss(x[0], x[1], options);
                    },
                .reference =
                    [=](const Arrays& x) {
                      Array losses(x[1].shape);
                      double total = 0;
                      for (std::size_t n = 0; n < losses.values.size(); ++n) {
                        const auto target = static_cast<std::int64_t>(x[1].values[n]);
                        if (target == -1) continue;
                        const double weight = weighted ? x[2][target] : 1;
                        losses.values[n] =
                            -weight * x[0][static_cast<std::int64_t>(n) * x[0].size(-1) + target];
                        total += weight;
                      }
                      return reduced(losses, reduction, total);
                    },
                .samples = {inputs({5}, 4), inputs({2, 3}, 17), inputs({}, 3), inputs({1}, 1)},
                .empty = inputs({0}, 3),
                .large = inputs({300}, 257)};
      row.samples[0][1].values = {0, -1, 3, 3, 1};
      rows.push_back(row);
    }
  rows.back().refusals = {
      {[] {
         nll_loss(zeros({2, 3}), tensor({0, 3}, i64));
       },
       "[nll_loss] target 3 at position (1,) is no class: the log_probabilities have 3, 0 to 2. Set "
       "ignore_index to leave such rows out?"},
      {[] {
         nll_loss(zeros({2, 3}), zeros({2, 3}, i64));
       },
       "[nll_loss] log_probabilities of shape (2, 3) need targets of shape (2,), not (2, 3). The classes are "
       "the last axis of the log_probabilities; permute them?"},
  };
  return rows;
}

}  // namespace

std::vector<OpRow> loss_rows() {
  std::vector<OpRow> rows;
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none})
    for (const bool weighted : {false, true})
      for (const double smoothing : {0., 0.1, 1.}) {
        // -1 stands among the targets and is ignored.
        rows.push_back(
            row_of({.ignore_index = -1, .label_smoothing = smoothing, .reduction = reduction}, weighted, -1));
      }
  rows.push_back(row_of({}, false));
  rows.push_back(row_of({.ignore_index = std::nullopt}, false));
  for (const bool weighted : {false, true}) {
    rows.push_back(row_of({.ignore_index = 0}, weighted));  // a class that is padding
    rows.back().samples[0][1].values = {0, 2, 0, 3, 1};
  }
  rows.back().refusals = refusals();
  for (const auto& some : {nll_loss_rows(), pair_loss_rows()})
    rows.insert(rows.end(), some.begin(), some.end());
  return rows;
}

}  // namespace gradus::test
