#include <gradus/models/transformer.h>

#include <cmath>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>

namespace gradus::models {
namespace {

const char* const op = "transformer";

using Options = Transformer::Options;

const Options& checked(const Options& o) {
  check(o.padding >= 0 && o.padding < o.source_vocabulary && o.padding < o.target_vocabulary, op,
        "the padding id ", o.padding, " is not in both vocabularies, of ", o.source_vocabulary, " and ",
        o.target_vocabulary, " tokens. An id that both have?");
  check(o.shared != Shared::all || o.source_vocabulary == o.target_vocabulary, op,
        "one matrix for all needs one vocabulary, not ", o.source_vocabulary, " and ", o.target_vocabulary,
        " tokens. Shared::target?");
  check(o.encoder_layers > 0 && o.decoder_layers > 0, op, "needs layers on both sides; got encoder_layers ",
        o.encoder_layers, " and decoder_layers ", o.decoder_layers, ". 3 of each?");
  return o;
}

nn::Embedding embedding_of(std::int64_t vocabulary, const Options& o) {
  nn::Embedding made({.count = vocabulary, .width = o.width, .padding = o.padding});
  made.weight.detach().mul_(1 / std::sqrt(static_cast<double>(o.width)));
  return made;
}

nn::PositionalEncoding position_of(const Options& o) {
  return nn::PositionalEncoding({.width = o.width, .position = o.position, .max_length = o.max_length});
}

template <class Layer>
nn::ModuleList<Layer> layers_of(std::int64_t count, const Options& o) {
  nn::ModuleList<Layer> layers;
  for (std::int64_t k = 0; k < count; ++k)
    layers.push_back(Layer({.width = o.width,
                            .heads = o.heads,
                            .hidden = o.hidden,
                            .dropout = o.dropout,
                            .activation = o.activation,
                            .norm = o.norm,
                            .rotary = o.position == nn::Position::rotary ? o.max_length : 0}));
  return layers;
}

void check_rows(const Tensor& input, std::int64_t rows) {
  check(input.rank() == 2 && input.size(0) == rows && input.size(1) > 0, op, "the input must be ids (", rows,
        ", T), a row for each source and T at least 1, not of shape ", input.shape(), ". Batch first?");
}

}  // namespace

Transformer::Transformer(const Options& o)
    : options(checked(o)),
      source_embedding(embedding_of(o.source_vocabulary, o)),
      target_embedding(embedding_of(o.target_vocabulary, o)),
      source_position(position_of(o)),
      target_position(position_of(o)),
      encoder(layers_of<nn::TransformerEncoderLayer>(o.encoder_layers, o)),
      decoder(layers_of<nn::TransformerDecoderLayer>(o.decoder_layers, o)),
      head({.in = o.width, .out = o.target_vocabulary, .bias = false}),
      dropout({.p = o.dropout}) {
  if (o.norm == nn::NormPlace::pre) {
    encoder_norm.emplace(nn::LayerNorm::Options{.width = o.width});
    decoder_norm.emplace(nn::LayerNorm::Options{.width = o.width});
  }
  if (o.shared == Shared::all) target_embedding.weight = source_embedding.weight;
  if (o.shared != Shared::none) head.weight = target_embedding.weight;
}

// `offset` tokens came before. (B, T, width)
Tensor Transformer::embedded(const Tensor& ids, const nn::Embedding& embedding,
                             const nn::PositionalEncoding& position, std::int64_t offset) const {
  const std::int64_t length = offset + ids.size(1);
  check(length <= options.max_length, op, "a sequence of ", length, " tokens is longer than max_length ",
        options.max_length, ". Cut it, or make the model with a max_length of ", length, "?");
  return dropout(position(embedding(ids) * std::sqrt(static_cast<double>(options.width)), offset));
}

// each(layer, x) calls a layer in the way that is wanted: with weights, with a cache, or just so. Called just
// so, and written out: transformer() in tutorials/16_transformer.cpp.
template <class Each>
Tensor Transformer::encoded(const data::Padded& source, const Each& each) const {
  check(source.ids.rank() == 2, op, "the source must be ids (B, S), not of shape ", source.ids.shape(),
        ". Unsqueeze the axis of a single sentence?");
  Tensor x = embedded(source.ids, source_embedding, source_position);
  for (const nn::TransformerEncoderLayer& layer : encoder) x = each(layer, x);
  return encoder_norm ? (*encoder_norm)(x) : x;
}

// What the head sees, (B, T, width).
template <class Each>
Tensor Transformer::decoded(const Tensor& input, std::int64_t offset, const Each& each) const {
  Tensor x = embedded(input, target_embedding, target_position, offset);
  for (const nn::TransformerDecoderLayer& layer : decoder) x = each(layer, x);
  return decoder_norm ? (*decoder_norm)(x) : x;
}

Tensor Transformer::encode(const data::Padded& source) const {
  const nn::Call call(*this);
  return encoded(source, [&](const auto& layer, const Tensor& x) { return layer(x, {.real = source.mask}); });
}

Tensor Transformer::operator()(const data::Padded& source, const Tensor& input) const {
  const nn::Call call(*this);
  const Tensor memory = encode(source);
  check_rows(input, memory.size(0));
  return head(decoded(input, 0, [&](const auto& layer, const Tensor& x) {
    return layer(x, memory, {.causal = true}, {.real = source.mask});
  }));
}

Transformer::Attended Transformer::with_weights(const data::Padded& source, const Tensor& input) const {
  const nn::Call call(*this);
  Attended seen;
  const Tensor memory = encoded(source, [&](const auto& layer, const Tensor& x) {
    AttentionResult result = layer.with_weights(x, {.real = source.mask});
    seen.encoder.push_back(std::move(result.weights));
    return result.output;
  });
  check_rows(input, memory.size(0));
  seen.logits = head(decoded(input, 0, [&](const auto& layer, const Tensor& x) {
    auto result = layer.with_weights(x, memory, {.causal = true}, {.real = source.mask});
    seen.decoder.push_back(std::move(result.weights));
    seen.cross.push_back(std::move(result.memory_weights));
    return result.output;
  }));
  return seen;
}

class Transformer::Translation final : public Writer {
 public:
  Translation(const Transformer& model, const data::Padded& source) : model_(model), real_(source.mask) {
    const GradMode off(false);
    const nn::Call call(model);
    check(model.options.position != nn::Position::normalised, op,
          "what was written is kept, and normalised positions change with each token. Other positions?");
    const Tensor memory = model.encode(source);
    for (const nn::TransformerDecoderLayer& layer : model.decoder) caches_.push_back(layer.cache(memory));
  }

  Tensor next(const Tensor& ids) override {
    const GradMode off(false);
    const nn::Call call(model_);
    check_rows(ids, caches_[0].memory.keys.size(0));
    std::size_t k = 0;
    const Tensor x = model_.decoded(ids, caches_[0].own.length(), [&](const auto& layer, const Tensor& h) {
      return layer(h, caches_[k++], {.real = real_});
    });
    return model_.head(x.select(1, -1));
  }

  void keep_rows(const Tensor& rows) override {
    const GradMode off(false);
    for (nn::TransformerDecoderLayer::Cache& cache : caches_) cache.keep_rows(rows);
    if (real_.defined()) real_ = index_select(real_, 0, rows);
  }

 private:
  const Transformer& model_;
  Tensor real_;  // (R, S): which words of the sources are words
  std::vector<nn::TransformerDecoderLayer::Cache> caches_;
};

std::unique_ptr<Writer> Transformer::writer(const data::Padded& source) const {
  return std::make_unique<Translation>(*this, source);
}

}  // namespace gradus::models
