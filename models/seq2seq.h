// Encoder and decoder: one recurrent network reads a sequence, another writes one.
//
//   encoder   h_1 ... h_S = cells(source), each word's state, and the last state
//   decoder   begins with the encoder's last state;  s_t = cell([embedding(y_{t-1}); c_t], s_{t-1})
//             P(y_t | y_1 ... y_{t-1}, source) = softmax(W s_t + b)
//
// The decoder's layers begin where the encoder's ended. Of an encoder that reads in both directions, what the
// two ended with is added if its outputs are; if they are beside each other, it is brought to the decoder's
// width: s_0 = tanh(W [forward; backward] + b), for each layer, and for an LSTM's c likewise.
//
// What c_t, the context, is:
//   Context::start      nothing: all that is known of the source is the state that the decoder begins with.
//                                                                                Sutskever et al. 2014
//   Context::fixed      the encoder's last state at every step.                  Cho et al. 2014
//   Context::attention  a mean of h_1 ... h_S, weighted anew at every step by how well each fits s_{t-1};
//                       scores: nn/attention.h.                                  Bahdanau et al. 2015
#pragma once

#include <memory>
#include <optional>

#include <gradus/data/pad.h>
#include <gradus/models/decoding.h>
#include <gradus/models/recurrent.h>
#include <gradus/nn/attention.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>

namespace gradus::models {

enum class Context { start, fixed, attention };

// Shapes: B sequences; a source has S tokens, a target T, of a vocabulary of V; L layers.
class Seq2Seq : public nn::ModuleOf<Seq2Seq> {
 public:
  struct Options {
    std::int64_t source_vocabulary, target_vocabulary;
    std::int64_t padding;  // of both
    Cell cell = Cell::gru;
    Context context = Context::attention;
    nn::Score score = nn::Score::additive;
    std::int64_t width = 128, hidden = 128, layers = 1;       // width: of the embeddings
    nn::Bidirectional bidirectional = nn::Bidirectional::no;  // the encoder
    double dropout = 0;  // of embeddings, between layers and before the head
  };
  explicit Seq2Seq(const Options& options);

  // What the decoder knows of the sources.
  struct Encoded {
    RecurrentState state;               // that the decoder begins with
    Tensor context = {};                // fixed: (B, hidden)
    nn::Attention::Memory memory = {};  // attention

    Encoded keep_rows(const Tensor& rows) const;  // row r becomes what row rows[r] is
  };
  // Of a source whose mask and lengths are undefined, all ids are real.
  Encoded encode(const data::Padded& source) const;

  // Logits (B, T, V) where the decoder is told at each place of input (B, T) what it should have written
  // before. With a probability of 1 - `teacher` it is told instead, in training, what it finds most likely
  // itself: scheduled sampling, Bengio et al. 2015. No gradient flows through such a choice.
  Tensor operator()(const data::Padded& source, const Tensor& input, double teacher = 1) const;

  // The same without scheduled sampling, and how each step attended: (B, T, S).
  struct Attended {
    Tensor logits, weights;
  };
  Attended with_weights(const data::Padded& source, const Tensor& input) const;

  // Writes a translation of each row. Refers to the model, which is best in eval mode.
  std::unique_ptr<Writer> writer(const data::Padded& source) const;

  Options options;
  nn::Embedding source_embedding, target_embedding;
  Recurrent encoder;
  nn::ModuleList<nn::Linear> bridge_h, bridge_c;  // a layer each
  std::optional<nn::Attention> attention;
  Recurrent decoder;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("source_embedding", self.source_embedding);
    visit.module("target_embedding", self.target_embedding);
    visit.module("encoder", self.encoder);
    visit.module("bridge_h", self.bridge_h);
    visit.module("bridge_c", self.bridge_c);
    if (self.attention) visit.module("attention", *self.attention);
    visit.module("decoder", self.decoder);
    visit.module("head", self.head);
  }

 private:
  class Translation;
  struct Steps {
    Tensor output;  // (B, T, hidden)
    RecurrentState state;
    Tensor weights = {};  // (B, T, S)
  };
  Tensor thinned(const Tensor& x) const;
  Tensor told(const Tensor& ids) const;
  Steps advance(const Tensor& embedded, const Encoded& encoded, const RecurrentState& state,
                bool with_weights = false) const;
  Steps decode(const Encoded& encoded, RecurrentState state, const Tensor& input, bool with_weights) const;
  Tensor scheduled(const Encoded& encoded, const Tensor& input, double teacher) const;
};

}  // namespace gradus::models
