// A language model with a recurrent memory: P(next word | all words before).
//
//   h_t = cell(embedding(x_t), h_{t-1}),  logits_t = W h_t + b,  P(x_{t+1} | x_1 ... x_t) = softmax(logits_t)
//
//   const RnnLm model({.vocabulary = 440, .cell = Cell::lstm, .width = 128, .hidden = 256});
//   const Tensor loss = cross_entropy(model(ids).logits.flatten(0, 1), next.flatten());
//
// Mikolov et al. 2010; tied weights: Press & Wolf 2017
#pragma once

#include <memory>

#include <gradus/models/decoding.h>
#include <gradus/models/recurrent.h>
#include <gradus/nn/linear.h>

namespace gradus::models {

class RnnLm : public nn::ModuleOf<RnnLm> {
 public:
  struct Options {
    std::int64_t vocabulary;
    Cell cell = Cell::lstm;
    std::int64_t width = 128, hidden = 128, layers = 1;  // width: of the embedding
    double dropout = 0;  // of the embedding, between layers and before the head
    bool tied = false;   // the head's matrix is the embedding's, so that width must be hidden
  };
  explicit RnnLm(const Options& options);

  struct Result {
    Tensor logits;  // (B, T, V)
    RecurrentState state;
  };
  // ids: (B, T). Goes on from a state, such as the one that the last part of a long text left.
  Result operator()(const Tensor& ids, const RecurrentState& state = {}) const;

  // Writes on from a state, or from no words at all, in the mode that the model is in: eval() first, if it
  // has dropout. Refers to the model.
  std::unique_ptr<Writer> writer(const RecurrentState& state = {}) const;

  Options options;
  nn::Embedding embedding;
  Recurrent recurrent;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.module("recurrent", self.recurrent);
    visit.module("head", self.head);
  }
};

}  // namespace gradus::models
