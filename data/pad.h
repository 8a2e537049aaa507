// Sequences of unequal length side by side. Shapes: B sequences, T ids in the longest one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::data {

// What cross_entropy passes over where it stands as a target.
constexpr std::int64_t ignore_index = -100;

using Ids = std::vector<std::int64_t>;
using IdsView = std::span<const std::int64_t>;

struct Padded {
  Tensor ids;      // (B, T), i64; behind a sequence's own ids the padding
  Tensor mask;     // (B, T), boolean: true where an id is real, so that others may attend to it
  Tensor lengths;  // (B,), i64
};

// Refuses sequences without ids, and ids below 0.
Padded pad(const std::vector<IdsView>& sequences, std::int64_t padding);

// Such as the labels of tokens: behind the end there is nothing to predict.
Tensor pad_targets(const std::vector<IdsView>& sequences);

// Ids that begin and end what a decoder writes, and fill up.
struct DecoderIds {
  std::int64_t begin, end, padding;
};

// A decoder's input, which begins with `begin`, and at each place the target, which is the input's next id
// and at last `end`: T is one more than the longest sequence has ids.
struct Shifted {
  Tensor input;    // (B, T)
  Tensor target;   // (B, T); ignore_index where the input is padding
  Tensor mask;     // (B, T), of both
  Tensor lengths;  // (B,)
};

Shifted shift(const std::vector<IdsView>& sequences, const DecoderIds& ids);

}  // namespace gradus::data
