// A grammar so small that all its stories can be written down: by loops over what may be chosen, not by an
// automaton.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/stories/grammar.h>

namespace gradus::test {

inline constexpr std::string_view small_words = R"(
hero by gender
  she: ann 2
  he: bob, carl

she by gender
  she: she
  he: he

place by topic
  water: pond 1, bank/river 2
  money: bank/money 1, shop 1

fluid by place
  pond: mud
  bank: rain 3, gold
  shop: rain
)";

inline constexpr std::string_view small_plot = R"(
start -> want 2, fall
  1: {hero!gender} saw the {place!topic} .
fall -> want
  1: {fluid} came !
want -> end
  2: {she} liked the {place} .
  1: {=hero} left .
)";

struct Tale {
  std::vector<std::vector<std::string>> sentences;
  double probability;
};

// All stories that small_words and small_plot can tell.
inline std::vector<Tale> all_small_stories() {
  struct Named {
    std::string word, key;
    double p;
  };
  const std::vector<Named> heroes = {{"ann", "she", 0.5}, {"bob", "he", 0.25}, {"carl", "he", 0.25}};
  const std::vector<Named> first_places = {
      {"pond", "water", 0.2}, {"bank", "water", 0.4}, {"bank", "money", 0.2}, {"shop", "money", 0.2}};
  const std::vector<Named> later_places = {
      {"pond", "water", 1. / 3}, {"bank", "water", 2. / 3}, {"bank", "money", 0.5}, {"shop", "money", 0.5}};
  const std::vector<Named> fluids = {
      {"mud", "pond", 1}, {"rain", "bank", 0.75}, {"gold", "bank", 0.25}, {"rain", "shop", 1}};
  std::vector<Tale> tales;
  for (const Named& hero : heroes) {
    for (const Named& place : first_places) {
      const Tale opening{{{hero.word, "saw", "the", place.word, "."}}, hero.p * place.p};
      std::vector<Tale> middles = {{opening.sentences, opening.probability * 2 / 3}};
      for (const Named& fluid : fluids) {
        if (fluid.key != place.word) continue;
        middles.push_back({opening.sentences, opening.probability / 3 * fluid.p});
        middles.back().sentences.push_back({fluid.word, "came", "!"});
      }
      for (const Tale& middle : middles) {
        for (const Named& later : later_places) {
          if (later.key != place.key) continue;
          tales.push_back({middle.sentences, middle.probability * 2 / 3 * later.p});
          tales.back().sentences.push_back({hero.key, "liked", "the", later.word, "."});
        }
        tales.push_back({middle.sentences, middle.probability / 3});
        tales.back().sentences.push_back({hero.word, "left", "."});
      }
    }
  }
  return tales;
}

inline data::GrammarAutomaton small_automaton() {
  return data::compile(data::read_word_lists(small_words), small_plot);
}

inline std::vector<std::int64_t> ids_of(const data::Vocabulary& vocabulary,
                                        const std::vector<std::string>& words) {
  std::vector<std::int64_t> ids;
  for (const std::string& word : words) ids.push_back(vocabulary.id(word));
  return ids;
}

}  // namespace gradus::test
