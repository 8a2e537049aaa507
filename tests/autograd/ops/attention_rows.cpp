#include <cmath>
#include <complex>
#include <limits>

#include <gradus/autograd/ops/attention.h>
#include <gradus/core/create.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

// Options but for the mask, which is the fourth input where there is one.
struct Case {
  bool masked = false;
  bool causal = false;
  double dropout = 0;
  std::optional<double> scale = {};
};

constexpr std::uint64_t seed = 11;

// Each call draws dropout's numbers from the same place.
template <class F>
auto call_with(const Case& kind, const Tensors& x, const F& f) {
  Generator generator(seed);
  AttentionOptions options{
      .causal = kind.causal, .dropout = kind.dropout, .generator = &generator, .scale = kind.scale};
  if (kind.masked) options.mask = x[3];
  return f(x[0], x[1], x[2], options);
}

// Query by query, key by key; the weights before dropout, and the output.
struct Looked {
  Array weights, output;
};
Looked look(const Case& kind, const Arrays& x, bool boolean_mask) {
  const Array &q = x[0], &k = x[1], &v = x[2];
  const std::int64_t queries = q.size(-2), keys = k.size(-2), features = q.size(-1), values = v.size(-1);
  const double scale = kind.scale.value_or(1 / std::sqrt(static_cast<double>(features)));
  Shape weights_shape = q.shape, output_shape = q.shape;
  weights_shape[q.shape.rank() - 1] = keys;
  output_shape[q.shape.rank() - 1] = values;
  Looked looked{Array(weights_shape), Array(output_shape)};
  const Array kept(bernoulli(1 - kind.dropout, weights_shape, RandomState{seed, 0}));
  Shape rows = q.shape;
  rows.erase(q.shape.rank() - 1);
  for_each_index(rows, [&](const Index& row) {
    const auto at = [&](std::int64_t position, std::int64_t column) {
      Index index = row;
      index.back() = position;
      index.push_back(column);
      return index;
    };
    const std::int64_t i = row.back();
    std::vector<double> exps(static_cast<std::size_t>(keys));
    double sum = 0;
    for (std::int64_t j = 0; j < keys; ++j) {
      double score = 0;
      for (std::int64_t d = 0; d < features; ++d) score += q.at(at(i, d)) * k.at(at(j, d));
      score *= scale;
      bool seen = !kind.causal || j <= i + keys - queries;
      if (kind.masked && boolean_mask) seen = seen && x[3].broadcast_at(at(i, j)) != 0;
      if (kind.masked && !boolean_mask) score += x[3].broadcast_at(at(i, j));
      sum += exps[static_cast<std::size_t>(j)] = seen ? std::exp(score) : 0;
    }
    for (std::int64_t j = 0; j < keys; ++j) {
      const double weight = sum == 0 ? 0 : exps[static_cast<std::size_t>(j)] / sum;
      looked.weights.at(at(i, j)) = weight;
      const double factor = kind.dropout == 0 ? 1 : kept.at(at(i, j)) / (1 - kind.dropout);
      for (std::int64_t e = 0; e < values; ++e)
        looked.output.at(at(i, e)) += weight * factor * v.at(at(j, e));
    }
  });
  return looked;
}

Inputs operands(const Shape& leading, std::int64_t queries, std::int64_t keys, std::int64_t features,
                std::int64_t values) {
  const auto with = [&](std::int64_t rows, std::int64_t columns) {
    Shape shape = leading;
    shape.push_back(rows);
    shape.push_back(columns);
    return Input{.shape = shape};
  };
  return {with(queries, features), with(keys, features), with(keys, values)};
}
Inputs with_mask(Inputs inputs, const Shape& shape, DType dtype) {
  inputs.push_back({.shape = shape, .dtype = dtype});
  return inputs;
}

// Both forms of the op for one kind of call.
std::vector<OpRow> rows_of(const Case& kind, std::vector<Inputs> samples, const Inputs& empty,
                           const Inputs& large) {
  const bool boolean_mask = kind.masked && samples[0][3].dtype == boolean;
  OpRow fused{
      .name = "scaled_dot_product_attention",
      .op = [=](const Tensors& x) { return call_with(kind, x, scaled_dot_product_attention); },
      .reference = [=](const Arrays& x) { return look(kind, x, boolean_mask).output; },
      .samples = samples,
      .empty = empty,
      .large = large,
      .definition =
          [=](const Tensors& x) {
            return call_with(
                kind, x,
                [](const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
                  return definition::attention(q, k, v, options, RandomState{seed, 0}).output;
                });
          }};
  OpRow stepwise{.name = "attention_with_weights",
                 .op =
                     [=](const Tensors& x) {
                       const AttentionResult result = call_with(kind, x, attention_with_weights);
                       return Tensors{result.output, result.weights};
                     },
                 .reference =
                     [=](const Arrays& x) {
                       const Looked looked = look(kind, x, boolean_mask);
                       return Arrays{looked.output, looked.weights};
                     },
                 .samples = samples,
                 .empty = empty,
                 .large = large};
  return {fused, stepwise};
}

std::vector<Refusal> refusals() {
  const auto x = [](const Shape& shape) { return zeros(shape); };
  const std::string op = "[scaled_dot_product_attention] ";
  const auto call = [](const Tensor& q, const Tensor& k, const Tensor& v,
                       const AttentionOptions& options = {}) {
    return [=] { scaled_dot_product_attention(q, k, v, options); };
  };
  return {
      {call(zeros({2, 3}, i64), zeros({2, 3}, i64), zeros({2, 3}, i64)),
       op + "needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
      {call(x({2, 3}), zeros({2, 3}, f64), x({2, 3})),
       op + "dtypes do not mix: q is f32, k is f64. Convert one with .to(f64)?"},
      {call(x({2, 3}), x({2, 3}), zeros({2, 3}, f64)),
       op + "dtypes do not mix: q is f32, v is f64. Convert one with .to(f64)?"},
      {call(x({2, 4, 5}), x({3, 4, 5}), x({2, 4, 5})),
       op +
           "q, k and v must be (..., T, D), (..., S, D) and (..., S, E) with the same leading axes; they are "
           "(2, 4, 5), (3, 4, 5) and (2, 4, 5). Transpose heads and positions, or expand?"},
      {call(x({4, 5}), x({6, 5}), x({7, 5})),
       op +
           "q, k and v must be (..., T, D), (..., S, D) and (..., S, E) with the same leading axes; they are "
           "(4, 5), (6, 5) and (7, 5). Transpose heads and positions, or expand?"},
      {call(x({5}), x({5}), x({5})),
       op +
           "q, k and v must be (..., T, D), (..., S, D) and (..., S, E) with the same leading axes; they are "
           "(5,), (5,) and (5,). Transpose heads and positions, or expand?"},
      {call(x({4, 0}), x({6, 0}), x({6, 2})),
       op + "q and k of shapes (4, 0) and (6, 0) have no features to compare. D of at least 1?"},
      {call(x({4, 5}), x({6, 5}), x({6, 5}), {.mask = zeros({4, 6}, i64)}),
       op + "the mask must be boolean (true = may attend) or f32 (added to the scores), not i64. Compare, as "
            "in "
            "mask != 0?"},
      {call(x({2, 4, 5}), x({2, 6, 5}), x({2, 6, 5}), {.mask = zeros({2, 6}, boolean)}),
       op + "a mask of shape (2, 6) does not expand to the scores' (2, 4, 6). Unsqueeze the axes it does not "
            "have?"},
      {call(x({4, 5}), x({6, 5}), x({6, 5}), {.mask = zeros({1, 4, 6}, boolean)}),
       op + "a mask of shape (1, 4, 6) does not expand to the scores' (4, 6). Unsqueeze the axes it does not "
            "have?"},
      {call(x({4, 5}), x({6, 5}), x({6, 5}), {.dropout = 10}),
       op + "dropout is a probability between 0 and 1, not 10. Divide a percentage by 100?"},
  };
}

// The pairs as complex numbers, multiplied by cos + i sin.
Array turned(const Arrays& x) {
  Array y(x[0].shape);
  for_each_index(y.shape, [&](const Index& i) {
    Index first = i, second = i;
    first.back() -= i.back() % 2;
    second.back() = first.back() + 1;
    const std::complex<double> z(x[0].at(first), x[0].at(second));
    const std::complex<double> w(x[1].broadcast_at(second), x[1].broadcast_at(first));
    y.at(i) = i.back() % 2 == 0 ? (z * w).real() : (z * w).imag();
  });
  return y;
}

OpRow rotary_row() {
  const auto operands = [](const Shape& x, const Shape& turns) {
    return Inputs{{.shape = x}, {.shape = turns, .differentiable = false}};
  };
  const std::string op = "[rotary] ";
  return {.name = "rotary",
          .op = [](const Tensors& x) { return rotary(x[0], x[1]); },
          .reference = turned,
          .samples = {operands({2, 3, 4, 6}, {4, 6}), operands({5, 4}, {5, 4}), operands({3, 1, 2}, {2}),
                      operands({2, 3, 18}, {2, 1, 18}), operands({2}, {2})},
          .empty = operands({2, 0, 4}, {0, 4}),
          .large = operands({3, 7, 100, 34}, {100, 34}),
          .definition = [](const Tensors& x) { return definition::rotary(x[0], x[1]); },
          .refusals =
              {
                  {[] {
                     rotary(zeros({2, 4}, i64), zeros({2, 4}, i64));
                   },
                   op + "needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
                  {[] {
                     rotary(zeros({2, 4}), zeros({2, 4}, f64));
                   },
                   op + "dtypes do not mix: x is f32, turns is f64. Convert one with .to(f64)?"},
                  {[] {
                     rotary(zeros({2, 5}), zeros({2, 5}));
                   },
                   op + "turns pairs of features, and x of shape (2, 5) has an odd number of them. Make the "
                        "last axis "
                        "even?"},
                  {[] {
                     rotary(zeros({2, 3, 4}), zeros({2, 4}));
                   },
                   op + "turns of shape (2, 4) does not expand to x's (2, 3, 4). One row of sines and "
                        "cosines for each "
                        "position, (T, D)?"},
                  {[] {
                     rotary(zeros({3, 4}), zeros({3, 1}));
                   },
                   op + "turns of shape (3, 1) does not expand to x's (3, 4). One row of sines and cosines "
                        "for each "
                        "position, (T, D)?"},
              }};
}

Array additive(const Arrays& x) {
  const Array &q = x[0], &k = x[1], &weight = x[2];
  Array scores({q.size(0), q.size(1), k.size(1)});
  for_each_index(scores.shape, [&](const Index& at) {
    for (std::int64_t h = 0; h < q.size(2); ++h)
      scores.at(at) += weight[h] * std::tanh(q.at({at[0], at[1], h}) + k.at({at[0], at[2], h}));
  });
  return scores;
}

OpRow additive_row() {
  const auto operands = [](std::int64_t batch, std::int64_t queries, std::int64_t keys, std::int64_t hidden) {
    return Inputs{
        {.shape = {batch, queries, hidden}}, {.shape = {batch, keys, hidden}}, {.shape = {1, hidden}}};
  };
  const std::string op = "[additive_scores] ";
  const auto call = [](const Tensor& q, const Tensor& k, const Tensor& weight) {
    return [=] { additive_scores(q, k, weight); };
  };
  const auto x = [](const Shape& shape) { return zeros(shape); };
  return {
      .name = "additive_scores",
      .op = [](const Tensors& x) { return additive_scores(x[0], x[1], x[2]); },
      .reference = additive,
      .samples = {operands(2, 3, 4, 5), operands(3, 1, 5, 17), operands(1, 2, 1, 1), operands(2, 1, 3, 33)},
      .empty = operands(2, 3, 0, 4),
      .large = operands(5, 9, 11, 40),
      .definition = [](const Tensors& x) { return definition::additive_scores(x[0], x[1], x[2]); },
      .refusals =
          {
              {call(zeros({1, 2, 3}, i64), zeros({1, 2, 3}, i64), zeros({1, 3}, i64)),
               op + "needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
              {call(x({1, 2, 3}), zeros({1, 2, 3}, f64), x({1, 3})),
               op + "dtypes do not mix: q is f32, k is f64. Convert one with .to(f64)?"},
              {call(x({1, 2, 3}), x({1, 2, 3}), zeros({1, 3}, f64)),
               op + "dtypes do not mix: q is f32, weight is f64. Convert one with .to(f64)?"},
              {call(x({1, 2, 3}), x({2, 2, 3}), x({1, 3})),
               op + "q and k must be (B, Tq, H) and (B, Tk, H); they are (1, 2, 3) and (2, 2, 3). Project "
                    "them "
                    "to one width?"},
              {call(x({1, 2, 3}), x({1, 2, 3}), x({3})),
               op + "the weight must be (1, H), here (1, 3), not (3,). Unsqueeze an axis?"},
          }};
}

}  // namespace

std::vector<OpRow> attention_rows() {
  std::vector<OpRow> rows;
  const auto add = [&](const std::vector<OpRow>& more) { rows.insert(rows.end(), more.begin(), more.end()); };
  const Inputs empty = operands({2, 0}, 3, 4, 5, 2), large = operands({2, 3}, 70, 70, 24, 20);
  const std::vector<Inputs> plain = {operands({2, 2}, 3, 4, 5, 2), operands({}, 4, 4, 3, 3),
                                     operands({3}, 1, 1, 1, 1), operands({1, 2}, 18, 17, 2, 1)};

  add(rows_of({}, plain, empty, large));
  rows.front().refusals = refusals();
  add(rows_of({.scale = 0.3}, {plain[0]}, operands({2}, 3, 0, 5, 2), operands({1}, 150, 90, 24, 20)));
  // More queries than keys: the first see nothing.
  add(rows_of({.causal = true},
              {plain[1], operands({2}, 2, 5, 3, 2), operands({2}, 5, 2, 3, 2), operands({}, 35, 35, 2, 1)},
              operands({2}, 0, 4, 5, 2), large));
  const auto masked = [](const Inputs& inputs, DType dtype) {
    std::vector<Inputs> samples;
    for (const Shape& shape : {Shape{3, 4}, Shape{2, 1, 1, 4}, Shape{2, 2, 3, 4}, Shape{2, 3, 1}, Shape{}})
      samples.push_back(with_mask(inputs, shape, dtype));
    return samples;
  };
  for (const DType dtype : {boolean, f64}) {
    const Inputs empty_masked = with_mask(empty, {3, 4}, dtype);
    add(rows_of({.masked = true}, masked(plain[0], dtype), empty_masked,
                with_mask(large, {2, 1, 1, 70}, dtype)));
    add(rows_of({.masked = true, .causal = true}, masked(plain[0], dtype), empty_masked,
                with_mask(large, {70, 70}, dtype)));
    add(rows_of({.masked = true, .causal = true, .dropout = 0.4}, masked(plain[0], dtype), empty_masked,
                with_mask(large, {2, 3, 70, 70}, dtype)));
  }
  add(rows_of({.dropout = 0.25}, plain, empty, large));
  rows.push_back(rotary_row());
  rows.push_back(additive_row());
  return rows;
}

}  // namespace gradus::test
