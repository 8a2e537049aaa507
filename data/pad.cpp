#include <gradus/data/pad.h>

#include <algorithm>

#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::data {
namespace {

std::int64_t length_of(IdsView sequence) { return static_cast<std::int64_t>(sequence.size()); }

// (B, T): row r is head, sequence r and tail, then filling.
Tensor rows(const std::vector<IdsView>& sequences, std::int64_t filling, IdsView head = {},
            IdsView tail = {}) {
  check(!sequences.empty(), "pad", "there is no sequence to make a batch of. Is the corpus empty?");
  std::int64_t longest = 0;
  for (const IdsView sequence : sequences) longest = std::max(longest, length_of(sequence));
  const std::int64_t width = length_of(head) + longest + length_of(tail);
  const Tensor out = Tensor::empty({static_cast<std::int64_t>(sequences.size()), width}, i64);
  std::int64_t* row = out.data<std::int64_t>();
  for (const IdsView sequence : sequences) {
    std::int64_t* to = row;
    for (const IdsView part : {head, sequence, tail}) to = std::copy(part.begin(), part.end(), to);
    std::fill(to, row += width, filling);
  }
  return out;
}

void check_ids(const std::vector<IdsView>& sequences) {
  for (std::size_t i = 0; i < sequences.size(); ++i)
    for (const std::int64_t id : sequences[i])
      check(id >= 0, "pad", "sequence ", i, " has an id ", id, ". Ids are the rows of a table, from 0 up");
}

Tensor lengths_of(const std::vector<IdsView>& sequences, std::int64_t more) {
  std::vector<std::int64_t> lengths;
  for (const IdsView sequence : sequences) lengths.push_back(length_of(sequence) + more);
  return from_vector(lengths);
}

// (B, T): true in the first `length` places of each row.
Tensor mask_of(const Tensor& lengths, std::int64_t width) {
  const Tensor mask = Tensor::empty({lengths.numel(), width}, boolean);
  bool* row = mask.data<bool>();
  for (const std::int64_t length : lengths.to_vector<std::int64_t>()) {
    std::fill(row, row + length, true);
    std::fill(row + length, row + width, false);
    row += width;
  }
  return mask;
}

}  // namespace

Padded pad(const std::vector<IdsView>& sequences, std::int64_t padding) {
  check_ids(sequences);
  for (std::size_t i = 0; i < sequences.size(); ++i)
    check(!sequences[i].empty(), "pad", "sequence ", i, " has no ids. Leave it out?");
  const Tensor ids = rows(sequences, padding), lengths = lengths_of(sequences, 0);
  return {.ids = ids, .mask = mask_of(lengths, ids.size(1)), .lengths = lengths};
}

Tensor pad_targets(const std::vector<IdsView>& sequences) { return rows(sequences, ignore_index); }

Shifted shift(const std::vector<IdsView>& sequences, const DecoderIds& ids) {
  check_ids(sequences);
  const Tensor input = rows(sequences, ids.padding, {&ids.begin, 1});
  const Tensor target = rows(sequences, ignore_index, {}, {&ids.end, 1});
  const Tensor lengths = lengths_of(sequences, 1);
  return {.input = input, .target = target, .mask = mask_of(lengths, input.size(1)), .lengths = lengths};
}

}  // namespace gradus::data
