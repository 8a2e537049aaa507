// Masked language modelling: some tokens are hidden, and the model says what they were.
// Devlin, Chang, Lee & Toutanova 2019
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <gradus/data/pad.h>
#include <gradus/data/random.h>
#include <gradus/data/vocabulary.h>

namespace gradus::data {

// BERT's own tokens, by their numbers.
struct SpecialIds {
  std::int64_t padding, unknown, cls, sep, mask;
};
SpecialIds special_ids(const Vocabulary& vocabulary);  // [PAD], [UNK], [CLS], [SEP], [MASK]

// BERT's corruption of a text.
struct Corruption {
  double selected = 0.15;  // the part of the tokens that is to be predicted. Of these,
  double masked = 0.8;     //   this part becomes [MASK],
  double random = 0.1;     //   this part another token, each as likely, and the rest stays
};

struct Masking {
  std::int64_t vocabulary;  // its size
  SpecialIds special;       // are never selected, nor drawn as another token
  Corruption corruption = {};
  // Whole words: a token for which this holds, such as ##ing, is selected with the one before it and not
  // alone.
  std::function<bool(std::int64_t)> continues_word = {};
};

struct Masked {
  Ids ids;
  Ids labels;  // what stood there, where a token was selected; elsewhere ignore_index
};

// Each token, or word, is selected by itself. A short sequence may have none that is.
Masked mask_tokens(IdsView ids, const Masking& masking, Random& random);

}  // namespace gradus::data
