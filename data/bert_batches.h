// Batches to pre-train BERT: pairs of sentences with some tokens hidden. Two questions are asked at once:
// what the hidden tokens were, and whether the second sentence follows the first one.
// Devlin, Chang, Lee & Toutanova 2019
#pragma once

#include <cstdint>
#include <vector>

#include <gradus/data/masking.h>
#include <gradus/data/source.h>

namespace gradus::data {

// [CLS] a [SEP], or [CLS] a [SEP] b [SEP]: what BERT reads.
struct BertInput {
  Ids ids;
  Ids segments;  // 0 up to the first [SEP], then 1
};

// Where there are more ids than `longest`, the longer of a and b loses its last one until there are not.
BertInput bert_input(IdsView a, IdsView b, const SpecialIds& special, std::int64_t longest);

using Document = std::vector<Ids>;  // sentences

struct BertBatch {
  Tensor ids, segments;  // (B, T), with [PAD] and 0 behind the end
  Tensor mask;           // (B, T), boolean: true where an id is real
  Tensor labels;         // (B, T): the hidden tokens, elsewhere ignore_index
  Tensor is_random;      // (B,): 0 where the second sentence follows the first, 1 where it is from elsewhere
};

struct BertOptions {
  std::int64_t batch_size, longest;
  Masking masking;
  double random = 0.5;              // of second sentences is from elsewhere
  double near = 0;                  // of these is hard to tell from the right one, see below
  std::int64_t most_sentences = 1;  // in each of the two segments, see below
  std::uint64_t seed = 0;
};

// Each sentence that has a next one comes once an epoch: with that, or with the probability `random` with a
// sentence of another document, each as likely. Each epoch chooses again, and hides other tokens.
//
// Most sentences from elsewhere speak of something that cannot come now, and teach no more than that. With
// the probability `near` sixteen are drawn, and of these the one is taken that shares most words with the
// right one but is not the same; it may well differ from it in a single word.
//
// Where a segment may have several sentences, two numbers from 1 to `most_sentences` are drawn for a batch. A
// first segment is the sentence and those before it, a second one what follows, or the sentence from
// elsewhere, and what stands behind it: as many as were drawn, as there are and as fit.
Source<BertBatch> bert_batches(std::vector<Document> documents, const BertOptions& options);

}  // namespace gradus::data
