// A Transformer that writes all words of a translation at once: no word waits for the one before it, and none
// knows which one that is.
//
//   length    P(T | source) = softmax(W mean_s h_s + b), of the encoder's result h
//   decoder   begins with the source's words, spread evenly over the T places, and sees to both sides:
//             x_t = embedding(source_{floor(t S / T)}) sqrt(width) + position t,   t = 0 ... T - 1
//             P(y_t | T, source), each t for itself
//
// Where two translations are as good, each word may be of another one: what comes out can be neither.
// Gu et al. 2018, whose numbers of copies are learned; the length as here: Lee et al. 2018
#pragma once

#include <vector>

#include <gradus/models/transformer.h>

namespace gradus::models {

// Shapes: B sequences; a source has S tokens, a target T, of a vocabulary of V.
class ParallelTranslator : public nn::ModuleOf<ParallelTranslator> {
 public:
  // As the Transformer's; its target embedding is the head's matrix alone, and so .shared is Shared::target
  // or Shared::all.
  using Options = Transformer::Options;
  explicit ParallelTranslator(const Options& options);

  struct Result {
    Tensor logits;   // (B, T, V), T the largest of `lengths`
    Tensor lengths;  // (B, max_length): logits of 1, 2, ..., max_length tokens
  };
  // Of translations that have so many tokens: lengths (B,).
  Result operator()(const data::Padded& source, const Tensor& lengths) const;

  // The mean over all tokens and that over all lengths, of -log P.
  Tensor loss(const data::Padded& source, const data::Padded& target) const;

  // The most likely length, and the most likely token at each of its places.
  std::vector<data::Ids> translate(const data::Padded& source) const;

  Options options;
  Transformer transformer;
  nn::Linear length;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("transformer", self.transformer);
    visit.module("length", self.length);
  }

 private:
  Tensor length_logits(const Tensor& memory, const Tensor& real) const;
  Tensor decoded(const data::Padded& source, const Tensor& memory, const data::Ids& lengths) const;
};

}  // namespace gradus::models
