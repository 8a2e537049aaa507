// GPT: a Transformer that reads from left to right and says what comes next.
//
//   x = embedding(ids) + positions;  N layers: causal self-attention, feed-forward;  logits = E x_t,
//   E being the embedding's matrix once more
//
//   GPT-1  norms behind each sublayer.                              Radford et al. 2018
//   GPT-2  norms before it and once at the end, and the last weight of each path that is added begins
//          smaller, by 1/sqrt(2 N): 2 N of them add up.             Radford et al. 2019
//
//   const Gpt model(gpt_config("gpt-mini"));
//   const Tensor loss = cross_entropy(model(ids).flatten(0, 1), next.flatten());
//
// Every matrix begins normal with deviation 0.02, and every bias as zero.
// Shapes: B sequences of T tokens, of a vocabulary of V.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/models/decoding.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/position.h>
#include <gradus/nn/transformer.h>

namespace gradus::models {

struct GptConfig {
  std::int64_t vocabulary = 50'257, context = 1'024;
  std::int64_t width = 768, layers = 12, heads = 12;
  std::int64_t hidden = 0;  // 0: 4 width
  double dropout = 0;       // of embeddings too
  nn::NormPlace norm = nn::NormPlace::pre;
  nn::Activation activation = nn::Activation::gelu_tanh;
  nn::Position position = nn::Position::learned;
  bool scaled_residuals = true;  // the last weights begin smaller
  bool tied = true;              // the head's matrix is the embedding's
  double eps = 1e-5;             // of the norms

  std::int64_t hidden_width() const { return hidden > 0 ? hidden : 4 * width; }
  std::int64_t parameter_count() const;  // of a model that is made of this
};

// The published ones, by their names: gpt1, gpt2, gpt2-medium, gpt2-large, gpt2-xl, and shapes that a small
// computer trains, with GPT-2's vocabulary and context until they are given others: gpt-nano (3 layers, 3
// heads, 48 wide), gpt-micro (4, 4, 128), gpt-mini (6, 6, 192). An unknown name is refused with these.
GptConfig gpt_config(std::string_view name);
std::vector<std::string> gpt_config_names();

class Gpt : public nn::ModuleOf<Gpt> {
 public:
  using Options = GptConfig;
  explicit Gpt(const Options& options);

  // ids (B, T), T up to the context; logits (B, T, V). real: (B, T), true where an id is no padding, to which
  // nothing attends; it has a position like other ids.
  Tensor operator()(const Tensor& ids, const Tensor& real = {}) const;
  // What the head sees, (B, T, width).
  Tensor hidden_states(const Tensor& ids, const Tensor& real = {}) const;

  struct Attended {
    Tensor logits;
    std::vector<Tensor> layers;  // (B, heads, T, T)
  };
  Attended with_weights(const Tensor& ids) const;

  // Writes on, with keys and values of what was read kept, in the mode that the model is in: eval() first, if
  // it has dropout. Where the context is full, it reads the last half of a context anew, from the first
  // position on, and goes on behind that. Refers to the model.
  std::unique_ptr<Writer> writer() const;

  Options options;
  nn::Embedding embedding;
  nn::PositionalEncoding position;
  nn::Dropout dropout;
  nn::ModuleList<nn::TransformerEncoderLayer> layers;
  std::optional<nn::LayerNorm> norm;  // where norms come before sublayers
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.module("position", self.position);
    visit.module("dropout", self.dropout);
    visit.module("layers", self.layers);
    if (self.norm) visit.module("norm", *self.norm);
    visit.module("head", self.head);
  }

 private:
  class Writing;
  // What the layers make of ids that `offset` others came before; layer(k, x) calls layer k.
  template <class Layer>
  Tensor read(const Tensor& ids, std::int64_t offset, const Layer& layer) const;
};

}  // namespace gradus::models
