#include <gradus/nn/transformer.h>

#include <gradus/autograd/ops/elementwise.h>

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

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(const Options& o)
    : options(o),
      self_attn(attention_of(o, o.rotary)),
      feed_forward(feed_forward_of(o)),
      norm1({.width = o.width}),
      norm2({.width = o.width}),
      dropout1({.p = o.dropout}),
      dropout2({.p = o.dropout}) {}

Tensor TransformerEncoderLayer::operator()(const Tensor& x, const MayAttend& may) const {
  const Call call(*this);
  const auto attend = [&](const Tensor& h) { return self_attn(h, may); };
  return around(around(x, options.norm, norm1, dropout1, attend), options.norm, norm2, dropout2,
                feed_forward);
}

TransformerDecoderLayer::TransformerDecoderLayer(const Options& o)
    : options(o),
      self_attn(attention_of(o, o.rotary)),
      multihead_attn(attention_of(o, 0)),
      feed_forward(feed_forward_of(o)),
      norm1({.width = o.width}),
      norm2({.width = o.width}),
      norm3({.width = o.width}),
      dropout1({.p = o.dropout}),
      dropout2({.p = o.dropout}),
      dropout3({.p = o.dropout}) {}

Tensor TransformerDecoderLayer::operator()(const Tensor& x, const Tensor& memory, const MayAttend& may,
                                           const MayAttend& may_of_memory) const {
  const Call call(*this);
  const auto attend = [&](const Tensor& h) { return self_attn(h, may); };
  const auto attend_to_memory = [&](const Tensor& h) { return multihead_attn(h, memory, may_of_memory); };
  Tensor y = around(x, options.norm, norm1, dropout1, attend);
  y = around(y, options.norm, norm2, dropout2, attend_to_memory);
  return around(y, options.norm, norm3, dropout3, feed_forward);
}

}  // namespace gradus::nn
