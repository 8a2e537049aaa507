#include <gradus/data/en_fr.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include <gradus/data/en_fr/lexicon.h>

#include "data/en_fr_dictionary.h"
#include "data/en_fr_rules.h"
#include "support/catch.h"
#include "support/phrase_table.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using Split = EnFr::Split;

namespace {

constexpr std::int64_t hundred_thousand = 100000;
constexpr Split held_out[] = {Split::random, Split::longer, Split::unseen};

// The first hundred thousand training pairs of seed 0.
const std::vector<Pair>& training() {
  static const std::vector<Pair> pairs = [] {
    const EnFr corpus(0);
    std::vector<Pair> drawn;
    drawn.reserve(hundred_thousand);
    for (std::int64_t i = 0; i < hundred_thousand; ++i) drawn.push_back(corpus.pair(Split::training, i));
    return drawn;
  }();
  return pairs;
}

std::vector<Pair> pairs_of(Split split, std::int64_t count, std::uint64_t seed = 0) {
  const EnFr corpus(seed);
  std::vector<Pair> drawn;
  for (std::int64_t i = 0; i < count; ++i) drawn.push_back(corpus.pair(split, i));
  return drawn;
}

std::string english(const Pair& pair) { return sentence_of(pair.english); }
std::string french(const Pair& pair) { return sentence_of(pair.french); }

std::size_t place_of(const std::string& word, const std::vector<std::string>& tokens) {
  return static_cast<std::size_t>(std::find(tokens.begin(), tokens.end(), word) - tokens.begin());
}

// Whether a rule is broken once `from` is `to`.
bool is_noticed(Pair pair, const std::string& from, const std::string& to) {
  pair.french.at(place_of(from, pair.french)) = to;
  return !test::broken_rules(pair).empty();
}

}  // namespace

TEST_CASE("the pairs that every course shows are in the corpus", "[data][en_fr]") {
  const EnFr corpus(0);
  const Pair student = corpus.pair(Split::training, 200), tom = corpus.pair(Split::training, 2130799);
  CHECK(student.english == std::vector<std::string>{"I", "am", "a", "student", "."});
  CHECK(student.french == std::vector<std::string>{"je", "suis", "étudiant", "."});
  CHECK(student.alignment == std::vector<Link>{{0, 0}, {1, 1}, {3, 2}, {4, 3}});
  CHECK(french(student) == "Je suis étudiant.");
  CHECK(english(tom) == "Tom chases Jerry.");
  CHECK(french(tom) == "Tom poursuit Jerry.");
  CHECK(tom.alignment == std::vector<Link>{{0, 0}, {1, 1}, {2, 2}, {3, 3}});
}

TEST_CASE("tokens are put together as one writes", "[data][en_fr]") {
  CHECK(sentence_of({"the", "boy", "'s", "dog", "did", "n't", "sleep", "."}) ==
        "The boy's dog didn't sleep.");
  CHECK(sentence_of({"l'", "animal", "n'", "a", "pas", "dormi", "."}) == "L'animal n'a pas dormi.");
  CHECK(sentence_of({}).empty());
}

TEST_CASE("content words are those of the dictionary, and nothing else but other verbs and adverbs of time",
          "[data][en_fr]") {
  const test::Dictionary& known = test::dictionary();
  for (const auto& [noun, what] : known.nouns) CHECK(data::is_content_word(noun));
  for (const auto& [name, gender] : known.names) CHECK(data::is_content_word(name));
  for (const auto& [adjective, what] : known.adjectives) CHECK(data::is_content_word(adjective));
  for (const auto& [participle, forms] : known.participles)
    CHECK(data::is_content_word(participle) == (participle != "été" && participle != "eu"));
  std::set<std::string> others;  // that are met in sentences
  for (const Pair& pair : pairs_of(Split::longer, 2000))
    for (const std::string& token : pair.french)
      if (!data::is_content_word(token)) others.insert(token);
  for (const auto& list : {data::en_fr::possessives(), data::en_fr::numbers()})
    for (const data::en_fr::Determiner& one : list)
      for (const std::string_view form : {one.masculine, one.feminine, one.plural})
        if (!form.empty()) CHECK(others.count(std::string(form)) == 1);
  for (const data::en_fr::Verb& verb : data::en_fr::verbs())
    CHECK(data::is_content_word(verb.french.present[2]) == (verb.french.infinitive != "avoir"));
  for (const char* const token : {".", "ne", "pas", "je", "parce", "dans", "est", "était", "l'", "qui"})
    CHECK(others.count(token) == 1);
}

TEST_CASE("an English sentence has one French one", "[data][en_fr]") {
  std::unordered_map<std::string, std::string> known;
  std::int64_t different = 0;
  const auto take = [&](const Pair& pair) {
    const auto [at, is_new] = known.emplace(english(pair), french(pair));
    if (!is_new) different += at->second != french(pair);
  };
  for (const Pair& pair : training()) take(pair);
  CHECK(known.size() >= 95 * hundred_thousand / 100);
  for (const Split split : held_out) {
    for (const Pair& pair : pairs_of(split, 10000)) take(pair);
  }
  for (const Pair& pair : pairs_of(Split::training, 20000, 1)) take(pair);
  CHECK(different == 0);
}

TEST_CASE("both languages have hundreds of words, and each is met often", "[data][en_fr]") {
  std::map<std::string, std::int64_t> english, french;
  std::size_t tokens = 0;
  for (const Pair& pair : training()) {
    for (const std::string& word : pair.english) ++english[word];
    for (const std::string& word : pair.french) ++french[word];
    tokens += pair.english.size();
  }
  CHECK(english.size() >= 300);
  CHECK(french.size() >= 300);
  CHECK(tokens >= 8 * training().size());
  CHECK(tokens <= 11 * training().size());
  const auto rarer = [](const auto& a, const auto& b) { return a.second < b.second; };
  CHECK(std::min_element(english.begin(), english.end(), rarer)->second >= 200);
  CHECK(std::min_element(french.begin(), french.end(), rarer)->second >= 25);
}

TEST_CASE("French grammar holds in every pair", "[data][en_fr]") {
  std::map<std::string, std::string> broken;
  const auto read = [&](const Pair& pair) {
    for (const std::string& rule : test::broken_rules(pair)) broken[rule] = french(pair);
  };
  for (const Pair& pair : training()) read(pair);
  for (const Split split : held_out) {
    for (const Pair& pair : pairs_of(split, 2000)) read(pair);
  }
  CHECK(broken == std::map<std::string, std::string>{});
}

TEST_CASE("the rules of French notice what breaks them", "[data][en_fr]") {
  // la vieille armoire rouge n' est pas tombée
  const Pair pair = {{"the", "old", "red", "cupboard", "did", "n't", "fall", "."},
                     {"la", "vieille", "armoire", "rouge", "n'", "est", "pas", "tombée", "."},
                     {{0, 0}, {1, 1}, {2, 3}, {3, 2}, {4, 5}, {5, 4}, {5, 6}, {6, 7}, {7, 8}},
                     {}};
  CHECK(test::broken_rules(pair).empty());
  CHECK(is_noticed(pair, "la", "le"));
  CHECK(is_noticed(pair, "vieille", "vieux"));
  CHECK(is_noticed(pair, "rouge", "rouges"));
  CHECK(is_noticed(pair, "n'", "ne"));
  CHECK(is_noticed(pair, "est", "sont"));
  CHECK(is_noticed(pair, "pas", "toujours"));
  CHECK(is_noticed(pair, "tombée", "tombé"));
  CHECK(is_noticed(pair, "armoire", "panier"));
  Pair unlinked = pair;
  unlinked.alignment.pop_back();
  unlinked.alignment.pop_back();
  CHECK_FALSE(test::broken_rules(unlinked).empty());

  // Tom a acheté la pomme qu' Anna a vue et l' a mangée
  const Pair apple = {
      {"Tom", "bought", "the", "apple", "that", "Anna", "saw", "and", "ate", "it", "."},
      {"Tom", "a", "acheté", "la", "pomme", "qu'", "Anna", "a", "vue", "et", "l'", "a", "mangée", "."},
      {{0, 0},
       {1, 1},
       {1, 2},
       {2, 3},
       {3, 4},
       {4, 5},
       {5, 6},
       {6, 7},
       {6, 8},
       {7, 9},
       {8, 11},
       {8, 12},
       {9, 10},
       {10, 13}},
      {{9, 3, 10, 4}}};
  CHECK(test::broken_rules(apple).empty());
  CHECK(is_noticed(apple, "acheté", "achetée"));
  CHECK(is_noticed(apple, "vue", "vu"));
  CHECK(is_noticed(apple, "mangée", "mangé"));
  CHECK(is_noticed(apple, "l'", "le"));
  CHECK(is_noticed(apple, "pomme", "gâteau"));
  Pair mistaken = apple;
  mistaken.references[0] = {9, 0, 10, 0};
  CHECK_FALSE(test::broken_rules(mistaken).empty());
}

TEST_CASE("what is said of a subject is never said of its object", "[data][en_fr]") {
  using en_fr::Reason;
  const auto may_be_the_same = [](const Reason& a, const Reason& b) {
    return a.verb == b.verb && a.denied == b.denied && a.subjects & b.subjects && a.objects & b.objects;
  };
  std::size_t compared = 0;
  for (const Reason& a : en_fr::reasons()) {
    for (const Reason& b : en_fr::reasons()) {
      if (!may_be_the_same(a, b)) continue;
      for (const en_fr::Adjective* adjective : a.of_subject) {
        ++compared;
        CHECK(std::count(b.of_object.begin(), b.of_object.end(), adjective) == 0);
      }
    }
  }
  CHECK(compared >= 60);
}

TEST_CASE("neither place nor gender tells what it stands for", "[data][en_fr]") {
  const auto& nouns = test::dictionary().nouns;
  // By whether it is the last noun before because, and by gender.
  double last = 0, feminine = 0, all = 0, of_last[2][2] = {};
  for (const Pair& pair : training()) {
    for (const Reference& r : pair.references) {
      const std::size_t because = place_of("because", pair.english);
      if (pair.english[static_cast<std::size_t>(r.english_pronoun)] != "it" || because == pair.english.size())
        continue;
      const auto noun = pair.french.begin() + r.french_noun;
      const auto parce = std::find(pair.french.begin(), pair.french.end(), "parce");
      const bool is_last =
          std::none_of(noun + 1, parce, [&](const auto& word) { return nouns.count(word) > 0; });
      const bool is_feminine = nouns.at(*noun).gender == 'f';
      last += is_last;
      feminine += is_feminine;
      of_last[is_last][is_feminine] += 1;
      ++all;
    }
  }
  CHECK(all >= 5000);
  CHECK(std::abs(last / all - 0.5) < 0.15);
  CHECK(std::abs(feminine / all - 0.5) < 0.1);
  for (const auto& row : of_last) {
    for (const double count : row) CHECK(count / all > 0.15);
  }
}

TEST_CASE("what is held out is nowhere in training", "[data][en_fr]") {
  std::unordered_set<std::string> trained;
  std::unordered_set<std::string> words, beside;  // beside: two neighbours
  for (const Pair& pair : training()) {
    trained.insert(english(pair));
    words.insert(pair.english.begin(), pair.english.end());
    for (std::size_t i = 1; i < pair.english.size(); ++i)
      beside.insert(pair.english[i - 1] + ' ' + pair.english[i]);
  }
  for (const Pair& pair : pairs_of(Split::training, 20000, 7)) trained.insert(english(pair));

  std::int64_t repeated = 0, unknown = 0, too_short = 0, too_long = 0;
  for (const Split split : held_out) {
    for (const Pair& pair : pairs_of(split, 3000, 3)) {
      repeated += trained.count(english(pair)) > 0;
      unknown += std::any_of(pair.english.begin(), pair.english.end(),
                             [&](const std::string& word) { return words.count(word) == 0; });
      const auto length = static_cast<std::int64_t>(pair.english.size());
      too_short += split == Split::longer && length <= EnFr::longest_in_training;
      too_long += length > (split == Split::longer ? EnFr::longest : EnFr::longest_in_training);
    }
  }
  CHECK(repeated == 0);
  CHECK(unknown == 0);
  CHECK(too_short == 0);
  CHECK(too_long == 0);

  // Of an adjective before its noun, how many are common in `unseen` and never met in training?
  std::map<std::string, int> unseen, random;
  const auto count_pairs = [&](Split split, auto& counts) {
    const auto& d = test::dictionary();
    for (const Pair& pair : pairs_of(split, 20000)) {
      for (const Link& link : pair.alignment) {
        if (d.adjectives.count(pair.french[static_cast<std::size_t>(link.french)]) == 0) continue;
        const auto e = static_cast<std::size_t>(link.english);
        const std::string both = pair.english[e] + ' ' + pair.english[e + 1];
        counts[both] += beside.count(both) == 0;
      }
    }
  };
  count_pairs(Split::unseen, unseen);
  count_pairs(Split::random, random);
  const auto common = [](const auto& counts) {
    return std::count_if(counts.begin(), counts.end(), [](const auto& entry) { return entry.second >= 8; });
  };
  CHECK(common(unseen) >= 40);
  CHECK(common(random) == 0);
}

TEST_CASE("a pair depends on its seed, split and number alone", "[data][en_fr]") {
  const EnFr corpus(5);
  const Pair last = corpus.pair(Split::longer, 1000);
  corpus.pair(Split::training, 0);
  CHECK(EnFr(5).pair(Split::longer, 1000) == last);
  CHECK_FALSE(EnFr(6).pair(Split::longer, 1000) == last);
  CHECK_FALSE(corpus.pair(Split::longer, 1001) == last);
  CHECK(test::message_of([&] { corpus.pair(Split::random, -1); }) ==
        "[en_fr] there is no pair -1; they are counted from 0");
}

TEST_CASE("phrases learned by heart do not translate", "[data][en_fr]") {
  const std::vector<Pair> asked = pairs_of(Split::random, 2000);
  const auto exact = [&](const test::PhraseTable& table) {
    return std::count_if(asked.begin(), asked.end(),
                         [&](const Pair& pair) { return table.translate(pair.english) == pair.french; });
  };
  const test::PhraseTable table(std::span<const Pair>(training()).first(20000), 5);
  const std::int64_t right = exact(table);
  CHECK(right <= 40 * 2000 / 100);
  CHECK(right >= 15 * 2000 / 100);  // it is not made to fail
  const Pair& known = training().front();
  CHECK(test::PhraseTable(std::span(&known, 1), 16).translate(known.english) == known.french);
}

TEST_CASE("the corpus is frozen", "[data][en_fr]") {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&](const std::string& text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  };
  for (const Pair& pair : training()) {
    add(english(pair) + '\t' + french(pair) + '\n');
    for (const Link& l : pair.alignment)
      add(std::to_string(l.english) + '-' + std::to_string(l.french) + ' ');
    for (const Reference& r : pair.references) {
      add(std::to_string(r.english_pronoun) + '=' + std::to_string(r.english_noun) + ' ');
    }
  }
  CHECK(hash == 0xf6ce247235d53cfc);
}
