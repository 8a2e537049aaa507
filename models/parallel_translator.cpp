#include <gradus/models/parallel_translator.h>

#include <algorithm>
#include <cmath>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

const char* const op = "parallel_translator";

const Transformer::Options& checked(const Transformer::Options& o) {
  check(o.shared != Shared::none, op,
        "reads no target, so that a target embedding of its own would learn nothing. Shared::target?");
  return o;
}

// The source's ids (B, S), each row's spread evenly over as many places as `lengths` says: (B, T). What
// stands behind a row's places is nobody's.
Tensor spread(const data::Padded& source, const data::Ids& lengths) {
  const std::int64_t rows = source.ids.size(0), width = source.ids.size(1);
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const data::Ids ids = source.ids.to_vector<std::int64_t>();
  const data::Ids words = source.lengths.defined() ? source.lengths.to_vector<std::int64_t>()
                                                   : data::Ids(static_cast<std::size_t>(rows), width);
  data::Ids all;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t t = 0; t < longest; ++t) {
      const auto r = static_cast<std::size_t>(row);
      const std::int64_t s = std::min(t * words[r] / lengths[r], words[r] - 1);
      all.push_back(ids[static_cast<std::size_t>(row * width + s)]);
    }
  return from_vector(all, {rows, longest});
}

}  // namespace

ParallelTranslator::ParallelTranslator(const Options& o)
    : options(checked(o)), transformer(o), length({.in = o.width, .out = o.max_length}) {}

// The mean of what the encoder says of the words, real (B, S) or undefined.
Tensor ParallelTranslator::length_logits(const Tensor& memory, const Tensor& real) const {
  if (!real.defined()) return length(mean(memory, 1));
  const Tensor words = real.to(memory.dtype());
  return length(sum(memory * words.unsqueeze(2), 1) / sum(words, 1).unsqueeze(1));
}

Tensor ParallelTranslator::decoded(const data::Padded& source, const Tensor& memory,
                                   const data::Ids& lengths) const {
  const Tensor ids = spread(source, lengths);
  const Tensor real = arange(static_cast<double>(ids.size(1)), i64) < from_vector(lengths).unsqueeze(1);
  Tensor x = transformer.source_embedding(ids) * std::sqrt(static_cast<double>(options.width));
  x = transformer.dropout(transformer.target_position(x));
  for (const nn::TransformerDecoderLayer& layer : transformer.decoder)
    x = layer(x, memory, {.real = real}, {.real = source.mask});
  return transformer.head(transformer.decoder_norm ? (*transformer.decoder_norm)(x) : x);
}

ParallelTranslator::Result ParallelTranslator::operator()(const data::Padded& source,
                                                          const Tensor& lengths) const {
  const nn::Call call(*this);
  const Tensor memory = transformer.encode(source);
  check(lengths.shape() == Shape{memory.size(0)} && lengths.dtype() == i64, op, "needs a length for each of ",
        memory.size(0), " sources, i64, not ", lengths.dtype(), " of shape ", lengths.shape(),
        ". data::pad has them?");
  const data::Ids all = lengths.to_vector<std::int64_t>();
  for (const std::int64_t tokens : all)
    check(tokens > 0 && tokens <= options.max_length, op, "a translation has 1 to max_length ",
          options.max_length, " tokens, not ", tokens, ". Leave it out, or make the model with more?");
  return {decoded(source, memory, all), length_logits(memory, source.mask)};
}

Tensor ParallelTranslator::loss(const data::Padded& source, const data::Padded& target) const {
  const nn::Call call(*this);
  const Result result = (*this)(source, target.lengths);
  const Tensor wanted =
      where(target.mask, target.ids, full({}, static_cast<double>(data::ignore_index), i64));
  return cross_entropy(result.logits, wanted) + cross_entropy(result.lengths, target.lengths - 1);
}

std::vector<data::Ids> ParallelTranslator::translate(const data::Padded& source) const {
  const GradMode off(false);
  const nn::Call call(*this);
  const Tensor memory = transformer.encode(source);
  data::Ids lengths = argmax(length_logits(memory, source.mask), -1).to_vector<std::int64_t>();
  for (std::int64_t& tokens : lengths) ++tokens;
  const Tensor best = argmax(decoded(source, memory, lengths), -1);
  std::vector<data::Ids> all;
  for (std::size_t row = 0; row < lengths.size(); ++row)
    all.push_back(best[static_cast<std::int64_t>(row)].slice(0, 0, lengths[row]).to_vector<std::int64_t>());
  return all;
}

}  // namespace gradus::models
