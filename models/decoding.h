// Writing one token after another: what a model offers for it, and two ways to look for its most likely
// sequence. By chance: sampling.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <gradus/core/tensor.h>
#include <gradus/data/pad.h>

namespace gradus::models {

// A model in the middle of writing: R rows, side by side, each with a sequence of its own. What it has made
// of them so far (a state, keys and values) stays with it.
class Writer {
 public:
  virtual ~Writer() = default;
  // Each row goes on with its ids of (R, T). What may come behind the last of them, as logits (R, V).
  virtual Tensor next(const Tensor& ids) = 0;
  // From here on row r is what row rows[r] was; rows: (R',). So a search forks and drops sequences.
  virtual void keep_rows(const Tensor& rows) = 0;
  // The most ids of a row that one call of next takes; none: any number.
  virtual std::optional<std::int64_t> longest() const { return {}; }
};

struct DecodeOptions {
  std::int64_t begin, end;  // ids; neither is part of what is returned
  std::int64_t max_length = 64;
};

// The most likely next token each time, in all rows at once.
std::vector<data::Ids> greedy(Writer& writer, std::int64_t rows, const DecodeOptions& options);

struct Hypothesis {
  data::Ids ids;
  double log_probability;  // of the ids, and of the end if it came before max_length
  double score;
};

struct BeamOptions {
  DecodeOptions decode;
  std::int64_t width = 4;
  // Sequences are compared by log P / ((5 + length) / 6)^length_penalty, the end counted in the length: 0
  // prefers short ones.   Wu et al. 2016
  double length_penalty = 0.6;
};

// The `width` best sequences that were found for each row, the best first.
std::vector<std::vector<Hypothesis>> beam_search(Writer& writer, std::int64_t rows,
                                                 const BeamOptions& options);

}  // namespace gradus::models
