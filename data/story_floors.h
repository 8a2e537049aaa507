// The best that any model of stories can do, exactly: what to draw under a curve. For `stories`, give the
// automaton of a world: world.automaton().
//   A language model:       mean of surprisals(model, prior, tokens), hidden_markov.h, and window_floor here.
//   BERT's hidden words and next sentences:  PairTruth.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <gradus/data/hidden_markov.h>
#include <gradus/data/masking.h>
#include <gradus/data/stories/grammar.h>

namespace gradus::data {

// The mean of -log P(next token | the tokens of the window up to here), for a text that is cut into windows
// of `window` tokens, without regard to sentences, where each token of a window is to be followed: what a
// model can reach that begins each window without a memory. The last, shorter window is left out.
double window_floor(const GrammarAutomaton& stories, std::span<const std::int64_t> tokens,
                    std::int64_t window);

constexpr std::int64_t hidden_word = -1;  // is shown for [MASK]

// Likelihoods of what is shown of a token of which it is not known whether it was selected, or of one that
// was: the one that is to be guessed.
Clue clue(std::int64_t shown, const Corruption& corruption, std::int64_t vocabulary_size);
Clue clue_of_selected(std::int64_t shown, const Corruption& corruption, std::int64_t vocabulary_size);

// P(token at `time` | all that is shown, and that this token was selected), of each token.
std::vector<double> posterior(const Smoother& smoother, std::size_t time, const Clue& selected);

// Two sentences, and whether the second follows the first. The first is any but the last of a story; the
// second is the next one or, half the time, any sentence of another story, all sentences as likely.
class PairTruth {
 public:
  // Tokens as they are shown. Without corruption {.selected = 0} they are the words themselves.
  PairTruth(const GrammarAutomaton& stories, std::span<const std::int64_t> first,
            std::span<const std::int64_t> second, const Corruption& corruption);

  double follows() const { return follows_; }  // the probability

  // P(token | all that is shown, and that it was selected), of each token. Positions count through both
  // sentences.
  std::vector<double> token(std::size_t position) const;

 private:
  std::int64_t vocabulary_size_;
  Corruption corruption_;
  std::vector<std::int64_t> shown_;
  std::size_t first_size_;
  Smoother together_, first_, second_;
  double follows_;
};

}  // namespace gradus::data
