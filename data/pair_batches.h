// Batches for encoder-decoders: a sequence that is read, and one that is to be written.
#pragma once

#include <cstdint>
#include <vector>

#include <gradus/data/pad.h>
#include <gradus/data/source.h>

namespace gradus::data {

struct IdsPair {
  Ids source, target;
};

struct PairBatch {
  Padded source;
  Shifted target;
  Tensor items;  // (B,): which pairs these are
};

struct PairOptions {
  BatchSize size;  // tokens: of either side
  DecoderIds ids;
  std::uint64_t seed = 0;
};

// Pairs whose longer sides are about equally long share a batch. Each pair comes once an epoch.
Source<PairBatch> pair_batches(std::vector<IdsPair> pairs, const PairOptions& options);

}  // namespace gradus::data
