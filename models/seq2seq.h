// Encoder and decoder: one recurrent network reads a sequence, another writes one.
//
//   encoder   h_1 ... h_S = cells(source), each word's state, and the last state
//   decoder   begins with the encoder's last state;  s_t = cell([embedding(y_{t-1}); c_t], s_{t-1})
//             P(y_t | y_1 ... y_{t-1}, source) = softmax(W s_t + b)
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

#include <gradus/data/pair_batches.h>
#include <gradus/models/decoding.h>
#include <gradus/models/recurrent.h>
#include <gradus/nn/attention.h>
#include <gradus/nn/linear.h>

namespace gradus::models {

enum class Context { start, fixed, attention };

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
    RecurrentState state;          // that the decoder begins with
    Tensor context;                // fixed: (B, hidden)
    nn::Attention::Memory memory;  // attention
  };
  Encoded encode(const Tensor& ids, const Tensor& lengths) const;  // (B, S) and (B,)

  // Logits (B, T, V) where the decoder is told at each place what it should have written before.
  // With a probability of 1 - `teacher` it is told instead, in training, what it finds most likely itself:
  // scheduled sampling, Bengio et al. 2015.
  Tensor operator()(const data::Padded& source, const Tensor& input, double teacher = 1) const;

  // The same without scheduled sampling, and how each step attended: (B, T, S).
  struct Attended {
    Tensor logits, weights;
  };
  Attended with_weights(const data::Padded& source, const Tensor& input) const;

  // Writes a translation of each row. Refers to the model.
  std::unique_ptr<Writer> writer(const data::Padded& source) const;
};

}  // namespace gradus::models
