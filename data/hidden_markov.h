// What is known of a sequence whose source is a finite automaton: how likely each next token is, and each
// hidden one. An automaton stands in a state; it takes one of the arcs that leave the state, says the arc's
// token and stands in the state where the arc ends. Which arc, the arcs' probabilities decide; what it did
// before plays no part. Who hears only the tokens knows the state by a distribution, the belief, which Bayes'
// rule moves along: exact, no network can do better.   Rabiner 1989, "A Tutorial on Hidden Markov Models"
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace gradus::data {

struct Arc {
  std::int32_t from, to, token;
  double probability;  // of taking it, from `from`; those of a state sum to 1
};

// Any number of arcs may join two states, also with the same token.
class HiddenMarkov {
 public:
  // Every state must be reached from state 0 and lead back to it.
  HiddenMarkov(std::int64_t states, std::int64_t tokens, std::vector<Arc> arcs);

  std::int64_t states() const { return static_cast<std::int64_t>(first_.size()) - 1; }
  std::int64_t tokens() const { return static_cast<std::int64_t>(first_of_token_.size()) - 1; }
  const std::vector<Arc>& arcs() const { return arcs_; }  // by state, then by token
  std::span<const Arc> arcs_from(std::int32_t state) const;

  // How often each state is visited in the long run, as shares: the belief of who begins to listen at any
  // time.
  const std::vector<double>& stationary() const { return stationary_; }

 private:
  friend class Filter;
  friend class Smoother;

  struct Edge {  // all arcs between two states
    std::int32_t to;
    double probability;
  };

  std::span<const Arc> arcs_from(std::int32_t state, std::int64_t token) const;
  std::span<const std::int32_t> arcs_of(std::int64_t token) const;
  std::span<const Edge> edges_from(std::int32_t state) const;
  void check_token(std::int64_t token) const;

  std::vector<Arc> arcs_;
  std::vector<std::int32_t> first_;     // of each state's arcs
  std::vector<std::int32_t> by_token_;  // numbers of arcs
  std::vector<std::int32_t> first_of_token_;
  std::vector<Edge> edges_;
  std::vector<std::int32_t> first_edge_;
  std::vector<double> stationary_;
};

// Listens to tokens, one after the other. Costs what the states cost that are still possible.
class Filter {
 public:
  // `prior`: how likely each state is before the first token, in any scale.
  Filter(const HiddenMarkov& model, std::span<const double> prior);

  double observe(std::int64_t token);  // log P(token | all before); refuses a token that cannot come
  std::vector<double> next() const;    // P(token | all before) of each token

 private:
  const HiddenMarkov* model_;
  std::vector<double> belief_, moved_;
  std::vector<std::int32_t> possible_;  // states whose belief is not 0
};

// -log P(token | the tokens before it), of each token.
std::vector<double> surprisals(const HiddenMarkov& model, std::span<const double> prior,
                               std::span<const std::int64_t> tokens);

// What is shown of a token: a true token w would be shown so with likelihood same + other where w is `token`,
// and with likelihood other where it is not. {token, 1, 0} shows the token itself, {0, 0, 1} nothing.
struct Clue {
  std::int64_t token;
  double same, other;
};

// Whether the automaton can be in `state` after `time` tokens, for what is known beside the clues.
using Allowed = std::function<bool(std::size_t time, std::int32_t state)>;

// Tokens given clues before and after them: the forward-backward algorithm.
class Smoother {
 public:
  Smoother(const HiddenMarkov& model, std::span<const double> prior, std::vector<Clue> clues,
           const Allowed& allowed = nullptr);

  // Of the clues; -inf where nothing agrees with all.
  double log_likelihood() const { return log_likelihood_; }

  // P(token at `time` | all other clues) of each token. Times the likelihood of what is shown of it, and
  // scaled to sum to 1, it is the token's posterior. Refuses a token whose own clue
  // leaves no doubt (other = 0).
  std::vector<double> token(std::size_t time) const;

 private:
  using Belief = std::vector<std::pair<std::int32_t, double>>;

  const HiddenMarkov* model_;
  std::vector<Clue> clues_;
  std::vector<Belief> before_;  // [time] (state, P(state, clues before)), each time in a scale of its own
  std::vector<std::vector<double>> after_;  // [time] P(clues from here on | state), for the states of before_
  double log_likelihood_ = 0;
};

}  // namespace gradus::data
