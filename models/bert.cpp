#include <gradus/models/bert.h>

#include <array>
#include <cmath>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

const char* const op = "bert";

struct Named {
  const char* name;
  std::int64_t layers, width;
};
constexpr std::array<Named, 5> named{
    {{"tiny", 2, 128}, {"mini", 4, 256}, {"small", 4, 512}, {"base", 12, 768}, {"large", 24, 1024}}};
constexpr std::int64_t head_width = 64;

BertConfig checked(const BertConfig& o) {
  check(o.vocabulary > 0 && o.context > 0 && o.segments > 0 && o.width > 0 && o.layers > 0 && o.heads > 0 &&
            o.hidden >= 0,
        op, "there must be at least one of each: vocabulary ", o.vocabulary, ", context ", o.context,
        ", segments ", o.segments, ", width ", o.width, ", layers ", o.layers, ", heads ", o.heads,
        ". bert_config(\"tiny\")?");
  check(o.deviation >= 0 && std::isfinite(o.deviation), op, "weights cannot begin with a deviation of ",
        o.deviation, ". 0.02?");
  check(o.padding >= 0 && o.padding < o.vocabulary, op, "the padding id ", o.padding,
        " is not in the vocabulary of ", o.vocabulary, " tokens. That of [PAD]?");
  return o;
}

// As the weights of an embedding begin, those of the padding id are zeros.
void begin_weights(Bert& bert) {
  nn::normal_weights(bert, bert.options.deviation);
  const GradMode off(false);
  bert.word.weight[bert.options.padding].zero_();
}

}  // namespace

BertConfig bert_config(std::string_view name) {
  for (const Named& each : named)
    if (name == each.name)
      return {.width = each.width, .layers = each.layers, .heads = each.width / head_width};
  std::string names;
  for (const Named& each : named) names.append(names.empty() ? "" : ", ").append(each.name);
  fail("bert_config", "there is no Bert called '", name, "'. One of ", names, "?");
}

std::vector<std::string> bert_config_names() {
  std::vector<std::string> names;
  for (const Named& each : named) names.emplace_back(each.name);
  return names;
}

std::int64_t BertConfig::parameter_count() const {
  const std::int64_t between = hidden_width(), norm = 2 * width;
  const auto linear = [](std::int64_t in, std::int64_t out) { return (in + 1) * out; };
  const std::int64_t embeddings = (vocabulary + context + segments) * width + norm;
  const std::int64_t attention = linear(width, 3 * width) + linear(width, width) + norm;
  const std::int64_t feed_forward = linear(width, between) + linear(between, width) + norm;
  return embeddings + layers * (attention + feed_forward) + linear(width, width);
}

Bert::Bert(const Options& o)
    : options(checked(o)),
      word({.count = o.vocabulary, .width = o.width, .padding = o.padding}),
      position({.count = o.context, .width = o.width}),
      segment({.count = o.segments, .width = o.width}),
      norm({.width = o.width, .eps = o.eps}),
      dropout({.p = o.dropout}),
      pooler({.in = o.width, .out = o.width}) {
  for (std::int64_t k = 0; k < o.layers; ++k) {
    nn::TransformerEncoderLayer layer({.width = o.width,
                                       .heads = o.heads,
                                       .hidden = o.hidden_width(),
                                       .dropout = o.dropout,
                                       .activation = nn::Activation::gelu,
                                       .eps = o.eps});
    // BERT thins what the feed-forward network gives, and not what is between its two layers.
    layer.feed_forward.dropout.options.p = 0;
    layers.push_back(std::move(layer));
  }
  begin_weights(*this);
}

Tensor Bert::embedded(const BertText& text) const {
  const Tensor& ids = text.ids;
  check(ids.rank() == 2 && ids.size(1) > 0, op, "ids must be (B, T), not of shape ", ids.shape(),
        ". Unsqueeze the axis of a single text?");
  const std::int64_t steps = ids.size(1);
  check(steps <= options.context, op, "a text of ", steps, " tokens is longer than the context of ",
        options.context, ". Cut it?");
  for (const Tensor& other : {text.segments, text.mask})
    if (other.defined() && other.shape() != ids.shape())
      fail(op, "ids are ", ids.shape(), ", and segments or mask ", other.shape(), ". One for each id?");
  const Tensor segments = text.segments.defined() ? segment(text.segments) : segment.weight[0];
  return dropout(norm(word(ids) + position(arange(static_cast<double>(steps), i64)) + segments));
}

Tensor Bert::operator()(const BertText& text) const { return through(options.layers, text); }

Tensor Bert::through(std::int64_t count, const BertText& text) const {
  const nn::Call call(*this);
  check(count >= 0 && count <= options.layers, op, "there are ", options.layers, " layers, not ", count,
        " to go through. All of them?");
  Tensor x = embedded(text);
  for (std::int64_t k = 0; k < count; ++k) x = layers[static_cast<std::size_t>(k)](x, {.real = text.mask});
  return x;
}

std::vector<Tensor> Bert::hidden_states(const BertText& text) const {
  const nn::Call call(*this);
  std::vector<Tensor> states{embedded(text)};
  for (const nn::TransformerEncoderLayer& layer : layers)
    states.push_back(layer(states.back(), {.real = text.mask}));
  return states;
}

Bert::Attended Bert::with_weights(const BertText& text) const {
  const nn::Call call(*this);
  Attended result{embedded(text), {}};
  for (const nn::TransformerEncoderLayer& layer : layers) {
    AttentionResult seen = layer.with_weights(result.tokens, {.real = text.mask});
    result.tokens = std::move(seen.output);
    result.layers.push_back(std::move(seen.weights));
  }
  return result;
}

Tensor Bert::pooled(const Tensor& tokens) const {
  const nn::Call call(*this);
  return tanh(pooler(tokens.select(-2, 0)));
}

WordHead::WordHead(const Bert& bert)
    : transform({.in = bert.options.width, .out = bert.options.width}),
      norm({.width = bert.options.width, .eps = bert.options.eps}),
      decoder({.in = bert.options.width, .out = bert.options.vocabulary}) {
  decoder.weight = bert.word.weight;
  const GradMode off(false);
  decoder.bias.zero_();
}

Tensor WordHead::operator()(const Tensor& tokens) const {
  const nn::Call call(*this);
  return decoder(norm(gelu(transform(tokens))));
}

Tensor WordHead::loss(const Tensor& tokens, const Tensor& labels) const {
  const data::Ids all = labels.contiguous().to_vector<std::int64_t>();
  data::Ids places, targets;  // of the hidden words
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == data::ignore_index) continue;
    places.push_back(static_cast<std::int64_t>(i));
    targets.push_back(all[i]);
  }
  const Tensor hidden = index_select(tokens.flatten(0, -2), 0, from_vector(places));
  return cross_entropy((*this)(hidden), from_vector(targets));
}

BertPretraining::BertPretraining(const Options& o)
    : options(o), bert(o), mlm(bert), next({.in = o.width, .out = 2}) {
  nn::normal_weights(mlm.transform, o.deviation);
  nn::normal_weights(next, o.deviation);
}

Tensor BertPretraining::nsp(const Tensor& tokens) const {
  const nn::Call call(*this);
  return next(bert.pooled(tokens));
}

BertPretraining::Loss BertPretraining::loss(const data::BertBatch& batch, std::int64_t layers) const {
  const nn::Call call(*this);
  const Tensor tokens =
      bert.through(layers, {.ids = batch.ids, .segments = batch.segments, .mask = batch.mask});
  const Tensor of_words = mlm.loss(tokens, batch.labels),
               of_pairs = cross_entropy(nsp(tokens), batch.is_random);
  return {.total = of_words + of_pairs, .mlm = of_words, .nsp = of_pairs};
}

}  // namespace gradus::models
