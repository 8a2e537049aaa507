// How well a model translates: whole sentences, and token by token. For every model that has
//
//   Tensor operator()(const data::Padded& source, const Tensor& input) const;       // logits (B, T, V)
//   std::unique_ptr<Writer> writer(const data::Padded& source) const;
//   Attended with_weights(const data::Padded& source, const Tensor& input) const;   // .weights (B, T, S)
//
// and is in eval mode. Sentences of about one length share a batch; nothing is recorded.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <gradus/data/en_fr.h>
#include <gradus/data/metrics.h>
#include <gradus/data/pair_batches.h>
#include <gradus/models/decoding.h>

namespace gradus::models {

using MakeWriter = std::function<std::unique_ptr<Writer>(const data::Padded& source)>;
using Logits = std::function<Tensor(const data::Padded& source, const Tensor& input)>;
using Weights = std::function<Tensor(const data::Padded& source, const Tensor& input)>;
using SourceHeads = std::function<std::vector<Tensor>(const data::Padded& source)>;

// What is asked of a translator, whatever it is made of.
struct Translator {
  MakeWriter writer;
  Logits logits;
  Weights weights = {};    // if it attends
  SourceHeads heads = {};  // if words of the source attend to each other
};

struct TranslateOptions {
  data::DecoderIds ids;
  std::int64_t max_length = 64;
  std::int64_t width = 1;  // of the beam; 1: greedy
  double length_penalty = 0.6;
  std::int64_t batch = 64;  // sentences
};

// The best translation of each source, in their order.
std::vector<data::Ids> translate(const MakeWriter& writer, const std::vector<data::Ids>& sources,
                                 const TranslateOptions& options);

// Tokens that are right, by the length of the source.
struct AccuracyByLength {
  std::map<std::int64_t, data::Share> lengths;

  data::Share all() const;
  // Lengths put together: 1 to `width`, width + 1 to 2 width, and so on, by the longest of each; those that
  // have any.
  std::map<std::int64_t, data::Share> buckets(std::int64_t width) const;
  // By how much accuracy grows for each token that the source is longer: the least-squares line through all
  // tokens, each 1 where it is right and else 0. Needs two lengths.
  double slope() const;
};

// Of the expected tokens, the end among them, each counts as right if the model finds it the most likely
// where it is told all tokens before it. (A sentence that it writes by itself cannot be compared place by
// place: one word too many, and all behind it would count as wrong.)
AccuracyByLength token_accuracy(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                                const TranslateOptions& options);

struct TranslationReport {
  data::Share exact;  // of its translations, those that are the expected one from first to last
  double bleu;        // of its translations: data/bleu.h
  AccuracyByLength tokens;
};

TranslationReport report_on(const MakeWriter& writer, const Logits& logits,
                            const std::vector<data::IdsPair>& pairs, const TranslateOptions& options);

template <class Model>
TranslationReport report_on(const Model& model, const std::vector<data::IdsPair>& pairs,
                            const TranslateOptions& options) {
  return report_on(
      MakeWriter([&](const data::Padded& source) { return model.writer(source); }),
      Logits([&](const data::Padded& source, const Tensor& input) { return model(source, input); }), pairs,
      options);
}

// The mean loss over the tokens of the targets, each told those before it.
double pair_loss(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                 const TranslateOptions& options);

// A token of a target, and those that it is held against: forms of one word, for one. None: all there are.
struct Choice {
  std::size_t pair;    // of the pairs
  std::int64_t place;  // in its target
  data::Ids rivals = {};
};

// Of the choices those where the expected token is likelier than its rivals, the model being told all tokens
// before it.
data::Share choice_accuracy(const Logits& logits, const std::vector<data::IdsPair>& pairs,
                            const std::vector<Choice>& choices, const TranslateOptions& options);

// A pair whose tokens, one for each id, are known to say the same here and there.
struct AlignedPair {
  data::IdsPair ids;
  std::vector<data::Link> links;  // english: of the source, french: of the target
  std::vector<bool> counts;       // which tokens of the target are asked about
};

// Of the tokens that count and have a link, those for which attention weighs one of the linked source tokens
// most. The model is told the expected translation.
data::Share alignment_agreement(const Weights& weights, const std::vector<AlignedPair>& pairs,
                                const TranslateOptions& options);

template <class Model>
data::Share alignment_agreement(const Model& model, const std::vector<AlignedPair>& pairs,
                                const TranslateOptions& options) {
  return alignment_agreement(Weights([&](const data::Padded& source, const Tensor& input) {
                               return model.with_weights(source, input).weights;
                             }),
                             pairs, options);
}

// A pair whose tokens, one for each id, hold a pronoun and the noun that it stands for.
struct ReferringPair {
  data::IdsPair ids;
  data::Reference reference;
};

// Of the pairs, those whose pronoun, il or elle, the model finds the most likely token at its place in the
// target, told all tokens before it.
data::Share pronoun_agreement(const Logits& logits, const std::vector<ReferringPair>& pairs,
                              const TranslateOptions& options);

// Of the pairs, those in whose source a head's attention from the pronoun weighs its noun most, for each
// layer and head. `heads` gives how the heads of each layer attend, (B, heads, S, S).
std::vector<std::vector<data::Share>> heads_find_nouns(const SourceHeads& heads,
                                                       const std::vector<ReferringPair>& pairs,
                                                       const TranslateOptions& options);

}  // namespace gradus::models
