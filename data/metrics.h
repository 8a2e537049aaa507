// How good predictions are, as numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/core/tensor.h>

namespace gradus::data {

// So many right out of so many. Batches differ in size, so their counts are added up and divided once.
struct Share {
  std::int64_t right = 0, all = 0;

  double value() const;  // right / all, refused where all is 0
  Share& operator+=(const Share& more);
  friend bool operator==(const Share&, const Share&) = default;
};

// exp(loss), the loss being the mean of -log p(token): a model that has to choose among this many tokens, all
// as likely, is as surprised. From a mean, or from a sum over tokens and their number.
double perplexity(double mean_loss);
double perplexity(double summed_loss, std::int64_t tokens);

// Elements of `predicted` that are what `targets` has there; ids, i64, of one shape. As in cross_entropy, a
// target that is `ignored` counts for nothing.
Share accuracy(const Tensor& predicted, const Tensor& targets, std::optional<std::int64_t> ignored = -100);

// Predictions that are what was expected, whole: texts, or sequences of ids or words.
template <class T>
Share exact_match(const std::vector<T>& predicted, const std::vector<T>& expected) {
  check(predicted.size() == expected.size(), "exact_match", predicted.size(), " predictions for ",
        expected.size(), " that are expected. Is one missing?");
  Share share{0, static_cast<std::int64_t>(expected.size())};
  for (std::size_t i = 0; i < expected.size(); ++i) share.right += predicted[i] == expected[i];
  return share;
}

// How many things were predicted, how many expected, and how many of them are both.
struct Overlap {
  std::int64_t both = 0, predicted = 0, expected = 0;

  // both / predicted, both / expected, and their harmonic mean 2 both / (predicted + expected); 0 for 0 / 0.
  double precision() const;
  double recall() const;
  double f1() const;
  Overlap& operator+=(const Overlap& more);
  friend bool operator==(const Overlap&, const Overlap&) = default;
};

// How many elements two bags share: one that comes m times here and n times there counts min(m, n) times.
template <class T>
std::int64_t in_both(std::vector<T> a, std::vector<T> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<T> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return static_cast<std::int64_t>(both.size());
}

// F1 of two bags of tokens, for answers that may be partly right; the mean over all answers is SQuAD's score.
// Two empty answers agree, 1. Tokens are compared as they are: SQuAD's own script first makes words
// lower-case and drops punctuation and English articles, which is for the caller to do.   Rajpurkar et al.
// 2016
template <class Token>
double token_f1(const std::vector<Token>& predicted, const std::vector<Token>& expected) {
  if (predicted.empty() && expected.empty()) return 1;
  return Overlap{in_both(predicted, expected), static_cast<std::int64_t>(predicted.size()),
                 static_cast<std::int64_t>(expected.size())}
      .f1();
}

// A name in a tagged sentence: its type, and its tokens from `begin` up to and without `end`.
struct Entity {
  std::string type;
  std::int64_t begin, end;
  friend bool operator==(const Entity&, const Entity&) = default;
  friend auto operator<=>(const Entity&, const Entity&) = default;
};

// The entities that the tags O, B-type (begins one) and I-type (goes on) tell, as the script conlleval of
// CoNLL-2003 counts them: an I- that does not go on with its own type, be it behind O, at the start, or
// behind another type, begins an entity as a B- does.
std::vector<Entity> entities(std::span<const std::string> tags);

// Entities of one sentence in both, which must agree in type, begin and end. Added up over sentences, f1() is
// conlleval's.   Tjong Kim Sang & De Meulder 2003
Overlap entity_overlap(std::span<const std::string> predicted, std::span<const std::string> expected);

// Correlations, from -1 to 1. Where one side never changes there is none to tell: 0.
//   pearson    sum((x - mean x)(y - mean y)) / sqrt(sum((x - mean x)^2) sum((y - mean y)^2))
//   spearman   pearson of the ranks; equal numbers share the mean of their ranks
//   matthews   of two lists of classes, (s r - sum p_k t_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2)), where
//              of s pairs r agree, and class k was predicted p_k times and expected t_k times; for two
//              classes pearson of 0 and 1.   Matthews 1975; for several, Gorodkin 2004
double pearson(std::span<const double> x, std::span<const double> y);
double spearman(std::span<const double> x, std::span<const double> y);
double matthews(std::span<const std::int64_t> predicted, std::span<const std::int64_t> expected);

}  // namespace gradus::data
