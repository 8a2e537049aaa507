// Scaled dot-product attention, in two forms: fused, without a T x S tensor, and with the weights for those
// who want to look at them. And rotary positions, which queries and keys are given before. To read what it
// does, begin with definition::attention in attention.cpp; layers that use it are in nn/attention.h.
//
// T queries look at S keys; each gets the mean of the keys' values, weighted by how well key and query agree:
//   softmax(scale * q k^T + mask) v      q: (..., T, D)  k: (..., S, D)  v: (..., S, E)  ->  (..., T, E)
// The leading axes, such as batch and heads, are those of all three. Vaswani et al. 2017
#pragma once

#include <optional>

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus {

struct AttentionOptions {
  // Which keys a query may see: expands to (..., T, S), so (T, S) serves all heads and (B, 1, 1, S)
  // hides each sequence's padding. Boolean: true = may attend. Floating: added to the scores,
  // -infinity hides; it may be learned, as relative positions are. A query that sees no key gets
  // zeros, and no gradient flows through it.
  Tensor mask = {};
  // Query i sees the keys j <= i + S - T: the last query sees all, also where earlier keys come from a cache.
  // It adds to the mask.
  bool causal = false;
  // The probability that a weight is set to 0, the others divided by what is left. Training only.
  double dropout = 0;
  Generator* generator = nullptr;    // of dropout; null: the default one
  std::optional<double> scale = {};  // 1 / sqrt(D) unless set, which keeps the scores' variance at 1
};

// Keeps for the backward pass its operands, its output and two numbers a query; weights are computed a block
// of queries at a time, and again in the backward pass. Dao et al. 2022
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    const AttentionOptions& options = {});

// The same from ops that each do one step, and the weights (..., T, S), as they are before dropout: rows sum
// to 1, or to 0 where nothing is seen.
struct AttentionResult {
  Tensor output, weights;
};
AttentionResult attention_with_weights(const Tensor& q, const Tensor& k, const Tensor& v,
                                       const AttentionOptions& options = {});

// scores_ij = weight . tanh(q_i + k_j): how well key j fits query i, of which q and k are projections. Keeps
// its operands alone for the backward pass, not the (B, Tq, Tk, H) under the sum.
// q: (B, Tq, H), k: (B, Tk, H), weight: (1, H), scores: (B, Tq, Tk)    Bahdanau, Cho & Bengio 2015
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& weight);

// Each pair of features turned in its plane by an angle, as (x_2i, x_2i+1) are the parts of a complex number:
//   y_2i = x_2i cos - x_2i+1 sin      y_2i+1 = x_2i sin + x_2i+1 cos
// x, y: (..., T, D), D even. turns: (T, D), or what expands to x, has the angle's sine at 2i and its cosine
// at 2i + 1, as nn::sinusoids() gives them: angles proportional to the position. Turned so, q_m . k_n depends
// on positions by m - n alone. turns gets no gradient. Su et al. 2021, whose pairs are neighbours, as here;
// GPT-NeoX pairs x_i with x_i+D/2, which are other weights for the same.
Tensor rotary(const Tensor& x, const Tensor& turns);

namespace definition {
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& weight);
Tensor rotary(const Tensor& x, const Tensor& turns);
// Dropout's numbers are those that begin at `from`.
AttentionResult attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                          const RandomState& from);
}  // namespace definition

}  // namespace gradus
