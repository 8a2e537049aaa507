// Batches for language models: a long text of ids, cut into blocks of T, B at a time. At each place the
// target is the input's next id.
#pragma once

#include <cstdint>
#include <vector>

#include <gradus/data/pad.h>
#include <gradus/data/source.h>

namespace gradus::data {

struct LmBatch {
  Tensor input, target;  // (B, T)
  // False where every row goes on from the batch before, so that a recurrent state may be carried over.
  bool begins;
};

struct SequentialOptions {
  std::int64_t batch_size, block;
};

// The text lies in B streams of equal length; row r of a batch goes on where row r of the batch before ended.
// Each epoch is the same. Every id but the first is a target, except for fewer than B at the end. The last
// batch of an epoch may have a smaller T.
Source<LmBatch> sequential_batches(Ids text, const SequentialOptions& options);

struct WindowOptions {
  std::int64_t batch_size, block;
  std::uint64_t seed = 0;
};

// Windows of the text that lie side by side, shuffled. Where the first one begins is drawn for each epoch:
// fewer than 2 T targets, before it and behind the last one, are left out, other ones each time. The last
// batch of an epoch may have a smaller B.
Source<LmBatch> window_batches(Ids text, const WindowOptions& options);

}  // namespace gradus::data
