// BERT: a Transformer's encoder that sees both sides of each word, trained to say what was hidden from it.
//
//   x = norm(word + position + segment);  N layers: self-attention, feed-forward, norms behind each
//   pooled = tanh(W x_[CLS] + b)
//
// Pre-training asks two questions at once, and adds their losses: which tokens were hidden (MLM), and whether
// the second sentence follows the first (NSP). Devlin, Chang, Lee & Toutanova 2019
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/bert_batches.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/dropout.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/norm.h>
#include <gradus/nn/transformer.h>

namespace gradus::models {

struct BertConfig {
  std::int64_t vocabulary = 30'522, context = 512, segments = 2;
  std::int64_t width = 768, layers = 12, heads = 12;
  std::int64_t hidden = 0;  // 0: 4 width
  std::int64_t padding = 0;
  double dropout = 0.1;
  double eps = 1e-12;       // of the norms
  double deviation = 0.02;  // of weights, as they begin

  std::int64_t hidden_width() const { return hidden > 0 ? hidden : 4 * width; }
  std::int64_t parameter_count() const;  // of a Bert that is made of this, with its pooler
};

// tiny (2 layers, 128 wide), mini (4, 256), small (4, 512), base (12, 768), large (24, 1024); heads are 64
// wide. Turc et al. 2019. An unknown name is refused with these.
BertConfig bert_config(std::string_view name);
std::vector<std::string> bert_config_names();

// B sequences of T tokens.
struct BertText {
  Tensor ids;            // (B, T)
  Tensor segments = {};  // (B, T); undefined: all 0
  Tensor mask = {};      // (B, T), true where an id is real; undefined: all are
};

class Bert : public nn::ModuleOf<Bert> {
 public:
  using Options = BertConfig;
  explicit Bert(const Options& options);

  // (B, T, width)
  Tensor operator()(const BertText& text) const;
  // What the first `count` layers give, without those behind them.
  Tensor through(std::int64_t count, const BertText& text) const;
  // Of what the call gives, what stands for the whole text: (B, width).
  Tensor pooled(const Tensor& tokens) const;
  // What the first layer reads and what each one gives, (B, T, width) each; the last is what the call gives.
  std::vector<Tensor> hidden_states(const BertText& text) const;
  struct Attended {
    Tensor tokens;
    std::vector<Tensor> layers;  // (B, heads, T, T)
  };
  Attended with_weights(const BertText& text) const;

  Options options;
  nn::Embedding word, position, segment;
  nn::LayerNorm norm;
  nn::Dropout dropout;
  nn::ModuleList<nn::TransformerEncoderLayer> layers;
  nn::Linear pooler;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("word", self.word);
    visit.module("position", self.position);
    visit.module("segment", self.segment);
    visit.module("norm", self.norm);
    visit.module("dropout", self.dropout);
    visit.module("layers", self.layers);
    visit.module("pooler", self.pooler);
  }

 private:
  Tensor embedded(const BertText& text) const;
};

// Says what stood where a word is hidden: logits = E norm(gelu(W x + b)) + c, E being the word embedding's
// matrix.
class WordHead : public nn::ModuleOf<WordHead> {
 public:
  explicit WordHead(const Bert& bert);  // whose matrix it shares

  Tensor operator()(const Tensor& tokens) const;  // (..., width) to (..., V)
  // The mean over the hidden words; logits are computed there alone. Labels are those words, (..., T) as the
  // tokens, and ignore_index elsewhere.
  Tensor loss(const Tensor& tokens, const Tensor& labels) const;

  nn::Linear transform;
  nn::LayerNorm norm;
  nn::Linear decoder;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("transform", self.transform);
    visit.module("norm", self.norm);
    visit.module("decoder", self.decoder);
  }
};

// With the heads of pre-training: mlm tells hidden words; nsp  logits = W pooled + b: 0, the second sentence
// follows; 1, it does not.
class BertPretraining : public nn::ModuleOf<BertPretraining> {
 public:
  using Options = BertConfig;
  explicit BertPretraining(const Options& options);

  Tensor nsp(const Tensor& tokens) const;  // (B, T, width) to (B, 2)

  // What the batch's questions cost, each a mean: over hidden tokens, over pairs; total is their sum. The
  // heads see what the first `layers` of the encoder give, or all of them.
  struct Loss {
    Tensor total, mlm, nsp;
  };
  Loss loss(const data::BertBatch& batch, std::int64_t layers) const;
  Loss loss(const data::BertBatch& batch) const { return loss(batch, options.layers); }

  Options options;
  Bert bert;
  WordHead mlm;
  nn::Linear next;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("bert", self.bert);
    WordHead::members(self.mlm, visit);
    visit.module("next", self.next);
  }
};

}  // namespace gradus::models
