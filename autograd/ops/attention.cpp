#include <gradus/autograd/ops/attention.h>

#include <array>
#include <cmath>
#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/attention.h>
#include <gradus/core/kernels/random.h>

namespace gradus {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// (..., T, S)
Shape shape_of_scores(const Tensor& q, const Tensor& k) {
  Shape shape = q.shape();
  shape[q.rank() - 1] = k.size(-2);
  return shape;
}

bool expands(const Tensor& x, const Shape& shape) {
  if (x.rank() > shape.rank()) return false;
  for (int back = 1; back <= x.rank(); ++back)
    if (x.size(-back) != 1 && x.size(-back) != shape[shape.rank() - back]) return false;
  return true;
}

double scale_of(const Tensor& q, const AttentionOptions& options) {
  return options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
}

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v, const char* op) {
  check_floating(q.dtype(), op);
  check_same_dtype("q", q.dtype(), "k", k.dtype(), op);
  check_same_dtype("q", q.dtype(), "v", v.dtype(), op);
  const auto fits = [&] {
    if (q.rank() < 2 || k.rank() != q.rank() || v.rank() != q.rank()) return false;
    for (int axis = 0; axis < q.rank() - 2; ++axis)
      if (k.shape()[axis] != q.shape()[axis] || v.shape()[axis] != q.shape()[axis]) return false;
    return k.size(-1) == q.size(-1) && v.size(-2) == k.size(-2);
  };
  check(fits(), op,
        "q, k and v must be (..., T, D), (..., S, D) and (..., S, E) with the same leading axes; they are ",
        q.shape(), ", ", k.shape(), " and ", v.shape(), ". Transpose heads and positions, or expand?");
  check(q.size(-1) > 0, op, "q and k of shapes ", q.shape(), " and ", k.shape(),
        " have no features to compare. D of at least 1?");
}

void check_options(const Tensor& q, const Tensor& k, const AttentionOptions& options, const char* op) {
  const Tensor& mask = options.mask;
  if (mask.defined()) {
    check(mask.dtype() == boolean || mask.dtype() == q.dtype(), op,
          "the mask must be boolean (true = may attend) or ", q.dtype(), " (added to the scores), not ",
          mask.dtype(), ". Compare, as in mask != 0?");
    const Shape scores = shape_of_scores(q, k);
    check(expands(mask, scores), op, "a mask of shape ", mask.shape(), " does not expand to the scores' ",
          scores, ". Unsqueeze the axes it does not have?");
  }
  check(options.dropout >= 0 && options.dropout <= 1, op, "dropout is a probability between 0 and 1, not ",
        options.dropout, ". Divide a percentage by 100?");
}

void check_all(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
               const char* op) {
  check_operands(q, k, v, op);
  check_options(q, k, options, op);
}

// f(where the numbers of dropout are drawn)
template <class F>
auto with_draw(const Tensor& q, const Tensor& k, const AttentionOptions& options, const F& f) {
  if (options.dropout == 0) return f(RandomState{});
  Generator& generator = options.generator != nullptr ? *options.generator : default_generator();
  return generator.draw(kernels::random_blocks(numel_of(shape_of_scores(q, k), "attention"), boolean), f);
}

}  // namespace

// Attention, a step a line. kernels/attention.cpp computes the same a block of queries at a time.
AttentionResult definition::attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                      const AttentionOptions& options, const RandomState& from) {
  Tensor scores = matmul(q, k.t()) * scale_of(q, options);
  if (options.mask.defined()) {
    if (options.mask.dtype() == boolean)
      scores = masked_fill(scores, logical_not(options.mask), -infinity);
    else
      scores = scores + options.mask;
  }
  if (options.causal) {
    const std::int64_t queries = q.size(-2), keys = k.size(-2);
    const Tensor last_seen =
        arange(0, static_cast<double>(queries), 1, i64) + static_cast<double>(keys - queries);
    const Tensor later = arange(0, static_cast<double>(keys), 1, i64) > last_seen.unsqueeze(-1);  // (T, S)
    scores = masked_fill(scores, later, -infinity);
  }
  const Tensor weights = gradus::softmax(scores, -1);
  return {matmul(gradus::dropout(weights, options.dropout, from), v), weights};
}

AttentionResult attention_with_weights(const Tensor& q, const Tensor& k, const Tensor& v,
                                       const AttentionOptions& options) {
  check_all(q, k, v, options, "attention_with_weights");
  return with_draw(q, k, options,
                   [&](const RandomState& from) { return definition::attention(q, k, v, options, from); });
}

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options) {
  const char* const op = "scaled_dot_product_attention";
  check_all(q, k, v, options, op);
  const Shape scores = shape_of_scores(q, k);
  const Tensor mask =
      options.mask.defined() && options.mask.shape() != scores ? options.mask.expand(scores) : options.mask;
  kernels::AttentionRule rule{scale_of(q, options), options.causal, options.dropout, {}};
  const kernels::Attention out = with_draw(q, k, options, [&](const RandomState& from) {
    rule.from = from;
    return kernels::attention(q, k, v, mask, rule);
  });

  const double heads = static_cast<double>(numel_of(scores, op)) /
                       static_cast<double>(std::max<std::int64_t>(1, q.size(-2) * k.size(-2)));
  const auto pairs = static_cast<double>(kernels::attended_pairs(q.size(-2), k.size(-2), options.causal));
  const double flops = heads * pairs * 2 * static_cast<double>(q.size(-1) + v.size(-1));
  // Two products forward; those of dv, dw, dq and dk backward.
  const OpInfo info(op, Products{flops, 2 * flops});
  return record(
      info, out.out, inputs(q, k, v, mask), saves(q, k, v, mask, out.out, out.normalisers),
      [rule](Backward& back, const Tensor& dout, const Tensor& q, const Tensor& k, const Tensor& v,
             const Tensor& mask, const Tensor& out, const Tensor& normalisers) {
        auto gradients =
            kernels::attention_backward(dout, q, k, v, mask, {out, normalisers}, rule, back.wants(3));
        back.give(0, std::move(gradients.dq));
        back.give(1, std::move(gradients.dk));
        back.give(2, std::move(gradients.dv));
        back.give(3, std::move(gradients.dmask));
      },
      [causal = rule.causal, dropout = rule.dropout, scale = rule.scale, from = rule.from](
          const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
        return definition::attention(
                   q, k, v, {.mask = mask, .causal = causal, .dropout = dropout, .scale = scale}, from)
            .output;
      });
}

Tensor definition::additive_scores(const Tensor& q, const Tensor& k, const Tensor& weight) {
  return gradus::linear(tanh(q.unsqueeze(2) + k.unsqueeze(1)), weight).squeeze(-1);
}

Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& weight) {
  const char* const op = "additive_scores";
  check_floating(q.dtype(), op);
  check_same_dtype("q", q.dtype(), "k", k.dtype(), op);
  check_same_dtype("q", q.dtype(), "weight", weight.dtype(), op);
  check(q.rank() == 3 && k.rank() == 3 && q.shape()[0] == k.shape()[0] && q.shape()[2] == k.shape()[2], op,
        "q and k must be (B, Tq, H) and (B, Tk, H); they are ", q.shape(), " and ", k.shape(),
        ". Project them to one width?");
  check(weight.shape() == Shape{1, q.shape()[2]}, op, "the weight must be (1, H), here ",
        Shape{1, q.shape()[2]}, ", not ", weight.shape(), ". Unsqueeze an axis?");
  const double flops = 2.0 * static_cast<double>(q.numel() * k.shape()[1]);
  return record(
      {op, flops}, kernels::additive_scores(q, k, weight), inputs(q, k, weight), saves(q, k, weight),
      [](Backward& back, const Tensor& dscores, const Tensor& q, const Tensor& k, const Tensor& weight) {
        auto gradients = kernels::additive_scores_backward(dscores, q, k, weight);
        back.give(0, std::move(gradients.dq));
        back.give(1, std::move(gradients.dk));
        back.give(2, std::move(gradients.dweight));
      },
      definition::additive_scores);
}

Tensor definition::rotary(const Tensor& x, const Tensor& turns) {
  // (..., T, D) as (..., T, D/2, 2), and its parts (..., T, D/2)
  const auto parts = [](const Tensor& of) {
    Shape pairs = of.shape();
    pairs[of.rank() - 1] /= 2;
    pairs.push_back(2);
    const Tensor apart = of.reshape(pairs);
    return std::array{apart.select(-1, 0), apart.select(-1, 1)};
  };
  const auto [a, b] = parts(x);
  const auto [sine, cosine] = parts(turns);
  return stack({a * cosine - b * sine, a * sine + b * cosine}, -1).reshape(x.shape());
}

Tensor rotary(const Tensor& x, const Tensor& turns) {
  const char* const op = "rotary";
  check_floating(x.dtype(), op);
  check_same_dtype("x", x.dtype(), "turns", turns.dtype(), op);
  check(x.rank() >= 1 && x.size(-1) % 2 == 0, op, "turns pairs of features, and x of shape ", x.shape(),
        " has an odd number of them. Make the last axis even?");
  check(expands(turns, x.shape()) && turns.rank() >= 1 && turns.size(-1) == x.size(-1), op, "turns of shape ",
        turns.shape(), " does not expand to x's ", x.shape(),
        ". One row of sines and cosines for each position, (T, D)?");
  const Tensor each = turns.detach().expand(x.shape());
  return record(
      {op, 3 * static_cast<double>(x.numel())}, kernels::rotary(x, each, kernels::Turn::forward),
      inputs(x, each), saves(each),
      [](Backward& back, const Tensor& dy, const Tensor& turns) {
        back.give(0, kernels::rotary(dy, turns, kernels::Turn::back));
      },
      definition::rotary);
}

}  // namespace gradus
