// BLEU: how much of a translation's n-grams the expected one has. Tokens are given, ids or words; a score
// compares with others' only where both split their texts alike.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gradus/core/check.h>
#include <gradus/data/metrics.h>

namespace gradus::data {

// All n consecutive tokens: of a sentence of T tokens T - n + 1 times, or never.
template <class Token>
std::vector<std::vector<Token>> ngrams(const std::vector<Token>& sentence, std::size_t n) {
  std::vector<std::vector<Token>> all;
  for (auto begin = sentence.begin(); sentence.end() - begin >= static_cast<std::ptrdiff_t>(n); ++begin)
    all.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(n));
  return all;
}

// What BLEU is computed from. Those of all sentences are added up first: the mean of their scores is not
// BLEU.
struct BleuCounts {
  static constexpr std::size_t orders = 4;
  std::array<std::int64_t, orders> matches{}, totals{};  // of n-grams of the predictions, [n - 1]
  std::int64_t predicted_length = 0, expected_length = 0;

  BleuCounts& operator+=(const BleuCounts& more);
  friend bool operator==(const BleuCounts&, const BleuCounts&) = default;
};

// Of one sentence. An n-gram matches at most as often as the expected translation has it.
template <class Token>
BleuCounts bleu_counts(const std::vector<Token>& predicted, const std::vector<Token>& expected) {
  BleuCounts counts;
  for (std::size_t n = 1; n <= BleuCounts::orders; ++n) {
    const std::vector<std::vector<Token>> ours = ngrams(predicted, n);
    counts.totals[n - 1] = static_cast<std::int64_t>(ours.size());
    counts.matches[n - 1] = in_both(ours, ngrams(expected, n));
  }
  counts.predicted_length = static_cast<std::int64_t>(predicted.size());
  counts.expected_length = static_cast<std::int64_t>(expected.size());
  return counts;
}

// BLEU-4 of a corpus, 0 to 100, as sacreBLEU with tokenize="none" and its default smoothing "exp" gives it:
//   100 min(1, exp(1 - expected_length / predicted_length)) (p_1 p_2 p_3 p_4)^(1/4),   p_n = matches / totals
// The first order without a match has p_n = 1 / (2 totals), the next 1 / (4 totals), and so on. 0 where
// nothing matches at all, and where no sentence has four tokens.   Papineni et al. 2002, Post 2018
double bleu(const BleuCounts& counts);

// The score of one sentence, 0 to 1, by which Dive into Deep Learning compares translations; long matches
// weigh more. Orders that the prediction is too short for are left out; of no tokens it is 0.
//   exp(min(0, 1 - expected_length / predicted_length)) prod_n p_n^(1 / 2^n),   n = 1, ..., k
template <class Token>
double d2l_bleu(const std::vector<Token>& predicted, const std::vector<Token>& expected, std::size_t k) {
  check(k >= 1, "d2l_bleu", "counts n-grams up to n = k, and k is 0. 2?");
  if (predicted.empty()) return 0;
  const auto count = [](std::size_t n) { return static_cast<double>(n); };
  double score = std::exp(std::min(0.0, 1 - count(expected.size()) / count(predicted.size())));
  for (std::size_t n = 1; n <= std::min(k, predicted.size()); ++n) {
    const std::vector<std::vector<Token>> ours = ngrams(predicted, n);
    const auto matches = static_cast<double>(in_both(ours, ngrams(expected, n)));
    score *= std::pow(matches / count(ours.size()), std::pow(0.5, count(n)));
  }
  return score;
}

}  // namespace gradus::data
