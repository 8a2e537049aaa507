// A reader of the tasks' sentences: who did what to whom, and where.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::test {

using Words = std::vector<std::string>;

Words words_in(std::string_view text);

// What the lexicon knows of a word: she or he for a name, the kind of an object, or ""; the topics that have
// it, which for bank and apple are several.
std::string gender_of(const std::string& name);
std::string kind_of(const std::string& object);
const std::set<std::string>& topics_of(const std::string& word);

// Noun phrases are as they stand: "the red pie".
struct StoryFact {
  std::string subject, verb;  // "is" where a phrase says only where something is
  Words objects;              // noun phrases, or an adjective
  Words places;               // "near the stove"
};

// Of sentences with names, relative clauses, "and" and "but"; "because of the rain" is a fact of its own, and
// a question's subject is who. A pronoun stands for the last name of its gender.
std::vector<StoryFact> facts_in(std::string_view text);

// The same for words that say the same: articles off, of each pair of synonyms the first in the alphabet.
std::string canonical(std::string_view phrase);

// Whether the narrow phrase is also the wide one: "the red pie" is "the red dessert".
bool is_also(std::string_view narrow, std::string_view wide);

// Whether what the fact tells of its subject says all that the wide one does, and of the same subject.
bool says_what(const StoryFact& fact, const StoryFact& wide);
bool says(const StoryFact& fact, const StoryFact& wide);

}  // namespace gradus::test
