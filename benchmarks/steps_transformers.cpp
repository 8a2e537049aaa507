// The steps of Transformers. Texts are random ids that fill their batch: nothing is padding.
#include <memory>

#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>
#include <gradus/models/bert.h>
#include <gradus/models/gpt.h>
#include <gradus/models/transformer.h>

#include "steps_models.h"

namespace gradus::bench {
namespace {

// Vaswani's: norms behind each sublayer, sinusoids, two embeddings and a head of its own.
Step translator(std::int64_t tokens, std::int64_t width, std::int64_t heads, std::int64_t hidden,
                std::int64_t layers, std::int64_t batch, std::int64_t steps) {
  const auto model = std::make_shared<const models::Transformer>(models::Transformer::Options{
      .source_vocabulary = tokens,
      .target_vocabulary = tokens,
      .padding = 0,
      .width = width,
      .heads = heads,
      .hidden = hidden,
      .encoder_layers = layers,
      .decoder_layers = layers,
      .norm = nn::NormPlace::post,
      .max_length = steps,
      .shared = models::Shared::none,
  });
  const auto ids = [&] { return randint(1, tokens, {batch, steps}); };
  const data::Padded source{.ids = ids(), .mask = {}, .lengths = {}};
  const Tensor input = ids(), target = ids();
  return training(*model, [=] { return cross_entropy((*model)(source, input), target); });
}

Step language_model(const models::GptConfig& config, std::int64_t batch, std::int64_t steps) {
  const auto model = std::make_shared<const models::Gpt>(config);
  const Tensor ids = randint(0, config.vocabulary, {batch, steps}),
               next = randint(0, config.vocabulary, {batch, steps});
  return training(*model, [=] { return cross_entropy((*model)(ids), next); });
}

}  // namespace

Step gpt_step(const Sizes& of) {
  return language_model({.vocabulary = of.tokens,
                         .context = of.steps,
                         .width = of.width,
                         .layers = of.layers,
                         .heads = of.width / 32},
                        of.batch, of.steps);
}
Step transformer_step(const Sizes& of) {
  return translator(of.tokens, of.width, of.width / 32, 4 * of.width, of.layers, of.batch, of.steps);
}

Step tr_d2l() { return translator(200, 32, 4, 64, 2, 64, 10); }
Step tr_256() { return translator(4000, 256, 8, 1024, 3, 32, 32); }

Step gpt_char_cpu() {
  return language_model({.vocabulary = 65, .context = 64, .width = 128, .layers = 4, .heads = 4}, 12, 64);
}
Step gpt_baby() {
  return language_model({.vocabulary = 65, .context = 256, .width = 384, .layers = 6, .heads = 6}, 8, 256);
}
Step gpt2_124m() { return language_model(models::gpt_config("gpt2"), 4, 64); }

// Both questions of pre-training, and every token is asked for.
Step bert_mini() {
  constexpr std::int64_t batch = 16, steps = 128;
  models::BertConfig config = models::bert_config("mini");
  config.vocabulary = 8000, config.context = steps, config.dropout = 0;
  const auto model = std::make_shared<const models::BertPretraining>(config);
  const data::BertBatch texts{.ids = randint(1, config.vocabulary, {batch, steps}),
                              .segments = randint(0, 2, {batch, steps}),
                              .mask = {},
                              .labels = randint(1, config.vocabulary, {batch, steps}),
                              .is_random = randint(0, 2, {batch})};
  return training(*model, [=] { return model->loss(texts).total; });
}

}  // namespace gradus::bench
