// word2vec: vectors of words, from which words stand near which. A row of known words asks for a target:
//
//   h = mean of v_w over the known words w          v: input vectors, which are what is wanted
//   skip-gram knows one word and asks for each word around it, CBOW knows those and asks for it.
//
//   softmax             P(target | known) = exp(u_target . h) / sum over all words w of exp(u_w . h)
//                       loss = -log P              u: output vectors
//   negative sampling   loss = -log s(u_target . h) - sum over negatives n of log s(-u_n . h),
//                       s the sigmoid: the target is told from some drawn words instead of from all
//
// The loss of a batch is the mean over its rows. Mikolov, Chen, Corrado & Dean 2013; Mikolov, Sutskever,
// Chen, Corrado & Dean 2013
#pragma once

#include <gradus/data/context_batches.h>
#include <gradus/nn/linear.h>

namespace gradus::models {

class Word2Vec : public nn::ModuleOf<Word2Vec> {
 public:
  struct Options {
    std::int64_t vocabulary, width = 64;
  };
  explicit Word2Vec(const Options& options);

  Tensor negative_sampling_loss(const data::ContextBatch& batch) const;
  Tensor softmax_loss(const data::ContextBatch& batch) const;

  Options options;
  // Input vectors begin uniform in +-1 / (2 width), output vectors as zeros, as in the authors' program.
  nn::Embedding input, output;  // (V, width)

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("input", self.input);
    visit.module("output", self.output);
  }

 private:
  Tensor hidden(const data::Padded& known) const;  // (B, width)
};

}  // namespace gradus::models
