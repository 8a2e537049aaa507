// The Transformer: encoder and decoder without recurrence, each word of a sequence attending to all that it
// may know.
//
//   encoder   N layers: self-attention, feed-forward;  x = embedding(source) sqrt(width) + positions
//   decoder   N layers: causal self-attention, attention to the encoder's result, feed-forward
//             P(y_t | y_1 ... y_{t-1}, source) = softmax(W h_t)
//
// An embedding begins with deviation 1 / sqrt(width): so x has deviation 1, as positions about have, and
// where the matrix serves as W too, the first logits have.
//
// Around each sublayer a path and a norm, nn/transformer.h; where norms come first, each side norms once more
// at its end. Vaswani et al. 2017; norms first: Xiong et al. 2020
//
// To read it without ways to choose from, begin with transformer() in tutorials/16_transformer.cpp.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <gradus/data/pad.h>
#include <gradus/models/decoding.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/position.h>
#include <gradus/nn/transformer.h>

namespace gradus::models {

// What one matrix serves as:
//   none    source's and target's embeddings and the head each have their own
//   target  the target's embedding is the head's matrix as well
//   all     one for all three; both vocabularies must be the same
// Press & Wolf 2017
enum class Shared { none, target, all };

// Shapes: B sequences; a source has S tokens, a target T, of a vocabulary of V.
class Transformer : public nn::ModuleOf<Transformer> {
 public:
  struct Options {
    std::int64_t source_vocabulary, target_vocabulary;
    std::int64_t padding;  // of both
    std::int64_t width = 128, heads = 4, hidden = 512;
    std::int64_t encoder_layers = 3, decoder_layers = 3;
    double dropout = 0;  // of embeddings too
    nn::Activation activation = nn::Activation::relu;
    nn::NormPlace norm = nn::NormPlace::pre;
    nn::Position position = nn::Position::sinusoidal;
    std::int64_t max_length = 256;  // of a source, and of what a decoder is told
    Shared shared = Shared::target;
  };
  explicit Transformer(const Options& options);

  // Of a source whose mask is undefined, all ids are real. (B, S, width)
  Tensor encode(const data::Padded& source) const;
  // Logits (B, T, V) where the decoder is told at each place of input (B, T) what it should have written
  // before.
  Tensor operator()(const data::Padded& source, const Tensor& input) const;

  // The same, and how each head of each layer attended.
  struct Attended {
    Tensor logits;
    std::vector<Tensor> encoder;  // of each layer (B, heads, S, S)
    std::vector<Tensor> decoder;  // (B, heads, T, T)
    std::vector<Tensor> cross;    // (B, heads, T, S)
  };
  Attended with_weights(const data::Padded& source, const Tensor& input) const;

  // Writes a translation of each row; keys and values of what it has written are kept. Refers to the model,
  // which is best in eval mode. Not with normalised positions, which change with each token.
  std::unique_ptr<Writer> writer(const data::Padded& source) const;

  Options options;
  nn::Embedding source_embedding, target_embedding;
  nn::PositionalEncoding source_position, target_position;
  nn::ModuleList<nn::TransformerEncoderLayer> encoder;
  nn::ModuleList<nn::TransformerDecoderLayer> decoder;
  std::optional<nn::LayerNorm> encoder_norm, decoder_norm;
  nn::Linear head;
  nn::Dropout dropout;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("source_embedding", self.source_embedding);
    visit.module("target_embedding", self.target_embedding);
    visit.module("source_position", self.source_position);
    visit.module("target_position", self.target_position);
    visit.module("encoder", self.encoder);
    visit.module("decoder", self.decoder);
    if (self.encoder_norm) visit.module("encoder_norm", *self.encoder_norm);
    if (self.decoder_norm) visit.module("decoder_norm", *self.decoder_norm);
    visit.module("head", self.head);
    visit.module("dropout", self.dropout);
  }

 private:
  class Translation;
  Tensor embedded(const Tensor& ids, const nn::Embedding& embedding, const nn::PositionalEncoding& position,
                  std::int64_t offset = 0) const;
  template <class Each>
  Tensor encoded(const data::Padded& source, const Each& each) const;
  template <class Each>
  Tensor decoded(const Tensor& input, std::int64_t offset, const Each& each) const;
};

}  // namespace gradus::models
