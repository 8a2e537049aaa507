#include <gradus/data/hidden_markov.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus::data;
using gradus::test::message_of;

namespace {

using Tokens = std::vector<std::int64_t>;

// Four states and three tokens, with a loop, two arcs that join the same states, and a token twice from one
// state.
HiddenMarkov small_model() {
  return {4,
          3,
          {{0, 1, 0, 0.5},
           {0, 2, 0, 0.3},
           {0, 1, 1, 0.2},
           {1, 3, 2, 0.6},
           {1, 1, 1, 0.4},
           {2, 3, 0, 0.5},
           {2, 0, 2, 0.5},
           {3, 0, 1, 0.9},
           {3, 0, 2, 0.1}}};
}

struct Way {
  std::vector<std::int32_t> states;
  Tokens tokens;
  double probability;
};

// All ways of `length` arcs, by trying them.
std::vector<Way> all_ways(const HiddenMarkov& model, const std::vector<double>& prior, std::size_t length) {
  std::vector<Way> ways;
  for (std::int32_t state = 0; state < model.states(); ++state) {
    if (prior[static_cast<std::size_t>(state)] > 0)
      ways.push_back({{state}, {}, prior[static_cast<std::size_t>(state)]});
  }
  for (std::size_t step = 0; step < length; ++step) {
    std::vector<Way> longer;
    for (const Way& way : ways) {
      for (const Arc& arc : model.arcs()) {
        if (arc.from != way.states.back()) continue;
        longer.push_back(way);
        longer.back().states.push_back(arc.to);
        longer.back().tokens.push_back(arc.token);
        longer.back().probability *= arc.probability;
      }
    }
    ways.swap(longer);
  }
  return ways;
}

double probability_of(const std::vector<Way>& ways, const Tokens& beginning) {
  double sum = 0;
  for (const Way& way : ways) {
    if (std::equal(beginning.begin(), beginning.end(), way.tokens.begin())) sum += way.probability;
  }
  return sum;
}

double likelihood(const Clue& clue, std::int64_t token) {
  return clue.other + (token == clue.token ? clue.same : 0);
}

}  // namespace

TEST_CASE("the stationary distribution is left as it is by a step", "[data]") {
  const HiddenMarkov model = small_model();
  const std::vector<double>& shares = model.stationary();
  std::vector<double> moved(shares.size());
  for (const Arc& arc : model.arcs()) {
    moved[static_cast<std::size_t>(arc.to)] += shares[static_cast<std::size_t>(arc.from)] * arc.probability;
  }
  CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == Approx(1).epsilon(1e-14));
  for (std::size_t state = 0; state < shares.size(); ++state)
    CHECK(moved[state] == Approx(shares[state]).epsilon(1e-14));
}

TEST_CASE("a filter gives each token the probability that counting all ways gives it", "[data]") {
  const HiddenMarkov model = small_model();
  for (const std::vector<double>& prior : {model.stationary(), {1, 0, 0, 0}, {0, 0.25, 0.75, 0}}) {
    const std::vector<Way> ways = all_ways(model, prior, 5);
    for (const Way& way : ways) {
      Filter filter(model, prior);
      Tokens seen;
      for (const std::int64_t token : way.tokens) {
        const double before = probability_of(ways, seen);
        const std::vector<double> next = filter.next();
        for (std::int64_t other = 0; other < model.tokens(); ++other) {
          Tokens with_other = seen;
          with_other.push_back(other);
          REQUIRE(next[static_cast<std::size_t>(other)] ==
                  Approx(probability_of(ways, with_other) / before).margin(1e-14));
        }
        REQUIRE(std::exp(filter.observe(token)) ==
                Approx(next[static_cast<std::size_t>(token)]).epsilon(1e-12));
        seen.push_back(token);
      }
      const std::vector<double> each = surprisals(model, prior, way.tokens);
      REQUIRE(std::exp(-std::accumulate(each.begin(), each.end(), 0.0)) ==
              Approx(probability_of(ways, way.tokens)).epsilon(1e-12));
    }
  }
}

TEST_CASE("a smoother weighs all ways by what is shown before and after", "[data]") {
  const HiddenMarkov model = small_model();
  const std::vector<Clue> clues = {{0, 0.5, 0.1},  {0, 0, 1},    {2, 1, 0},
                                   {1, 0.8, 0.05}, {0, 0, 0.12}, {1, 0.3, 0.2}};
  const auto not_in_the_middle = [](std::size_t time, std::int32_t state) { return time != 3 || state != 0; };
  for (const bool limited : {false, true}) {
    for (const std::vector<double>& prior : {model.stationary(), {0, 2, 6, 0}}) {
      const double scale = std::accumulate(prior.begin(), prior.end(), 0.0);
      const Smoother smoother(model, prior, clues, limited ? Allowed(not_in_the_middle) : nullptr);
      double total = 0;
      std::vector<std::vector<double>> expected(clues.size(), std::vector<double>(3));
      for (const Way& way : all_ways(model, prior, clues.size())) {
        if (limited && way.states[3] == 0) continue;
        for (std::size_t time = 0; time <= clues.size(); ++time) {  // the last time, none is left out
          double p = way.probability / scale;
          for (std::size_t i = 0; i < clues.size(); ++i) {
            if (i != time) p *= likelihood(clues[i], way.tokens[i]);
          }
          if (time == clues.size())
            total += p;
          else
            expected[time][static_cast<std::size_t>(way.tokens[time])] += p;
        }
      }
      CHECK(smoother.log_likelihood() == Approx(std::log(total)).epsilon(1e-12));
      for (std::size_t time = 0; time < clues.size(); ++time) {
        if (clues[time].other == 0) continue;
        const std::vector<double> found = smoother.token(time);
        const double sum = std::accumulate(expected[time].begin(), expected[time].end(), 0.0);
        for (std::size_t token = 0; token < 3; ++token) {
          CHECK(found[token] == Approx(expected[time][token] / sum).margin(1e-14));
        }
      }
    }
  }
}

TEST_CASE("what is not a hidden Markov model, and what it cannot say, is refused", "[data]") {
  CHECK(message_of([] {
          HiddenMarkov(1, 1, {{0, 0, 0, 0.5}});
        }) == "[hidden_markov] the arcs from state 0 have probabilities that sum to 0.5, not to 1");
  CHECK(
      message_of([] {
        HiddenMarkov(1, 1, {{0, 1, 0, 1}});
      }) ==
      "[hidden_markov] an arc from 0 to 1 with token 0 and probability 1 does not fit 1 states and 1 tokens");
  CHECK(message_of([] {
          HiddenMarkov(2, 1, {{0, 0, 0, 1}, {1, 0, 0, 1}});
        }) == "[hidden_markov] no way leads from state 0 to state 1");
  CHECK(message_of([] {
          HiddenMarkov(2, 1, {{0, 1, 0, 1}, {1, 1, 0, 1}});
        }).find("does not lead back") != std::string::npos);

  const HiddenMarkov model = small_model();
  Filter filter(model, std::vector<double>{1, 0, 0, 0});
  CHECK(message_of([&] { filter.observe(2); }) ==
        "[hidden_markov] token 2 cannot come here. Is the text from another source?");
  CHECK(filter.next() == Filter(model, std::vector<double>{1, 0, 0, 0}).next());
  CHECK(message_of([&] { filter.observe(3); }) ==
        "[hidden_markov] there is no token 3: they go from 0 to 2. Another vocabulary's?");
  CHECK(message_of([&] {
          Filter(model, std::vector<double>{1, 0});
        }) == "[hidden_markov] a prior of 2 states for a model of 4");
  CHECK(message_of([&] { Filter(model, std::vector<double>(4)); }) ==
        "[hidden_markov] a prior that sums to 0 allows no state");

  const Smoother impossible(model, std::vector<double>{1, 0, 0, 0}, {{2, 1, 0}});
  CHECK(impossible.log_likelihood() == -INFINITY);
  CHECK(message_of([&] { impossible.token(0); }) ==
        "[hidden_markov] nothing that the model can say agrees with all clues");
  const Smoother certain(model, std::vector<double>{1, 0, 0, 0}, {{0, 1, 0}});
  CHECK(message_of([&] { certain.token(0); }) ==
        "[hidden_markov] token 0 is shown as it is: there is nothing to guess");
}
