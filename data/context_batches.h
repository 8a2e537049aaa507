// Batches for word2vec: which words stand around which in a text.
// Mikolov, Chen, Corrado & Dean 2013; subsampling and negatives: Mikolov, Sutskever et al. 2013
#pragma once

#include <cstdint>

#include <gradus/data/pad.h>
#include <gradus/data/source.h>

namespace gradus::data {

enum class Word2VecTask {
  cbow,       // continuous bag of words: the words around are known together, the one in the middle is asked
  skip_gram,  // the one in the middle is known, and asked is each word around it, a row of its own
};

// B rows, of up to C known words each.
struct ContextBatch {
  Padded known;      // (B, C)
  Tensor target;     // (B,): the word that is asked
  Tensor negatives;  // (B, N): words from anywhere, none of them the target
};

struct ContextOptions {
  Word2VecTask task = Word2VecTask::skip_gram;
  // Words on either side of the middle one, as far as the text goes. All of them are taken: the authors'
  // program draws a smaller window for each place, which counts nearer words more often and others less.
  std::int64_t window = 5;
  // Of a word that makes up the part f of the text, sqrt(threshold / f) of its places are kept, and all where
  // that is above 1: what stands everywhere tells little. 1 keeps all words.
  double threshold = 3e-4;
  std::int64_t negatives = 5;
  std::int64_t batch_size = 64;  // words in the middle
  std::uint64_t seed = 0;
};

// Each kept place of the text is in the middle once an epoch. A word keeps equally many places each epoch,
// drawn anew; the others are taken out before windows are laid, which so reach further. A negative is a word
// with a probability proportional to count^(3/4), its count in the whole text.
Source<ContextBatch> context_batches(Ids text, const ContextOptions& options);

}  // namespace gradus::data
