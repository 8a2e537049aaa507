#include <gradus/models/gpt.h>

#include <algorithm>
#include <array>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/core/check.h>
#include <gradus/nn/init.h>

namespace gradus::models {
namespace {

const char* const op = "gpt";

using Named = std::pair<const char*, GptConfig>;

// Radford et al. 2018 and 2019; the last three are the shapes of Karpathy's minGPT.
const std::array<Named, 8>& configs() {
  static const std::array<Named, 8> all = {{
      {"gpt1",
       {.vocabulary = 40'478, .context = 512, .norm = nn::NormPlace::post, .scaled_residuals = false}},
      {"gpt2", {}},
      {"gpt2-medium", {.width = 1'024, .layers = 24, .heads = 16}},
      {"gpt2-large", {.width = 1'280, .layers = 36, .heads = 20}},
      {"gpt2-xl", {.width = 1'600, .layers = 48, .heads = 25}},
      {"gpt-nano", {.width = 48, .layers = 3, .heads = 3}},
      {"gpt-micro", {.width = 128, .layers = 4, .heads = 4}},
      {"gpt-mini", {.width = 192, .layers = 6, .heads = 6}},
  }};
  return all;
}

const GptConfig& checked(const GptConfig& o) {
  check(o.vocabulary > 0 && o.context > 0 && o.width > 0 && o.layers > 0 && o.heads > 0, op,
        "needs sizes above 0; got vocabulary ", o.vocabulary, ", context ", o.context, ", width ", o.width,
        ", layers ", o.layers, " and heads ", o.heads, ". One of gpt_config_names()?");
  check(o.width % o.heads == 0, op, "a width of ", o.width, " cannot be shared by ", o.heads,
        " heads. A multiple of the heads?");
  check(o.hidden >= 0, op, "hidden must be above 0, or 0 for 4 width, not ", o.hidden, ". 0?");
  return o;
}

nn::TransformerOptions layer_of(const GptConfig& o) {
  return {.width = o.width,
          .heads = o.heads,
          .hidden = o.hidden_width(),
          .dropout = o.dropout,
          .activation = o.activation,
          .norm = o.norm,
          .rotary = o.position == nn::Position::rotary ? o.context : 0,
          .eps = o.eps};
}

}  // namespace

std::int64_t GptConfig::parameter_count() const {
  const std::int64_t h = hidden_width(), norm_of = 2 * width;
  const std::int64_t attention = 4 * (width * width + width);  // q, k, v and what joins the heads
  const std::int64_t feed_forward = width * h + h + h * width + width;
  std::int64_t count = vocabulary * width + layers * (attention + feed_forward + 2 * norm_of);
  if (position == nn::Position::learned) count += context * width;
  if (norm == nn::NormPlace::pre) count += norm_of;
  if (!tied) count += vocabulary * width;
  return count;
}

GptConfig gpt_config(std::string_view name) {
  std::string all;
  for (const auto& [known, config] : configs()) {
    if (name == known) return config;
    all.append(all.empty() ? "" : ", ").append(known);
  }
  fail(op, "there is no configuration '", name, "'. One of ", all, "?");
}

std::vector<std::string> gpt_config_names() {
  std::vector<std::string> names;
  for (const auto& [name, config] : configs()) names.emplace_back(name);
  return names;
}

Gpt::Gpt(const Options& o)
    : options(checked(o)),
      embedding({.count = o.vocabulary, .width = o.width}),
      position({.width = o.width, .position = o.position, .max_length = o.context}),
      dropout({.p = o.dropout}),
      head({.in = o.width, .out = o.vocabulary, .bias = false}) {
  for (std::int64_t k = 0; k < o.layers; ++k) layers.push_back(nn::TransformerEncoderLayer(layer_of(o)));
  if (o.norm == nn::NormPlace::pre) norm.emplace(nn::LayerNorm::Options{.width = o.width, .eps = o.eps});
  if (o.tied) head.weight = embedding.weight;
  nn::normal_weights(*this);
  if (!o.scaled_residuals) return;
  const GradMode off(false);
  for (nn::TransformerEncoderLayer& layer : layers)
    for (Tensor* const last : {&layer.self_attn.out_proj.weight, &layer.feed_forward.linear2.weight})
      last->copy_(nn::residual_normal(last->shape(), 2 * o.layers));
}

template <class Layer>
Tensor Gpt::read(const Tensor& ids, std::int64_t offset, const Layer& layer) const {
  check(ids.rank() == 2, op, "ids must be (B, T), not ", ids.shape(), ". Unsqueeze an axis?");
  check(offset + ids.size(1) <= options.context, op, offset + ids.size(1),
        " tokens are more than the context of ", options.context, ". Cut them?");
  Tensor x = dropout(position(embedding(ids), offset));
  for (std::size_t k = 0; k < layers.size(); ++k) x = layer(k, x);
  return norm ? (*norm)(x) : x;
}

Tensor Gpt::hidden_states(const Tensor& ids, const Tensor& real) const {
  const nn::Call call(*this);
  return read(ids, 0,
              [&](std::size_t k, const Tensor& x) { return layers[k](x, {.causal = true, .real = real}); });
}

Tensor Gpt::operator()(const Tensor& ids, const Tensor& real) const {
  const nn::Call call(*this);
  return head(hidden_states(ids, real));
}

Gpt::Attended Gpt::with_weights(const Tensor& ids) const {
  const nn::Call call(*this);
  Attended result;
  const Tensor x = read(ids, 0, [&](std::size_t k, const Tensor& h) {
    AttentionResult seen = layers[k].with_weights(h, {.causal = true});
    result.layers.push_back(std::move(seen.weights));
    return seen.output;
  });
  result.logits = head(x);
  return result;
}

class Gpt::Writing final : public Writer {
 public:
  explicit Writing(const Gpt& model) : model_(model), caches_(model.layers.size()) {}

  std::optional<std::int64_t> longest() const override { return model_.options.context; }

  Tensor next(const Tensor& ids) override {
    const GradMode off(false);
    check(ids.rank() == 2 && ids.size(1) > 0, op, "ids must be (R, T), T from 1 on, not ", ids.shape(),
          ". Unsqueeze an axis?");
    const std::int64_t context = model_.options.context, before = read_.defined() ? read_.size(1) : 0;
    check(ids.size(1) <= context, op, ids.size(1), " tokens are more than the context of ", context,
          ". Cut them to their last?");
    check(before == 0 || read_.size(0) == ids.size(0), op, "the writer has ", before == 0 ? 0 : read_.size(0),
          " rows, not ", ids.size(0), ". keep_rows before?");
    const Tensor all = before > 0 ? concat({read_, ids}, 1) : ids;
    // What stood for earlier tokens changes with the number of tokens where that scales the positions.
    const bool all_anew = model_.options.position == nn::Position::normalised && before > 0;
    if (all.size(1) <= context && !all_anew) return read(all, ids, caches_);
    const std::int64_t kept = all.size(1) <= context ? all.size(1) : std::max(context / 2, ids.size(1));
    const Tensor last = all.slice(1, all.size(1) - kept, all.size(1));
    return read(last, last, std::vector<nn::KeyValueCache>(caches_.size()));
  }

  void keep_rows(const Tensor& rows) override {
    if (!read_.defined()) return;
    const GradMode off(false);
    read_ = index_select(read_, 0, rows);
    for (nn::KeyValueCache& cache : caches_) cache.keep_rows(rows);
  }

 private:
  // Goes on with `fresh`, the end of `all`, behind what the caches hold.
  Tensor read(const Tensor& all, const Tensor& fresh, std::vector<nn::KeyValueCache> caches) {
    const nn::Call call(model_);
    const Tensor x = model_.read(fresh, all.size(1) - fresh.size(1), [&](std::size_t k, const Tensor& h) {
      return model_.layers[k](h, caches[k]);
    });
    const Tensor logits = model_.head(x.select(1, -1));
    caches_ = std::move(caches);
    read_ = all;
    return logits;
  }

  const Gpt& model_;
  std::vector<nn::KeyValueCache> caches_;  // of each layer
  Tensor read_;                            // (R, T), what is in them
};

std::unique_ptr<Writer> Gpt::writer() const { return std::make_unique<Writing>(*this); }

}  // namespace gradus::models
