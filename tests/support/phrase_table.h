// What a translation corpus must be out of reach of: phrases learned by heart, put one after another.
#pragma once

#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <gradus/data/en_fr.h>

namespace gradus::test {

// Every English phrase of up to `longest` tokens with what stands for it in French: the tokens linked to it
// and those between, where none of them is linked to an English token outside; also with neighbours that
// have no link. Och & Ney 2004, "The Alignment Template Approach to Statistical Machine Translation"
class PhraseTable {
 public:
  PhraseTable(std::span<const data::Pair> pairs, std::size_t longest);

  // From left to right, the longest phrase that is known, as it was translated most often. A token that is
  // unknown even alone is left as it is.
  std::vector<std::string> translate(const std::vector<std::string>& english) const;

 private:
  void learn(const data::Pair& pair);

  std::size_t longest_;
  std::unordered_map<std::string, std::map<std::vector<std::string>, int>> phrases_;
};

}  // namespace gradus::test
