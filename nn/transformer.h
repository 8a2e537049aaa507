// The layers of a Transformer. Vaswani et al. 2017
#pragma once

#include <gradus/nn/attention.h>
#include <gradus/nn/blocks.h>
#include <gradus/nn/norm.h>

namespace gradus::nn {

// Where a sublayer f normalises:
//   post  y = norm(x + f(x))    as in 2017
//   pre   y = x + f(norm(x))    as in GPT-2, where the model norms once more at its end
enum class NormPlace { pre, post };

struct TransformerOptions {
  std::int64_t width, heads, hidden;  // hidden: between the two layers of the feed-forward network
  double dropout = 0;  // of each sublayer's result, of attention's weights, and of what is hidden
  Activation activation = Activation::relu;
  NormPlace norm = NormPlace::post;
  std::int64_t rotary = 0;  // of self-attention, see MultiHeadAttention
  double eps = 1e-5;        // of the norms
};

// Self-attention, then a feed-forward network, each with a path around it. x, y: (B, T, width). With
// {.causal = true} it is the block of GPT. Names are PyTorch's.
class TransformerEncoderLayer : public ModuleOf<TransformerEncoderLayer> {
 public:
  using Options = TransformerOptions;
  explicit TransformerEncoderLayer(const Options& options);
  Tensor operator()(const Tensor& x, const MayAttend& may = {}) const;
  // Of tokens that come behind those in the cache.
  Tensor operator()(const Tensor& x, KeyValueCache& cache, const MayAttend& may = {.causal = true}) const;
  // The same as the first and how each head attended, (B, heads, T, T).
  AttentionResult with_weights(const Tensor& x, const MayAttend& may = {}) const;

  Options options;
  MultiHeadAttention self_attn;
  FeedForward feed_forward;
  LayerNorm norm1, norm2;
  Dropout dropout1, dropout2;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("self_attn", self.self_attn);
    FeedForward::members(self.feed_forward, visit);
    visit.module("norm1", self.norm1);
    visit.module("norm2", self.norm2);
    visit.module("dropout1", self.dropout1);
    visit.module("dropout2", self.dropout2);
  }

 private:
  template <class Attend>
  Tensor layer(const Tensor& x, const Attend& attend) const;
};

// The same with attention to a memory (B, Tk, width), what the encoder gives, between the two.
class TransformerDecoderLayer : public ModuleOf<TransformerDecoderLayer> {
 public:
  using Options = TransformerOptions;
  explicit TransformerDecoderLayer(const Options& options);
  Tensor operator()(const Tensor& x, const Tensor& memory, const MayAttend& may = {.causal = true},
                    const MayAttend& may_of_memory = {}) const;

  // What decoding token by token keeps: keys and values of the tokens so far, and of the memory.
  struct Cache {
    KeyValueCache own;
    KeyValues memory;
    void keep_rows(const Tensor& rows);
  };
  Cache cache(const Tensor& memory) const;
  Tensor operator()(const Tensor& x, Cache& cache, const MayAttend& may_of_memory = {}) const;

  // The same as the first and how each head attended, (B, heads, T, T) and (B, heads, T, Tk).
  struct Attended {
    Tensor output, weights, memory_weights;
  };
  Attended with_weights(const Tensor& x, const Tensor& memory, const MayAttend& may = {.causal = true},
                        const MayAttend& may_of_memory = {}) const;

  Options options;
  MultiHeadAttention self_attn, multihead_attn;
  FeedForward feed_forward;
  LayerNorm norm1, norm2, norm3;
  Dropout dropout1, dropout2, dropout3;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("self_attn", self.self_attn);
    visit.module("multihead_attn", self.multihead_attn);
    FeedForward::members(self.feed_forward, visit);
    visit.module("norm1", self.norm1);
    visit.module("norm2", self.norm2);
    visit.module("norm3", self.norm3);
    visit.module("dropout1", self.dropout1);
    visit.module("dropout2", self.dropout2);
    visit.module("dropout3", self.dropout3);
  }

 private:
  template <class Attend, class AttendToMemory>
  Tensor layer(const Tensor& x, const Attend& attend, const AttendToMemory& attend_to_memory) const;
};

// Every matrix of the model anew, normal with deviation `std`, and every bias zero: how BERT and GPT begin.
// Norms and what else is no matrix stay.   Radford et al. 2018, Devlin et al. 2019
void normal_weights(Module& model, double std = 0.02);

}  // namespace gradus::nn
