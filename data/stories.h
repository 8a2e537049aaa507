// Little stories in English whose source is known exactly: a toy corpus for language models.
//
//   const data::Stories world;
//   const data::Story story = world.story(seed, 0);
//   std::cout << world.text(story);
//
// Somebody goes somewhere, wants or promises something, meets trouble and does something about it; it goes
// well or badly, and so does the feeling at the end. There is no telling from a sentence alone which may come
// next, but from the sentences before: the topic, who it is about (she or he, and by name), which object was
// wished for, whether it was one thing or many, and how it went are all taken up again later. The plot and
// the words stand in data/stories/ as tables.
//
// The stories come from a finite automaton (hidden_markov.h), and with it comes what nobody can do better:
// see story_floors.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/data/hidden_markov.h>
#include <gradus/data/stories/grammar.h>
#include <gradus/data/vocabulary.h>

namespace gradus::data {

// What a word takes from earlier words.
enum class Recall {
  nothing,
  topic,    // it is chosen from the topic's words
  pronoun,  // she, he, her, his, him
  name,     // the name that the story began with
  object,   // the object of the wish
  kind,     // what the object is a kind of
  number,   // was or were, across other nouns
  feeling   // good or bad, by how it went
};

struct StoryToken {
  std::int64_t id;  // in Stories::vocabulary()
  Recall recall;
  std::string_view sense;  // of a word with several, such as bank: river or money; else empty
};

struct Story {
  std::vector<std::vector<StoryToken>> sentences;
};

// What the words of the stories mean, as the stories use them.
struct Lexicon {
  struct Topic {
    std::string name;
    std::vector<std::string> places, workers, objects, tools, spots;  // nouns, singular
    std::vector<std::pair<std::string, std::string>> things;          // nouns, singular and plural
    std::vector<std::string> verbs;                                   // what is done with objects, plain form
    std::vector<std::string> adjectives;
  };
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  std::vector<Topic> topics;
  std::vector<std::string> positive, negative;  // adjectives: what turned out well or badly, and how it felt
  Pairs synonyms;                               // each may stand for the other, in the same places
  Pairs hypernyms;                              // (apple, fruit)
  Pairs people;                                 // (mia, she)
  Pairs causes;                                 // (rain, wet)
};

class Stories {
 public:
  Stories();

  const Vocabulary& vocabulary() const { return automaton_.vocabulary; }
  const GrammarAutomaton& automaton() const { return automaton_; }
  const Lexicon& lexicon() const { return lexicon_; }

  Story story(std::uint64_t seed, std::int64_t i) const;
  std::string text(const Story& story) const;  // a sentence a line, single spaces between words
  // The words of stories 0, 1, 2, ..., as many as asked for; the last story may be cut.
  std::vector<std::int64_t> tokens(std::uint64_t seed, std::int64_t count) const;

 private:
  std::vector<WordList> lists_;
  GrammarAutomaton automaton_;
  Lexicon lexicon_;
  std::vector<Recall> recalls_;  // of each slot of the automaton
};

}  // namespace gradus::data
