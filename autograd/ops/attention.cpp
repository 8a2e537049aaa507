#include <gradus/autograd/ops/attention.h>

#include <cmath>
#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
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
    const auto expands = [&] {
      if (mask.rank() > scores.rank()) return false;
      for (int back = 1; back <= mask.rank(); ++back)
        if (mask.size(-back) != 1 && mask.size(-back) != scores[scores.rank() - back]) return false;
      return true;
    };
    check(expands(), op, "a mask of shape ", mask.shape(), " does not expand to the scores' ", scores,
          ". Unsqueeze the axes it does not have?");
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
  const OpInfo info(op, heads * pairs * 2 * static_cast<double>(q.size(-1) + v.size(-1)));
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

}  // namespace gradus
