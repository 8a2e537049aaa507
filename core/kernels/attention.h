// Attention on memory, without gradients and without a T x S tensor: scores exist for one block of queries at
// a time. q: (..., T, D), k: (..., S, D), v: (..., S, E), of one floating dtype.
// mask, where it is defined, is expanded to (..., T, S): boolean, true where a query may look at a key, or
// numbers that are added to the scores.
//
// Operands whose last axis is adjacent in memory are read where they lie, and results are laid out
// as they are: heads that were cut from one projection stay in place on the way in, and joining
// them on the way out moves nothing.
#pragma once

#include <cstdint>

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

struct AttentionRule {
  double scale;
  bool causal;     // query i sees the keys j <= i + S - T only
  double dropout;  // the part of the weights that is set to 0
  // Where dropout's numbers begin: weight (i, j) of head h takes lane (h T + i) S + j.
  RandomState from;
};

// out = softmax(scale q k^T + mask) v: (..., T, E). normalisers: (..., T, 2), each query's largest score and
// the logarithm of sum exp(score - largest); apart, because behind a large score their sum would have no
// digits left for the second. A query that sees no key has the largest score +infinity, which makes its
// weights 0, and a row of zeros in `out`.
struct Attention {
  Tensor out, normalisers;
};
Attention attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                    const AttentionRule& rule);

// dmask: (..., T, S), if it is wanted.
struct AttentionGradients {
  Tensor dq, dk, dv, dmask;
};
AttentionGradients attention_backward(const Tensor& dout, const Tensor& q, const Tensor& k, const Tensor& v,
                                      const Tensor& mask, const Attention& forward, const AttentionRule& rule,
                                      bool wants_dmask);

// Each pair of features (x_2i, x_2i+1) turned in its plane, forward or back. turns: of x's shape, the angle's
// sine at 2i and its cosine at 2i + 1; the last axis, of even size, may have any stride, as all others.
enum class Turn : bool { forward, back };
Tensor rotary(const Tensor& x, const Tensor& turns, Turn direction);

// scores_ij = sum_h weight_h tanh(q_ih + k_jh), the tanh not kept: the backward pass computes it again.
// q: (B, Tq, H), k: (B, Tk, H), weight: (1, H), scores: (B, Tq, Tk)
Tensor additive_scores(const Tensor& q, const Tensor& k, const Tensor& weight);
struct AdditiveScoresGradients {
  Tensor dq, dk, dweight;
};
AdditiveScoresGradients additive_scores_backward(const Tensor& dscores, const Tensor& q, const Tensor& k,
                                                 const Tensor& weight);

// How many pairs of a query and a key attend to each other, masks aside.
std::int64_t attended_pairs(std::int64_t queries, std::int64_t keys, bool causal);

}  // namespace gradus::kernels
