// Stories as a grammar that can be read, and the automaton made of it. Words are lists:
//
//   hero by gender             place by topic
//     she: mia 3, zoe            kitchen: kitchen 2, bakery
//     he: leo 3, tom             river: harbour, bank/river
//
// A line's key says for which gender or topic its words are; a number is a word's weight, 1 where there is
// none; what stands behind a slash is the sense of a word that has several. A list may have two keys ("thing
// by topic, number", with lines such as "river many: boats, nets"), or none. The plot is groups of sentences:
//
//   opening -> wish 3, rain
//     2: {hero!gender} went to the {place!topic} .
//     1: {hero!gender} liked the {place!topic} . -> rain
//
// One sentence of a group is told, by weight, then one of a group that follows, by weight. {place} is a word
// of the list, chosen by weight from the line for the topic of this story. {place!topic} chooses from all
// lines, whichever key they have, and makes the key known from there on. {=hero} is the word that was last
// chosen from the list hero, and a list may be keyed by what was chosen from another ("kind by object", with
// "kite: toy"). The group `end` ends the story.
//
// A state of the automaton is a place in a sentence with as much of what was chosen as some slot ahead will
// ask for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/hidden_markov.h>
#include <gradus/data/vocabulary.h>

namespace gradus::data {

struct Choice {  // a word of a list
  std::string word, sense;
  std::vector<std::string> keys;  // as many as the list has
  double weight;
};

struct WordList {
  std::string name;
  std::vector<std::string> keys;  // what it is chosen by: topic, gender, or another list's name
  std::vector<Choice> choices;
};

std::vector<WordList> read_word_lists(std::string_view text);

// What lies behind an arc, for who tells the story and knows.
struct Telling {
  std::int32_t slot, sense;  // in GrammarAutomaton's lists
};

// Where a text begins.
enum class Start { anywhere, sentence, story };

struct GrammarAutomaton {
  Vocabulary vocabulary;          // words in alphabetical order
  HiddenMarkov model;             // starts in state 0, where a story begins
  std::vector<Telling> tellings;  // of each arc of the model
  std::vector<std::string>
      slots;  // as the plot spells them without braces: "place", "place!topic", "=hero"; "" is a plain word
  std::vector<std::string> senses;   // "" for a word that has one
  std::vector<bool> sentence_start;  // of each state

  bool starts_sentence(std::int32_t state) const { return sentence_start[static_cast<std::size_t>(state)]; }
  std::vector<double> prior(Start start) const;  // how likely each state is before a text
};

GrammarAutomaton compile(const std::vector<WordList>& lists, std::string_view plot);

}  // namespace gradus::data
