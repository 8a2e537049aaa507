// Layers that attend: each query gets the mean of the values, weighted by how well the keys fit it.
// Shapes: B sequences; Tq queries, Tk keys. Masks are true where a query may attend; a query that may attend
// to nothing gets zeros.
#pragma once

#include <optional>

#include <gradus/autograd/ops/attention.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/position.h>

namespace gradus::nn {

// How well a key k fits a query q:
//   dot       q . k                            Luong, Pham & Manning 2015
//   scaled    q . k / sqrt(width)              Vaswani et al. 2017
//   general   q . W k                          Luong, Pham & Manning 2015
//   additive  v . tanh(W_q q + W_k k)          Bahdanau, Cho & Bengio 2015
//   concat    v . tanh(W [q; k])               Luong, Pham & Manning 2015: additive, its two matrices in one
enum class Score { dot, scaled, general, additive, concat };

// One head between two sequences that each have a width of their own, as a decoder's states and what its
// encoder saw. What a score needs of the keys is computed once for all of a decoder's steps:
//
//   const Attention attention({.score = Score::additive, .query = 64, .key = 128, .hidden = 64});
//   const Attention::Memory memory = attention.memory(encoded, encoded, real);
//   for (...) context = attention(state.unsqueeze(1), memory);  // (B, 1, Dv)
//
// Weights, which begin as Linear's do: key.weight (query, key) if general; query.weight (hidden, query) and
// key.weight (hidden, key) if additive, concat.weight (hidden, query + key) if concat, and score.weight
// (1, hidden) with both of these.
class Attention : public ModuleOf<Attention> {
 public:
  struct Options {
    Score score = Score::scaled;
    std::int64_t query, key;  // widths; the same where the score is dot or scaled
    std::int64_t hidden = 0;  // of additive and concat
    double dropout = 0;       // of weights
  };
  explicit Attention(const Options& options);

  struct Memory {
    Tensor keys;    // (B, Tk, ..), as the score sees them
    Tensor values;  // (B, Tk, Dv)
    Tensor mask;    // (B, Tq or 1, Tk), or undefined
  };
  // keys: (B, Tk, key), values: (B, Tk, Dv). mask: (B, Tk), such as which tokens are real, or (B, Tq, Tk).
  Memory memory(const Tensor& keys, const Tensor& values, const Tensor& mask = {}) const;

  // queries: (B, Tq, query) to (B, Tq, Dv)
  Tensor operator()(const Tensor& queries, const Memory& memory) const;
  // The same and the weights (B, Tq, Tk), before dropout.
  AttentionResult with_weights(const Tensor& queries, const Memory& memory) const;

  Options options;
  Tensor query_weight, key_weight, concat_weight, score_weight;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("query.weight", self.query_weight);
    visit.parameter("key.weight", self.key_weight);
    visit.parameter("concat.weight", self.concat_weight);
    visit.parameter("score.weight", self.score_weight);
  }

 private:
  AttentionResult attend(const Tensor& queries, const Memory& memory, bool with_weights) const;
};

// What the queries of a call to MultiHeadAttention may attend to: all that each of these allows.
//   attention(x, {.causal = true, .real = ids != pad})
struct MayAttend {
  bool causal = false;  // nothing later than itself; the last query goes with the last key
  Tensor real = {};     // (B, Tk): which keys are tokens, not padding
  // (Tq, Tk) or what expands to (B, heads, Tq, Tk). Boolean, or numbers that are added to the scores.
  Tensor mask = {};
};

// Keys and values (B, heads, T, width / heads) of some tokens.
struct KeyValues {
  Tensor keys, values;
  KeyValues keep_rows(const Tensor& rows) const;  // row r becomes what row rows[r] is
};

// Keys and values of the tokens so far, to which all that come later attend. So a sequence that is written
// token by token costs one token each time, and the numbers are those of reading it at once. It has room for
// more than it holds: to append moves what was there only when that is full. Nothing is recorded.
class KeyValueCache {
 public:
  std::int64_t length() const { return length_; }
  void append(const KeyValues& more);
  KeyValues all() const;  // T = length()
  void keep_rows(const Tensor& rows);

 private:
  KeyValues room_;
  std::int64_t length_ = 0;
};

// `heads` times scaled dot-product attention side by side, each on its own part of the projections:
//   q, k, v = x W^T + b in three parts
//   y = concat_h(softmax(q_h k_h^T / sqrt(width / heads)) v_h) W_o^T + b_o
// Vaswani et al. 2017. x, y: (B, Tq, width). Laid out, named and begun as PyTorch's: in_proj_weight (3 width,
// width), the rows of q, then k, then v, is Xavier-uniform; out_proj.weight as a Linear's; biases are zeros.
class MultiHeadAttention : public ModuleOf<MultiHeadAttention> {
 public:
  struct Options {
    std::int64_t width, heads;
    bool bias = true;
    double dropout = 0;  // of weights
    // The longest sequence whose queries and keys are turned by their positions; 0: none are.
    std::int64_t rotary = 0;
  };
  explicit MultiHeadAttention(const Options& options);

  // Self-attention, and attention to a memory (B, Tk, width).
  Tensor operator()(const Tensor& x, const MayAttend& may = {}) const;
  Tensor operator()(const Tensor& x, const Tensor& memory, const MayAttend& may = {}) const;
  // Self-attention of tokens that come behind those in the cache, and then are in it too: what the call for
  // all of them at once gives at the places of x.
  Tensor operator()(const Tensor& x, KeyValueCache& cache, const MayAttend& may = {.causal = true}) const;
  // Attention to a memory whose keys and values were computed before, once for many calls.
  KeyValues key_values(const Tensor& memory) const;
  Tensor operator()(const Tensor& x, const KeyValues& memory, const MayAttend& may = {}) const;
  // The same and the weights of each head (B, heads, Tq, Tk), before dropout.
  AttentionResult with_weights(const Tensor& x, const MayAttend& may = {}) const;
  AttentionResult with_weights(const Tensor& x, const Tensor& memory, const MayAttend& may = {}) const;

  Options options;
  Tensor in_proj_weight, in_proj_bias;
  Linear out_proj;
  std::optional<Rotary> rotary;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("in_proj_weight", self.in_proj_weight);
    visit.parameter("in_proj_bias", self.in_proj_bias);
    visit.module("out_proj", self.out_proj);
    if (self.rotary) visit.module("rotary", *self.rotary);
  }

 private:
  struct Heads {
    Tensor q, k, v;  // (B, heads, T, width / heads)
  };
  std::vector<Tensor> cut(const Tensor& projected) const;
  Heads heads_of(const Tensor& x, std::int64_t offset = 0) const;
  Heads heads_of(const Tensor& x, const KeyValues& memory) const;
  std::vector<Tensor> projected(const Tensor& x, const char* name, std::int64_t from,
                                std::int64_t parts) const;
  AttentionOptions rule(const Heads& heads, const MayAttend& may) const;
  Tensor join(const Tensor& heads) const;
};

}  // namespace gradus::nn
