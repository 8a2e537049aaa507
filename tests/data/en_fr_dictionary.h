// A small dictionary for the rules of en_fr_rules.h, written apart from the lexicon that they check.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace gradus::test {

struct FrenchNoun {
  char gender;  // m or f
  bool plural, singular;
};

struct FrenchAdjective {
  std::unordered_set<std::string> fits;  // of ms fs mp fp
  char place;                            // b before the noun, a after it
};

struct Dictionary {
  std::unordered_map<std::string, FrenchNoun> nouns;
  std::unordered_map<std::string, FrenchAdjective> adjectives;
  std::unordered_map<std::string, char> names;
  // English form: what one French word of its translation begins with.
  std::unordered_map<std::string, std::vector<std::string>> translations;
  std::unordered_map<std::string, std::string>
      participles;  // form: ms, fs, mp, fp, or s where ms and mp are alike
};

const Dictionary& dictionary();

}  // namespace gradus::test
