#include <gradus/nn/transformer.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/nn/init.h>

namespace gradus::nn {
namespace {

MultiHeadAttention::Options attention_of(const TransformerOptions& o, std::int64_t rotary) {
  return {.width = o.width, .heads = o.heads, .dropout = o.dropout, .rotary = rotary};
}
FeedForward::Options feed_forward_of(const TransformerOptions& o) {
  return {.width = o.width, .hidden = o.hidden, .activation = o.activation, .dropout = o.dropout};
}

// A sublayer, the path around it and its norm.
template <class F>
Tensor around(const Tensor& x, NormPlace place, const LayerNorm& norm, const Dropout& dropout, const F& f) {
  if (place == NormPlace::pre) return x + dropout(f(norm(x)));
  return norm(x + dropout(f(x)));
}

Tensor keep_weights(const AttentionResult& seen, Tensor& weights) {
  weights = seen.weights;
  return seen.output;
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(const Options& o)
    : options(o),
      self_attn(attention_of(o, o.rotary)),
      feed_forward(feed_forward_of(o)),
      norm1({.width = o.width, .eps = o.eps}),
      norm2({.width = o.width, .eps = o.eps}),
      dropout1({.p = o.dropout}),
      dropout2({.p = o.dropout}) {}

template <class Attend>
Tensor TransformerEncoderLayer::layer(const Tensor& x, const Attend& attend) const {
  const Call call(*this);
  return around(around(x, options.norm, norm1, dropout1, attend), options.norm, norm2, dropout2,
                feed_forward);
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const MayAttend& may) const {
  return layer(x, [&](const Tensor& h) { return self_attn(h, may); });
}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, KeyValueCache& cache,
                                           const MayAttend& may) const {
  return layer(x, [&](const Tensor& h) { return self_attn(h, cache, may); });
}

AttentionResult TransformerEncoderLayer::with_weights(const Tensor& x, const MayAttend& may) const {
  AttentionResult result;
  result.output =
      layer(x, [&](const Tensor& h) { return keep_weights(self_attn.with_weights(h, may), result.weights); });
  return result;
}

TransformerDecoderLayer::TransformerDecoderLayer(const Options& o)
    : options(o),
      self_attn(attention_of(o, o.rotary)),
      multihead_attn(attention_of(o, 0)),
      feed_forward(feed_forward_of(o)),
      norm1({.width = o.width, .eps = o.eps}),
      norm2({.width = o.width, .eps = o.eps}),
      norm3({.width = o.width, .eps = o.eps}),
      dropout1({.p = o.dropout}),
      dropout2({.p = o.dropout}),
      dropout3({.p = o.dropout}) {}

template <class Attend, class AttendToMemory>
Tensor TransformerDecoderLayer::layer(const Tensor& x, const Attend& attend,
                                      const AttendToMemory& attend_to_memory) const {
  const Call call(*this);
  Tensor y = around(x, options.norm, norm1, dropout1, attend);
  y = around(y, options.norm, norm2, dropout2, attend_to_memory);
  return around(y, options.norm, norm3, dropout3, feed_forward);
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory, const MayAttend& may,
                                           const MayAttend& may_of_memory) const {
  return layer(
      x, [&](const Tensor& h) { return self_attn(h, may); },
      [&](const Tensor& h) { return multihead_attn(h, memory, may_of_memory); });
}

TransformerDecoderLayer::Cache TransformerDecoderLayer::cache(const Tensor& memory) const {
  const Call call(*this);
  return {.own = {}, .memory = multihead_attn.key_values(memory)};
}

void TransformerDecoderLayer::Cache::keep_rows(const Tensor& rows) {
  own.keep_rows(rows);
  memory = memory.keep_rows(rows);
}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, Cache& cache,
                                           const MayAttend& may_of_memory) const {
  return layer(
      x, [&](const Tensor& h) { return self_attn(h, cache.own); },
      [&](const Tensor& h) { return multihead_attn(h, cache.memory, may_of_memory); });
}

TransformerDecoderLayer::Attended TransformerDecoderLayer::with_weights(
    const Tensor& x, const Tensor& memory, const MayAttend& may, const MayAttend& may_of_memory) const {
  Attended result;
  result.output = layer(
      x, [&](const Tensor& h) { return keep_weights(self_attn.with_weights(h, may), result.weights); },
      [&](const Tensor& h) {
        return keep_weights(multihead_attn.with_weights(h, memory, may_of_memory), result.memory_weights);
      });
  return result;
}

void normal_weights(Module& model, double std) {
  const GradMode off(false);
  for (NamedTensor& parameter : model.parameters()) {
    if (parameter.value.rank() >= 2)
      parameter.value.copy_(normal(parameter.value.shape(), 0, std).to(parameter.value.dtype()));
    else if (parameter.name.ends_with("bias"))
      parameter.value.zero_();
  }
}

}  // namespace gradus::nn
