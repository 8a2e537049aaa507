// ELMo: vectors of words in their sentence, from a language model in each direction.
//
//   forward    P(x_{t+1} | x_1 ... x_t),       by LSTMs of which each reads the one below
//   backward   P(x_{t-1} | x_t ... x_T),       by others, from a sequence's last word to its first
//
// Both share the embedding and the head, and neither sees anything of the other: a word that is to be told
// must not be known. What the two have made of place t is joined afterwards, in each of L layers:
//
//   h_{t,0} = [x_t; x_t],   h_{t,j} = [forward state; backward state]     embedding and states are as wide
//   vector of place t = gamma * sum_j softmax(s)_j h_{t,j}
//
// with s and gamma learned by each task for itself: LayerMix. As features of a task, the language model may
// be frozen or trained on.
//
//   const Elmo elmo({.vocabulary = 440});
//   const LayerMix mix({.layers = 3});                            // L + 1
//   const Tensor vectors = mix(elmo.features(ids, lengths));      // (B, T, 2 width)
//
// Peters et al. 2018
#pragma once

#include <vector>

#include <gradus/nn/containers.h>
#include <gradus/nn/dropout.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/recurrent.h>

namespace gradus::models {

class Elmo : public nn::ModuleOf<Elmo> {
 public:
  struct Options {
    std::int64_t vocabulary;
    std::int64_t width = 128, layers = 2;  // width: of the embedding and of each direction's states
    double dropout = 0;                    // of the embedding, between layers and before the head
  };
  explicit Elmo(const Options& options);

  // The mean of both directions' cross entropies, over all words that have one before, or behind them.
  // ids: (B, T). lengths: (B,), how many of each row are real; undefined: all. What is behind changes
  // nothing.
  Tensor loss(const Tensor& ids, const Tensor& lengths = {}) const;

  // h_0 ... h_L, (B, T, 2 width) each; zeros behind a row's end.
  std::vector<Tensor> features(const Tensor& ids, const Tensor& lengths = {}) const;

  Options options;
  nn::Embedding embedding;
  nn::ModuleList<nn::LSTM> forward_layers, backward_layers;  // an LSTM of one layer each
  nn::Linear head;
  nn::Dropout dropout;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.module("forward_layers", self.forward_layers);
    visit.module("backward_layers", self.backward_layers);
    visit.module("head", self.head);
    visit.module("dropout", self.dropout);
  }

 private:
  // Of each layer, the embedding first: (B, T, width).
  struct States {
    std::vector<Tensor> forward, backward;
  };
  States run(const Tensor& ids, const Tensor& lengths) const;
};

// gamma * sum_j softmax(s)_j h_j. The s begin as zeros and gamma as 1: the mean of the layers.
class LayerMix : public nn::ModuleOf<LayerMix> {
 public:
  struct Options {
    std::int64_t layers;
  };
  explicit LayerMix(const Options& options);
  Tensor operator()(const std::vector<Tensor>& layers) const;

  Options options;
  Tensor scores, gamma;  // (layers,) and ()

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("scores", self.scores);
    visit.parameter("gamma", self.gamma);
  }
};

}  // namespace gradus::models
