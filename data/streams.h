// What the random choices of one seed are used for. Each use begins the place of its streams with its name,
// as in Random(seed, {streams::masks, epoch, item}), so that no two of them draw the same numbers.
#pragma once

#include <cstdint>

namespace gradus::data::streams {

enum : std::int64_t { order, offsets, pairs, masks, sampling, subsampling, contexts, lengths, exchanges };

}  // namespace gradus::data::streams
