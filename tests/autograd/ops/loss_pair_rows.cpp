#include <cmath>

#include <gradus/core/create.h>

#include "autograd/ops/loss_rows.h"

namespace gradus::test {
namespace {

constexpr Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};
const std::vector<Shape> shapes = {{3, 5}, {1}, {}, {2, 1, 17}};

// One formula for each element of x and its target.
Call<Array> each_pair(double (*f)(double x, double target), Reduction reduction) {
  return [=](const Arrays& x) {
    Array losses(x[0].shape);
    for (std::size_t i = 0; i < losses.values.size(); ++i)
      losses.values[i] = f(x[0].values[i], x[1].values[i]);
    return reduced(losses, reduction, static_cast<double>(losses.values.size()));
  };
}

using Definition = Tensor (*)(const Tensor&, const Tensor&, Reduction);

// `target` says how targets are drawn, `kinks` where the loss of an x has its own.
std::vector<OpRow> element_rows(const char* name, Tensor (*op)(const Tensor&, const Tensor&, Reduction),
                                double (*f)(double, double), const Input& target,
                                const std::vector<double>& kinks = {}, Definition definition = nullptr) {
  const auto inputs = [&](const Shape& shape) {
    Input targets = target;
    targets.shape = shape;
    return Inputs{{.shape = shape, .kinks = kinks}, targets};
  };
  std::vector<OpRow> rows;
  for (const Reduction reduction : reductions) {
    OpRow row{.name = name,
              .op = [=](const Tensors& x) { return op(x[0], x[1], reduction); },
              .reference = each_pair(f, reduction),
              .samples = {},
              .empty = inputs({3, 0}),
              .large = inputs({257, 259})};
    if (definition != nullptr)
      row.definition = [=](const Tensors& x) { return definition(x[0], x[1], reduction); };
    for (const Shape& shape : shapes) row.samples.push_back(inputs(shape));
    rows.push_back(row);
  }
  return rows;
}

double huber(double x, double target, double delta) {
  const double d = std::abs(x - target);
  return d <= delta ? d * d / 2 : delta * (d - delta / 2);
}

std::vector<OpRow> regression_rows() {
  const Input anywhere{}, at_half{.shape = {}, .low = 0.5, .high = 0.5};
  std::vector<OpRow> rows = element_rows(
      "mse_loss", mse_loss, [](double x, double t) { return (x - t) * (x - t); }, anywhere, {},
      definition::mse_loss);
  rows.back().refusals = {
      {[] {
         mse_loss(zeros({4}), zeros({4, 1}));
       },
       "[mse_loss] prediction and target must have one shape, not (4,) and (4, 1); a loss does not "
       "broadcast. "
       "Squeeze or unsqueeze an axis?"},
      {[] { mse_loss(zeros({4}), zeros({4}, f64)); },
       "[mse_loss] dtypes do not mix: prediction is f32, target is f64. Convert one with .to(f64)?"},
      {[] { mse_loss(zeros({4}, i64), zeros({4}, i64)); },
       "[mse_loss] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
  };

  std::vector<OpRow> mae = element_rows(
      "mae_loss", mae_loss, [](double x, double t) { return x < t ? t - x : x - t; }, at_half, {0.5});
  mae.back().refusals = {
      {[] { mae_loss(zeros({1}), zeros({4})); },
       "[mae_loss] prediction and target must have one shape, not (1,) and (4,); a loss does not broadcast. "
       "Squeeze or unsqueeze an axis?"},
  };
  rows.insert(rows.end(), mae.begin(), mae.end());

  const std::vector<OpRow> at_one = element_rows(
      "huber_loss", [](const Tensor& x, const Tensor& t, Reduction r) { return huber_loss(x, t, 1, r); },
      [](double x, double t) { return huber(x, t, 1); }, at_half, {-0.5, 1.5});
  std::vector<OpRow> at_tenth = element_rows(
      "huber_loss", [](const Tensor& x, const Tensor& t, Reduction r) { return huber_loss(x, t, 0.1, r); },
      [](double x, double t) { return huber(x, t, 0.1); }, at_half, {0.4, 0.6});
  at_tenth.back().refusals = {
      {[] {
         huber_loss(zeros({4}), zeros({1, 4}));
       },
       "[huber_loss] prediction and target must have one shape, not (4,) and (1, 4); a loss does not "
       "broadcast. Squeeze or unsqueeze an axis?"},
      {[] { huber_loss(zeros({4}), zeros({4}), 0); },
       "[huber_loss] delta is the error from which on a loss grows linearly, above 0; this one is 0. 1?"},
  };
  rows.insert(rows.end(), at_one.begin(), at_one.end());
  rows.insert(rows.end(), at_tenth.begin(), at_tenth.end());
  return rows;
}

std::vector<OpRow> binary_cross_entropy_rows() {
  const char* const name = "binary_cross_entropy_with_logits";
  const Input probabilities{.shape = {}, .low = 0.1, .high = 0.9};
  std::vector<OpRow> rows = element_rows(
      name,
      [](const Tensor& x, const Tensor& t, Reduction r) {
        return binary_cross_entropy_with_logits(x, t, {.reduction = r});
      },
      [](double x, double t) {
        const double s = 1 / (1 + std::exp(-x));
        return -t * std::log(s) - (1 - t) * std::log(1 - s);
      },
      probabilities);
  for (const Shape& weights : {Shape{}, Shape{5}}) {
    const auto inputs = [&](const Shape& shape) {
      return Inputs{{.shape = shape},
                    {.shape = shape, .low = 0, .high = 1, .differentiable = false},
                    {.shape = weights, .low = 0.5, .high = 3, .differentiable = false}};
    };
    rows.push_back({.name = name,
                    .op =
                        [](const Tensors& x) {
                          return binary_cross_entropy_with_logits(x[0], x[1], {.pos_weight = x[2]});
                        },
                    .reference =
                        [](const Arrays& x) {
                          Array losses(x[0].shape);
                          for_each_index(losses.shape, [&](const auto& i) {
                            const double s = 1 / (1 + std::exp(-x[0].at(i))), t = x[1].at(i);
                            losses.at(i) =
                                -x[2].broadcast_at(i) * t * std::log(s) - (1 - t) * std::log(1 - s);
                          });
                          return reduced(losses, Reduction::mean, static_cast<double>(losses.values.size()));
                        },
                    .samples = {inputs({3, 5}), inputs({2, 1, 5})},
                    .empty = inputs({0, 5}),
                    .large = inputs({9000, 5})});
  }
  rows.back().refusals = {
      {[] {
         binary_cross_entropy_with_logits(zeros({4, 1}), zeros({4}));
       },
       "[binary_cross_entropy_with_logits] logits and targets must have one shape, not (4, 1) and (4,); a "
       "loss "
       "does not broadcast. Squeeze or unsqueeze an axis?"},
      {[] {
         binary_cross_entropy_with_logits(zeros({2}), tensor({-1, 1}));
       },
       "[binary_cross_entropy_with_logits] targets are probabilities, between 0 and 1; these lie between -1 "
       "and 1. Made of -1 and 1 they are (targets + 1) / 2?"},
      {[] { binary_cross_entropy_with_logits(zeros({3}), zeros({3}), {.pos_weight = ones({3})}); },
       "[binary_cross_entropy_with_logits] pos_weight has shape (3,); logits of shape (3,) take one number, "
       "of shape (), or one for each column of several. tensor(3.0)?"},
      {[] {
         binary_cross_entropy_with_logits(zeros({2, 3}), zeros({2, 3}), {.pos_weight = ones({}, f64)});
       },
       "[binary_cross_entropy_with_logits] dtypes do not mix: logits is f32, pos_weight is f64. Convert one "
       "with .to(f64)?"},
      {[] {
         binary_cross_entropy_with_logits(zeros({2, 3}), zeros({2, 3}),
                                          {.pos_weight = ones({}).requires_grad_()});
       },
       "[binary_cross_entropy_with_logits] pos_weight gets no gradient, but this one asks for one. Pass "
       "pos_weight.detach()?"},
  };
  return rows;
}

std::vector<OpRow> hinge_rows() {
  const Input ones{.shape = {}, .low = 1, .high = 1, .differentiable = false};
  std::vector<OpRow> rows = element_rows(
      "hinge_loss", hinge_loss, [](double x, double t) { return t * x < 1 ? 1 - t * x : 0; }, ones, {1});
  for (OpRow& row : rows)
    row.samples.push_back({{.shape = {6}, .kinks = {-1, 1}},
                           {.shape = {6}, .differentiable = false, .values = {1, -1, -1, 1, 1, -1}}});
  rows.back().refusals = {
      {[] {
         hinge_loss(zeros({2}), zeros({2, 1}));
       },
       "[hinge_loss] scores and targets must have one shape, not (2,) and (2, 1); a loss does not broadcast. "
       "Squeeze or unsqueeze an axis?"},
      {[] {
         hinge_loss(zeros({2}), tensor({0, 1}));
       },
       "[hinge_loss] targets are 1 or -1, and some of these are neither. Made of 0 and 1 they are 2 * "
       "targets "
       "- 1?"},
  };
  return rows;
}

std::vector<OpRow> kl_divergence_rows() {
  const auto inputs = [](const Shape& shape) {
    return Inputs{{.shape = shape, .low = -4, .high = -0.1}, {.shape = shape, .low = 0.1, .high = 1}};
  };
  std::vector<OpRow> rows;
  for (const Reduction reduction : reductions) {
    rows.push_back({.name = "kl_divergence",
                    .op = [=](const Tensors& x) { return kl_divergence(x[0], x[1], reduction); },
                    .reference =
                        [=](const Arrays& x) {
                          Shape shape = x[0].shape;
                          const std::int64_t classes = shape.back();
                          shape.erase(shape.rank() - 1);
                          Array losses(shape);
                          for (std::int64_t i = 0; i < static_cast<std::int64_t>(x[0].values.size()); ++i)
                            if (x[1][i] > 0) losses[i / classes] += x[1][i] * (std::log(x[1][i]) - x[0][i]);
                          return reduced(losses, reduction, static_cast<double>(losses.values.size()));
                        },
                    .samples = {inputs({3, 5}), inputs({4}), inputs({2, 3, 1}), inputs({1, 3})},
                    .empty = inputs({0, 3}),
                    .large = inputs({301, 257})});
    Inputs with_zeros = inputs({4});
    with_zeros[1].values = {0, 0.5, 0, 0.5};
    with_zeros[1].differentiable = false;
    rows.back().samples.push_back(with_zeros);
  }
  rows.back().refusals = {
      {[] {
         kl_divergence(zeros({2, 3}), zeros({3}));
       },
       "[kl_divergence] log_q and p must have one shape, not (2, 3) and (3,); a loss does not broadcast. "
       "Squeeze or unsqueeze an axis?"},
      {[] { kl_divergence(zeros({}), zeros({})); },
       "[kl_divergence] needs a last axis of classes; the shape is (). Reshape them?"},
  };
  return rows;
}

std::vector<OpRow> cosine_embedding_rows() {
  // Vectors in the first quadrant have cosines above the margins; the pair of the last sample has one below.
  const auto inputs = [](const Shape& rows, std::int64_t width, double sign) {
    Shape shape = rows;
    shape.push_back(width);
    return Inputs{{.shape = shape, .low = 0.5},
                  {.shape = shape, .low = 0.5},
                  {.shape = rows, .low = sign, .high = sign, .differentiable = false}};
  };
  const Inputs mixed = {{.shape = {4, 2}, .values = {1, 2, 3, -1, 0.5, 1, 2, 2}},
                        {.shape = {4, 2}, .values = {2, 1, -1, 1, 1, 0.5, 1, 3}},
                        {.shape = {4}, .differentiable = false, .values = {1, -1, -1, 1}}};
  std::vector<OpRow> rows;
  for (const Reduction reduction : reductions)
    for (const double margin : {0., 0.25})
      rows.push_back(
          {.name = "cosine_embedding_loss",
           .op = [=](const Tensors& x) { return cosine_embedding_loss(x[0], x[1], x[2], margin, reduction); },
           .reference =
               [=](const Arrays& x) {
                 Array losses(x[2].shape);
                 const std::int64_t width = x[0].size(-1);
                 for (std::int64_t n = 0; n < static_cast<std::int64_t>(losses.values.size()); ++n) {
                   double ab = 0, aa = 0, bb = 0;
                   for (std::int64_t c = n * width; c < (n + 1) * width; ++c)
                     ab += x[0][c] * x[1][c], aa += x[0][c] * x[0][c], bb += x[1][c] * x[1][c];
                   const double cosine = ab / std::sqrt(aa * bb);
                   losses[n] = x[2][n] > 0 ? 1 - cosine : cosine > margin ? cosine - margin : 0;
                 }
                 return reduced(losses, reduction, static_cast<double>(losses.values.size()));
               },
           .samples = {inputs({3}, 5, -1), inputs({2, 3}, 4, 1), inputs({}, 3, -1), mixed},
           .empty = inputs({0}, 3, 1),
           .large = inputs({301}, 257, -1)});
  rows.back().refusals = {
      {[] {
         cosine_embedding_loss(ones({2, 3}), ones({2, 4}), ones({2}));
       },
       "[cosine_embedding_loss] a and b must have one shape, not (2, 3) and (2, 4); a loss does not "
       "broadcast. "
       "Squeeze or unsqueeze an axis?"},
      {[] { cosine_embedding_loss(ones({}), ones({}), ones({})); },
       "[cosine_embedding_loss] compares vectors along the last axis; the shape of a and b is (). Reshape "
       "them?"},
      {[] {
         cosine_embedding_loss(ones({2, 3}), ones({2, 3}), ones({2, 1}));
       },
       "[cosine_embedding_loss] a and b of shape (2, 3) need targets of shape (2,), one for each pair of "
       "vectors, not (2, 1). Squeeze or unsqueeze an axis?"},
      {[] {
         cosine_embedding_loss(ones({2, 3}), ones({2, 3}), zeros({2}));
       },
       "[cosine_embedding_loss] targets are 1 or -1, and some of these are neither. Made of 0 and 1 they are "
       "2 * targets - 1?"},
      {[] {
         cosine_embedding_loss(ones({2, 3}), ones({2, 3}), ones({2}), 2);
       },
       "[cosine_embedding_loss] margin is a cosine, between -1 and 1, not 2. 0?"},
  };
  return rows;
}

}  // namespace

std::vector<OpRow> pair_loss_rows() {
  std::vector<OpRow> rows;
  for (const auto& some : {regression_rows(), binary_cross_entropy_rows(), hinge_rows(), kl_divergence_rows(),
                           cosine_embedding_rows()})
    rows.insert(rows.end(), some.begin(), some.end());
  return rows;
}

}  // namespace gradus::test
