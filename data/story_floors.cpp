#include <gradus/data/story_floors.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

std::vector<Clue> clues_of(std::span<const std::int64_t> shown, const Corruption& corruption,
                           std::int64_t size) {
  std::vector<Clue> clues;
  for (const std::int64_t token : shown) clues.push_back(clue(token, corruption, size));
  return clues;
}

constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

// A sentence, or two, begins and ends where sentences do and has no other end inside. A first sentence, which
// ends at `first_size`, does not end its story.
Smoother sentences(const GrammarAutomaton& stories, std::span<const std::int64_t> shown,
                   const Corruption& corruption, std::size_t first_size) {
  check(!shown.empty(), "stories", "a sentence has at least one word");
  const auto allowed = [&stories, size = shown.size(), first_size](std::size_t time, std::int32_t state) {
    const bool border = time == 0 || time == size || time == first_size;
    return stories.starts_sentence(state) == border && (time != first_size || state != 0);
  };
  return {stories.model, stories.prior(Start::sentence),
          clues_of(shown, corruption, stories.vocabulary.size()), allowed};
}

std::vector<std::int64_t> joined(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  std::vector<std::int64_t> both(a.begin(), a.end());
  both.insert(both.end(), b.begin(), b.end());
  return both;
}

double likelihood(const std::vector<double>& probabilities, const Clue& clue) {
  const double total = std::accumulate(probabilities.begin(), probabilities.end(), 0.0);
  return clue.other * total + clue.same * probabilities[static_cast<std::size_t>(clue.token)];
}

// p1 of p1 and p2, given by their logarithms.
double share(double log1, double log2) { return 1 / (1 + std::exp(log2 - log1)); }

}  // namespace

double window_floor(const GrammarAutomaton& stories, std::span<const std::int64_t> tokens,
                    std::int64_t window) {
  check(window > 0 && std::ssize(tokens) > window, "stories", "windows of ", window, " tokens need at least ",
        window + 1, "; there are ", tokens.size());
  const auto size = static_cast<std::size_t>(window);
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t begin = 0; begin + size < tokens.size(); begin += size) {
    const std::vector<double> all =
        surprisals(stories.model, stories.model.stationary(), tokens.subspan(begin, size + 1));
    sum = std::accumulate(all.begin() + 1, all.end(), sum);
    count += size;
  }
  return sum / static_cast<double>(count);
}

Clue clue(std::int64_t shown, const Corruption& corruption, std::int64_t vocabulary_size) {
  const Clue selected = clue_of_selected(shown, corruption, vocabulary_size);
  const double p = corruption.selected;
  return {selected.token, p * selected.same + (shown == hidden_word ? 0 : 1 - p), p * selected.other};
}

Clue clue_of_selected(std::int64_t shown, const Corruption& corruption, std::int64_t vocabulary_size) {
  if (shown == hidden_word) return {0, 0, corruption.masked};
  return {shown, 1 - corruption.masked - corruption.random,
          corruption.random / static_cast<double>(vocabulary_size)};
}

std::vector<double> posterior(const Smoother& smoother, std::size_t time, const Clue& selected) {
  std::vector<double> probabilities = smoother.token(time);
  const double total = likelihood(probabilities, selected);
  for (std::size_t token = 0; token < probabilities.size(); ++token) {
    const double shown =
        selected.other + (static_cast<std::int64_t>(token) == selected.token ? selected.same : 0);
    probabilities[token] *= shown / total;
  }
  return probabilities;
}

PairTruth::PairTruth(const GrammarAutomaton& stories, std::span<const std::int64_t> first,
                     std::span<const std::int64_t> second, const Corruption& corruption)
    : vocabulary_size_(stories.vocabulary.size()),
      corruption_(corruption),
      shown_(joined(first, second)),
      first_size_(first.size()),
      together_(sentences(stories, shown_, corruption, first.size())),
      first_(sentences(stories, first, corruption, first.size())),
      second_(sentences(stories, second, corruption, nowhere)),
      follows_(share(together_.log_likelihood(), first_.log_likelihood() + second_.log_likelihood())) {}

// The two cases by their probabilities, which are those of all other clues times what the selected token's
// clue makes of each case's guess.
std::vector<double> PairTruth::token(std::size_t position) const {
  check(position < shown_.size(), "stories", "there is no token ", position, " among ", shown_.size());
  const Clue unknown = clue(shown_[position], corruption_, vocabulary_size_);
  const Clue selected = clue_of_selected(shown_[position], corruption_, vocabulary_size_);
  const bool in_first = position < first_size_;
  const Smoother& alone = in_first ? first_ : second_;
  const std::size_t time = in_first ? position : position - first_size_;
  std::vector<double> apart = posterior(alone, time, selected);
  if (follows_ == 0) return apart;
  const std::vector<double> together = posterior(together_, position, selected);
  const auto weight = [&](const Smoother& smoother, std::size_t at) {
    const std::vector<double> guess = smoother.token(at);
    return likelihood(guess, selected) / likelihood(guess, unknown);
  };
  const double one = follows_ * weight(together_, position), other = (1 - follows_) * weight(alone, time);
  for (std::size_t i = 0; i < apart.size(); ++i)
    apart[i] = (one * together[i] + other * apart[i]) / (one + other);
  return apart;
}

}  // namespace gradus::data
