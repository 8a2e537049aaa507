#include <gradus/data/stories.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gradus/data/hidden_markov.h>
#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/logistic_regression.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

using Words = std::vector<std::string>;

const Stories& world() {
  static const Stories stories;
  return stories;
}

std::vector<Words> sentences_of(const std::string& text) {
  std::vector<Words> sentences;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    sentences.push_back({std::istream_iterator<std::string>(words), {}});
  }
  return sentences;
}

bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The topics that know a word, by the lexicon.
const std::set<std::string>& topics_of(const std::string& word) {
  static const auto topics = [] {
    std::map<std::string, std::set<std::string>> of_word;
    for (const Lexicon::Topic& topic : world().lexicon().topics) {
      for (const Words* words : {&topic.places, &topic.workers, &topic.objects, &topic.tools, &topic.spots,
                                 &topic.verbs, &topic.adjectives}) {
        for (const std::string& known : *words) of_word[known].insert(topic.name);
      }
      for (const auto& [one, many] : topic.things)
        of_word[one].insert(topic.name), of_word[many].insert(topic.name);
    }
    return of_word;
  }();
  static const std::set<std::string> none;
  const auto found = topics.find(word);
  return found == topics.end() ? none : found->second;
}

// The value of a key among pairs, or "".
std::string value_in(const Lexicon::Pairs& pairs, const std::string& key) {
  for (const auto& [first, second] : pairs) {
    if (first == key) return second;
  }
  return "";
}

// Cross entropy of held-out text under counts of n-grams, with 0.01 added to each count.
double ngram_loss(const std::vector<std::int64_t>& text, const std::vector<std::int64_t>& held_out,
                  std::size_t n) {
  const auto key = [&](const std::vector<std::int64_t>& tokens, std::size_t end, std::size_t length) {
    std::int64_t sum = 0;
    for (std::size_t i = end - length; i < end; ++i) sum = sum * 1000 + tokens[i] + 1;
    return sum;
  };
  std::unordered_map<std::int64_t, double> counts, contexts;
  for (std::size_t end = n; end <= text.size(); ++end) {
    counts[key(text, end, n)] += 1;
    contexts[key(text, end - 1, n - 1)] += 1;
  }
  double sum = 0;
  for (std::size_t end = n; end <= held_out.size(); ++end) {
    const double size = static_cast<double>(world().vocabulary().size());
    sum -= std::log((counts[key(held_out, end, n)] + 0.01) /
                    (contexts[key(held_out, end - 1, n - 1)] + 0.01 * size));
  }
  return sum / static_cast<double>(held_out.size() - n + 1);
}

}  // namespace

TEST_CASE("the stories are small enough to be known and rich enough to be learned from", "[data]") {
  const Lexicon& lexicon = world().lexicon();
  CHECK(world().automaton().model.states() <= 10'000);
  CHECK(world().vocabulary().size() >= 300);
  CHECK(world().vocabulary().size() <= 450);
  CHECK(lexicon.topics.size() == 8);
  for (const Lexicon::Topic& topic : lexicon.topics) {
    CHECK(topic.places.size() + topic.workers.size() + topic.objects.size() + topic.tools.size() +
              topic.spots.size() + topic.things.size() >=
          12);
    CHECK(topic.verbs.size() >= 3);
    CHECK(topic.adjectives.size() >= 3);
  }
  CHECK(lexicon.positive.size() >= 20);
  CHECK(lexicon.negative.size() >= 20);
  CHECK(lexicon.synonyms.size() >= 15);
  CHECK(lexicon.people.size() == 6);
  const auto known = [](const std::string& word) { return world().vocabulary().find(word).has_value(); };
  for (const Lexicon::Pairs* pairs :
       {&lexicon.synonyms, &lexicon.hypernyms, &lexicon.people, &lexicon.causes}) {
    for (const auto& [a, b] : *pairs) {
      INFO(a << " " << b);
      CHECK((known(a) && known(b)));
    }
  }
  for (const std::string& word : lexicon.positive) CHECK(!contains(lexicon.negative, word));
}

// The rules of the stories, checked on their text with the lexicon and nothing else.
TEST_CASE("what a story begins it keeps: people, topic, object, number, and how it goes", "[data]") {
  const Lexicon& lexicon = world().lexicon();
  std::map<std::string, int> checked;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = world().text(world().story(1, i));
    INFO(text);
    const std::vector<Words> story = sentences_of(text);
    std::set<std::string> names, pronouns, topics, objects;
    for (const Words& sentence : story) {
      REQUIRE((sentence.back() == "." || sentence.back() == "!"));
      for (std::size_t w = 0; w < sentence.size(); ++w) {
        const std::string& word = sentence[w];
        if (const std::string gender = value_in(lexicon.people, word); !gender.empty()) {
          names.insert(word);
          pronouns.insert(gender);
        }
        if (word == "she" || word == "her") pronouns.insert("she");
        if (word == "he" || word == "his" || word == "him") pronouns.insert("he");
        if (topics_of(word).size() == 1) topics.insert(*topics_of(word).begin());
        if (const std::string kind = value_in(lexicon.hypernyms, word); !kind.empty() && word != "apple") {
          objects.insert(word);
        }
        // "the plate near the old cupboards was": the verb goes with the noun that the sentence began with.
        for (const Lexicon::Topic& topic : lexicon.topics) {
          if (!topics.count(topic.name) || w > 2 || !contains({"the"}, sentence[w == 0 ? 0 : w - 1]))
            continue;
          for (const auto& [one, many] : topic.things) {
            if (word != one && word != many) continue;
            ++checked["number"];
            CHECK(contains(sentence, "was") == (word == one));
            CHECK(contains(sentence, "were") == (word == many));
          }
        }
      }
      bool cause = false, effect = false;
      for (const auto& pair : lexicon.causes) {
        cause |= contains(sentence, pair.first);
        effect |= contains(sentence, pair.first) && contains(sentence, pair.second);
      }
      checked["cause"] += cause;
      CHECK(cause == effect);
      // "no dessert was as lovely as this cake"
      if (sentence[0] == "no") {
        ++checked["kind"];
        CHECK(value_in(lexicon.hypernyms, sentence[sentence.size() - 2]) == sentence[1]);
      }
    }
    CHECK(names.size() == 1);
    CHECK(pronouns.size() == 1);
    CHECK(topics.size() == 1);
    CHECK(objects.size() <= 1);
    checked["object"] += !objects.empty();
    // From the outcome on all is well or nothing is.
    bool good = false, bad = false;
    for (std::size_t s = story.size() - 3; s < story.size(); ++s) {
      for (const std::string& word : story[s]) {
        good |= contains(lexicon.positive, word);
        bad |= contains(lexicon.negative, word);
      }
    }
    CHECK(good != bad);
  }
  for (const char* rule : {"number", "cause", "kind", "object"}) CHECK(checked[rule] > 300);
}

TEST_CASE("each token says what it recalls, and ambiguous words their sense", "[data]") {
  std::map<Recall, int> recalls;
  std::map<std::string, std::set<std::string>> topics_of_sense;
  for (int i = 0; i < 3000; ++i) {
    const Story story = world().story(2, i);
    std::set<std::string> topics, senses;
    Words names, objects;
    for (const std::vector<StoryToken>& sentence : story.sentences) {
      for (const StoryToken& token : sentence) {
        const std::string& word = world().vocabulary().token(token.id);
        ++recalls[token.recall];
        if (topics_of(word).size() == 1) topics.insert(*topics_of(word).begin());
        if (!token.sense.empty()) senses.insert(word + "/" + std::string(token.sense));
        const bool ambiguous = word == "bank" || word == "apple" || word == "apples";
        CHECK(token.sense.empty() != ambiguous);
        if (token.recall == Recall::pronoun) CHECK(contains({"she", "he", "her", "his", "him"}, word));
        if (token.recall == Recall::number) CHECK(contains({"was", "were"}, word));
        const bool is_name = !value_in(world().lexicon().people, word).empty();
        CHECK((token.recall == Recall::name) == (is_name && !names.empty()));
        if (is_name) names.push_back(word);
        const bool is_object = !value_in(world().lexicon().hypernyms, word).empty() &&
                               (token.recall == Recall::object || token.recall == Recall::topic);
        if (is_object && word != "apple") {
          CHECK((token.recall == Recall::object) == !objects.empty());
          objects.push_back(word);
        }
      }
    }
    for (const std::string& sense : senses) {
      for (const std::string& topic : topics) topics_of_sense[sense].insert(topic);
    }
  }
  CHECK(topics_of_sense["bank/river"] == std::set<std::string>{"river"});
  CHECK(topics_of_sense["bank/money"] == std::set<std::string>{"money"});
  CHECK(topics_of_sense["apple/fruit"] == std::set<std::string>{"garden", "kitchen"});
  CHECK(topics_of_sense["apple/company"] == std::set<std::string>{"office"});
  CHECK(recalls.size() == 8);
}

TEST_CASE("a story depends on its seed and number alone, and the corpus is frozen", "[data]") {
  CHECK(world().text(Stories().story(3, 1000)) == world().text(world().story(3, 1000)));
  CHECK(world().text(world().story(3, 1)) != world().text(world().story(3, 0)));
  CHECK(world().text(world().story(4, 0)) != world().text(world().story(3, 0)));
  CHECK(message_of([] { world().story(0, -1); }) == "[stories] there is no story -1");

  Hash hash;
  std::int64_t lines = 0;
  for (std::int64_t i = 0; lines < 100'000; ++i) {  // an empty line between stories
    const std::string text = world().text(world().story(0, i)) + "\n";
    std::size_t end = 0;
    while (end < text.size() && lines < 100'000) end = text.find('\n', end) + 1, ++lines;
    hash.add(std::string_view(text).substr(0, end));
  }
  CHECK(hash.value() == 0x3fbd0c19cf583cc6);
}

TEST_CASE("tokens are the words of the stories one after the other", "[data]") {
  std::vector<std::int64_t> expected;
  for (int i = 0; i < 5; ++i) {
    for (const Words& sentence : sentences_of(world().text(world().story(9, i)))) {
      for (const std::string& word : sentence) expected.push_back(world().vocabulary().id(word));
    }
  }
  expected.resize(200);
  CHECK(world().tokens(9, 200) == expected);
}

TEST_CASE("three words before a word are not enough to know what a story knows", "[data]") {
  const std::vector<std::int64_t> text = world().tokens(0, 1'000'000), held_out = world().tokens(1, 100'000);
  const GrammarAutomaton& automaton = world().automaton();
  const std::vector<double> each = surprisals(automaton.model, automaton.prior(Start::story), held_out);
  const double floor = std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(each.size());
  const double uni = ngram_loss(text, held_out, 1), bi = ngram_loss(text, held_out, 2),
               tri = ngram_loss(text, held_out, 3);
  INFO("floor " << floor << ", unigrams " << uni << ", bigrams " << bi << ", trigrams " << tri);
  CHECK(uni > bi);
  CHECK(bi > tri);
  CHECK(tri > 1.2 * floor);
}

TEST_CASE("the words of two sentences do not tell a linear classifier whether one follows the other",
          "[data]") {
  const auto size = static_cast<std::size_t>(world().vocabulary().size());
  std::vector<double> often(size);
  for (const std::int64_t token : world().tokens(9, 100'000)) often[static_cast<std::size_t>(token)] += 1e-5;
  std::vector<Features> examples, held_out;
  std::vector<bool> labels, held_out_labels;
  Random random(7, 0);
  for (int i = 0; i < 12'000; ++i) {
    const Story story = world().story(21, i), other = world().story(22, i);
    const auto at = static_cast<std::size_t>(random.below(std::ssize(story.sentences) - 1));
    const bool follows = random.chance(0.5);
    std::set<std::size_t> first, second;
    for (const StoryToken& token : story.sentences[at]) first.insert(static_cast<std::size_t>(token.id));
    for (const StoryToken& token : follows ? story.sentences[at + 1] : random.pick(other.sentences)) {
      second.insert(static_cast<std::size_t>(token.id));
    }
    // Both bags, the words that both have, those of them that are not among the commonest, and a bias.
    double shared = 0, shared_content = 0;
    Features features;
    for (const std::size_t word : first) features.emplace_back(word, 1);
    for (const std::size_t word : second) {
      features.emplace_back(size + word, 1);
      shared += static_cast<double>(first.count(word));
      if (often[word] < 0.004) shared_content += static_cast<double>(first.count(word));
    }
    features.insert(features.end(), {{2 * size, shared}, {2 * size + 1, shared_content}, {2 * size + 2, 1}});
    (i < 10'000 ? examples : held_out).push_back(std::move(features));
    (i < 10'000 ? labels : held_out_labels).push_back(follows);
  }
  const double accuracy = LogisticRegression(examples, labels, 3).accuracy(held_out, held_out_labels);
  INFO("bag of words: " << accuracy);
  CHECK(accuracy < 0.7);
}
