#include <gradus/data/story_floors.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/stories.h>

#include "support/catch.h"
#include "support/small_grammar.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

using Ids = std::vector<std::int64_t>;

struct Weighted {
  Ids tokens;
  double probability;
};

Ids joined(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// All windows of `size` tokens of an endless row of stories, cut anywhere: a story is met by its probability
// times its length, and every place in it is as likely.
std::vector<Weighted> all_windows(const GrammarAutomaton& automaton, std::size_t size) {
  std::vector<Weighted> stories;
  double mean_length = 0;
  for (const Tale& tale : all_small_stories()) {
    Ids tokens;
    for (const auto& sentence : tale.sentences)
      tokens = joined(tokens, ids_of(automaton.vocabulary, sentence));
    mean_length += tale.probability * static_cast<double>(tokens.size());
    stories.push_back({tokens, tale.probability});
  }
  std::map<Ids, double> windows;
  for (const Weighted& story : stories) {
    for (std::size_t begin = 0; begin < story.tokens.size(); ++begin) {
      const Ids rest(story.tokens.begin() + static_cast<std::ptrdiff_t>(begin), story.tokens.end());
      for (const Weighted& next : stories) {
        Ids window = joined(rest, next.tokens);
        REQUIRE(window.size() >= size);
        window.resize(size);
        windows[window] += story.probability * next.probability / mean_length;
      }
    }
  }
  std::vector<Weighted> all;
  for (const auto& [tokens, probability] : windows) all.push_back({tokens, probability});
  return all;
}

double probability_of(const std::vector<Weighted>& windows, const Ids& beginning) {
  double sum = 0;
  for (const Weighted& window : windows) {
    if (std::equal(beginning.begin(), beginning.end(), window.tokens.begin())) sum += window.probability;
  }
  return sum;
}

struct Pair {
  Ids first, second;
  bool follows;
  double probability;
};

// Every first sentence with its next one and with any sentence at all, half and half.
std::vector<Pair> all_pairs(const GrammarAutomaton& automaton) {
  std::vector<Weighted> sentences;
  std::vector<Pair> pairs;
  double firsts = 0, all = 0;
  for (const Tale& tale : all_small_stories()) {
    for (std::size_t i = 0; i < tale.sentences.size(); ++i) {
      sentences.push_back({ids_of(automaton.vocabulary, tale.sentences[i]), tale.probability});
      all += tale.probability;
      if (i == 0) continue;
      pairs.push_back({ids_of(automaton.vocabulary, tale.sentences[i - 1]), sentences.back().tokens, true,
                       tale.probability / 2});
      firsts += tale.probability;
    }
  }
  for (Pair& pair : pairs) pair.probability /= firsts;
  const std::size_t follow = pairs.size();
  for (std::size_t i = 0; i < follow; ++i) {
    for (const Weighted& other : sentences) {
      pairs.push_back({pairs[i].first, other.tokens, false, pairs[i].probability * other.probability / all});
    }
  }
  return pairs;
}

// P(shown | token) as the corruption is defined.
double shown_as(std::int64_t shown, std::int64_t token, const Corruption& c, double size, bool is_selected) {
  const double kept = shown == token ? 1 : 0;
  const double selected =
      shown == hidden_word ? c.masked : c.random / size + (1 - c.masked - c.random) * kept;
  return is_selected ? selected : c.selected * selected + (1 - c.selected) * kept;
}

// The words of a pair of sentences as BERT sees them, and which positions it has to guess.
struct Corrupted {
  Ids shown;
  std::vector<std::size_t> selected;
};
Corrupted corrupted(Ids tokens, Random& random, std::int64_t size) {
  Corrupted result{std::move(tokens), {}};
  for (std::size_t i = 0; i < result.shown.size(); ++i) {
    if (!random.chance(0.15)) continue;
    result.selected.push_back(i);
    const double u = random.uniform();
    if (u < 0.8)
      result.shown[i] = hidden_word;
    else if (u < 0.9)
      result.shown[i] = random.below(size);
  }
  return result;
}

}  // namespace

TEST_CASE("a window cut anywhere, and one that begins a story or a sentence, have the counted probability",
          "[data]") {
  const GrammarAutomaton automaton = small_automaton();
  const auto probability = [&](const Ids& tokens, Start start) {
    const std::vector<double> each = surprisals(automaton.model, automaton.prior(start), tokens);
    return std::exp(-std::accumulate(each.begin(), each.end(), 0.0));
  };
  const std::vector<Weighted> windows = all_windows(automaton, 4);
  for (const Weighted& window : windows) {
    REQUIRE(probability(window.tokens, Start::anywhere) ==
            Approx(probability_of(windows, window.tokens)).epsilon(1e-12));
  }

  const auto id = [&](const char* word) { return automaton.vocabulary.id(word); };
  CHECK(probability({id("bob")}, Start::story) == Approx(0.25).epsilon(1e-12));
  // Of seven sentences three begin a story, one tells what came and three end it, one of which by
  // name.
  CHECK(probability({id("bob")}, Start::sentence) == Approx((0.25 + 0.25 / 3) / (2 + 1. / 3)).epsilon(1e-12));
}

TEST_CASE("the floor of windows is the mean surprise at what follows each of their tokens", "[data]") {
  const GrammarAutomaton automaton = small_automaton();
  const std::vector<Weighted> windows = all_windows(automaton, 4);
  const Ids text =
      ids_of(automaton.vocabulary, {"saw", "the", "bank", ".", "rain", "came", "!", "he", "liked"});
  double sum = 0;
  for (const std::ptrdiff_t begin : {0, 3}) {
    for (std::ptrdiff_t i = 1; i <= 3; ++i) {
      const auto from = text.begin() + begin, to = from + i;
      sum -= std::log(probability_of(windows, {from, to + 1}) / probability_of(windows, {from, to}));
    }
  }
  CHECK(window_floor(automaton, text, 3) == Approx(sum / 6).epsilon(1e-12));
  CHECK(message_of([&] { window_floor(automaton, text, 9); }) ==
        "[stories] windows of 9 tokens need at least 10; there are 9");
}

TEST_CASE("pairs: what follows and what is hidden has the probability that counting all pairs gives",
          "[data]") {
  const GrammarAutomaton automaton = small_automaton();
  const std::vector<Pair> pairs = all_pairs(automaton);
  const std::int64_t size = automaton.vocabulary.size();
  Random random(4, 0);
  int impossible = 0;
  for (int round = 0; round < 60; ++round) {
    const Corruption corruption = round % 3 == 0 ? Corruption{.selected = 0} : Corruption{};
    const Pair& truth = pairs[static_cast<std::size_t>(random.below(std::ssize(pairs)))];
    Ids shown = joined(truth.first, truth.second);
    if (round % 3 != 0) shown = corrupted(shown, random, size).shown;
    const std::size_t cut = truth.first.size();
    const PairTruth found(automaton, std::span(shown).first(cut), std::span(shown).subspan(cut), corruption);

    double follows = 0, total = 0;
    std::vector<std::vector<double>> tokens(shown.size(),
                                            std::vector<double>(static_cast<std::size_t>(size)));
    for (const Pair& pair : pairs) {
      if (pair.first.size() != cut || pair.second.size() != truth.second.size()) continue;
      const Ids both = joined(pair.first, pair.second);
      const auto likelihood = [&](std::size_t position) {  // which is known to have been selected
        double p = pair.probability;
        for (std::size_t i = 0; i < both.size(); ++i) {
          p *= shown_as(shown[i], both[i], corruption, static_cast<double>(size), i == position);
        }
        return p;
      };
      total += likelihood(both.size());
      if (pair.follows) follows += likelihood(both.size());
      for (std::size_t i = 0; i < both.size(); ++i)
        tokens[i][static_cast<std::size_t>(both[i])] += likelihood(i);
    }
    CHECK(found.follows() == Approx(follows / total).margin(1e-12));
    impossible += found.follows() == 0;
    for (std::size_t i = 0; i < shown.size() && corruption.selected > 0; ++i) {
      const double sum = std::accumulate(tokens[i].begin(), tokens[i].end(), 0.0);
      const std::vector<double> guess = found.token(i);
      for (std::size_t token = 0; token < guess.size(); ++token) {
        REQUIRE(guess[token] == Approx(tokens[i][token] / sum).margin(1e-12));
      }
    }
  }
  CHECK(impossible > 0);
}

TEST_CASE("masked windows, cut anywhere, have the counted posteriors", "[data]") {
  const GrammarAutomaton automaton = small_automaton();
  const std::vector<Weighted> windows = all_windows(automaton, 5);
  const std::int64_t size = automaton.vocabulary.size();
  Random random(5, 0);
  for (int round = 0; round < 30; ++round) {
    const Weighted& truth = windows[static_cast<std::size_t>(random.below(std::ssize(windows)))];
    const Corruption corruption;
    const Ids shown = corrupted(truth.tokens, random, size).shown;
    std::vector<Clue> clues;
    for (const std::int64_t token : shown) clues.push_back(clue(token, corruption, size));
    const Smoother smoother(automaton.model, automaton.prior(Start::anywhere), clues);
    for (std::size_t at = 0; at < shown.size(); ++at) {
      std::vector<double> expected(static_cast<std::size_t>(size));
      double total = 0;
      for (const Weighted& window : windows) {
        double p = window.probability;
        for (std::size_t i = 0; i < shown.size(); ++i) {
          p *= shown_as(shown[i], window.tokens[i], corruption, static_cast<double>(size), i == at);
        }
        expected[static_cast<std::size_t>(window.tokens[at])] += p;
        total += p;
      }
      const std::vector<double> found =
          posterior(smoother, at, clue_of_selected(shown[at], corruption, size));
      for (std::size_t token = 0; token < found.size(); ++token) {
        REQUIRE(found[token] == Approx(expected[token] / total).margin(1e-12));
      }
    }
  }
}

// Who is right with probability p must be right in a share p of all cases: the floors against stories as they
// are told.
TEST_CASE("on the stories, the exact posteriors are right as often as they say", "[data]") {
  const Stories world;
  const std::int64_t size = world.vocabulary().size();
  const auto ids = [](const std::vector<StoryToken>& sentence) {
    Ids all;
    for (const StoryToken& token : sentence) all.push_back(token.id);
    return all;
  };
  double right = 0, said = 0, words_right = 0, words_said = 0, words = 0, guessed = 0;
  const int pairs = 600;
  Random random(6, 0);
  for (int i = 0; i < pairs; ++i) {
    const Story story = world.story(31, i), other = world.story(32, i);
    const auto at = static_cast<std::size_t>(random.below(std::ssize(story.sentences) - 1));
    const bool follows = random.chance(0.5);
    const Ids first = ids(story.sentences[at]);
    const Ids second = ids(follows ? story.sentences[at + 1] : random.pick(other.sentences));
    const double p = PairTruth(world.automaton(), first, second, {.selected = 0}).follows();
    right += (p > 0.5) == follows;
    said += std::max(p, 1 - p);
    if (i % 5 != 0) continue;

    const Ids both = joined(first, second);
    const Corrupted shown = corrupted(both, random, size);
    const PairTruth truth(world.automaton(), std::span(shown.shown).first(first.size()),
                          std::span(shown.shown).subspan(first.size()), {});
    for (const std::size_t position : shown.selected) {
      const std::vector<double> guess = truth.token(position);
      const auto best = std::max_element(guess.begin(), guess.end());
      words += 1;
      guessed += guess[static_cast<std::size_t>(both[position])];
      words_said += *best;
      words_right += best - guess.begin() == both[position];
    }
  }
  INFO("best NSP accuracy " << right / pairs << ", best MLM accuracy " << words_right / words);
  CHECK(right / pairs > 0.98);
  CHECK(std::abs(right - said) < 4 * std::sqrt(pairs * 0.01));
  CHECK(std::abs(words_right - words_said) < 4 * std::sqrt(words * 0.25));
  CHECK(words_right / words > 0.55);
  CHECK(guessed / words > 0.45);
}
