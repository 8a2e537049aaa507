// English and French as numbers: what a translator of en_fr.h learns from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gradus/data/en_fr.h>
#include <gradus/data/pair_batches.h>
#include <gradus/data/vocabulary.h>

namespace gradus::data {

// Training pairs 0, 1, 2, ... of the corpus whose seed is 0, and a vocabulary for each language: [PAD],
// [BOS], [EOS], then the words in the order in which they first come.
struct EnFrIds {
  explicit EnFrIds(std::int64_t pairs);

  static constexpr DecoderIds ids{.begin = 1, .end = 2, .padding = 0};
  Vocabulary english, french;
  std::vector<IdsPair> training;

  // Of a pair of any split. Refuses words that no training pair has.
  IdsPair ids_of(const Pair& pair) const;
  std::string french_sentence(const Ids& sentence) const;

 private:
  struct Drawn;
  explicit EnFrIds(Drawn drawn);
};

}  // namespace gradus::data
