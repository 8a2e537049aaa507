#include <gradus/models/arena.h>

#include <algorithm>
#include <cmath>

#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/check.h>
#include <gradus/models/seq2seq.h>
#include <gradus/models/transformer.h>

namespace gradus::models {
namespace {

constexpr double tolerance = 0.03;
constexpr std::int64_t largest = 4096;

// The size from `least` on, in steps of it, whose model comes nearest to `wanted` parameters; their number
// grows with the size.
template <class CountOf>
std::int64_t nearest_size(std::int64_t wanted, std::int64_t least, const CountOf& count_of) {
  std::int64_t below = 1, above = 1;
  while (count_of(above * least) < wanted && above * least < largest) below = above, above *= 2;
  while (above - below > 1) {
    const std::int64_t middle = (below + above) / 2;
    (count_of(middle * least) < wanted ? below : above) = middle;
  }
  const auto miss = [&](std::int64_t size) { return std::abs(count_of(size * least) - wanted); };
  return (miss(below) <= miss(above) ? below : above) * least;
}

void check_near(const char* name, std::int64_t found, std::int64_t wanted) {
  check(std::abs(static_cast<double>(found - wanted)) <= tolerance * static_cast<double>(wanted), "arena",
        "no ", name, " for these vocabularies has within 3 % of ", wanted, " parameters; the nearest has ",
        found, ". Another number, such as ", found, "?");
}

template <class Model>
Translator translator_of(const Model& model) {
  return {
      .writer = [&model](const data::Padded& source) { return model.writer(source); },
      .logits = [&model](const data::Padded& source, const Tensor& input) { return model(source, input); }};
}

// As wide in its embeddings as in its states.
Entrant recurrent(const char* name, Cell cell, Context context, const TranslationTask& task,
                  std::int64_t parameters) {
  const auto options = [&](std::int64_t hidden) {
    return Seq2Seq::Options{.source_vocabulary = task.source_vocabulary,
                            .target_vocabulary = task.target_vocabulary,
                            .padding = task.ids.padding,
                            .cell = cell,
                            .context = context,
                            .width = hidden,
                            .hidden = hidden,
                            .bidirectional = nn::Bidirectional::concat};
  };
  const auto count_of = [&](std::int64_t hidden) { return Seq2Seq(options(hidden)).parameter_count(); };
  const std::int64_t hidden = nearest_size(parameters, 1, count_of);
  auto model = std::make_unique<Seq2Seq>(options(hidden));
  check_near(name, model->parameter_count(), parameters);
  Translator translator = translator_of(*model);
  if (context == Context::attention)
    translator.weights = [&asked = *model](const data::Padded& source, const Tensor& input) {
      return asked.with_weights(source, input).weights;
    };
  return {std::move(model), std::move(translator), std::string("hidden ").append(std::to_string(hidden))};
}

// Two layers on each side; the feed-forward networks are about four times as wide, as near as makes the
// number of parameters right.
Entrant transformer(const TranslationTask& task, std::int64_t parameters) {
  constexpr std::int64_t heads = 4;
  const auto options = [&](std::int64_t width, std::int64_t hidden) {
    return Transformer::Options{.source_vocabulary = task.source_vocabulary,
                                .target_vocabulary = task.target_vocabulary,
                                .padding = task.ids.padding,
                                .width = width,
                                .heads = heads,
                                .hidden = hidden,
                                .encoder_layers = 2,
                                .decoder_layers = 2};
  };
  const auto count_of = [&](std::int64_t width, std::int64_t hidden) {
    return Transformer(options(width, hidden)).parameter_count();
  };
  const std::int64_t width =
      nearest_size(parameters, 2 * heads, [&](std::int64_t w) { return count_of(w, 4 * w); });
  const std::int64_t hidden = nearest_size(parameters, 1, [&](std::int64_t h) { return count_of(width, h); });
  auto model = std::make_unique<Transformer>(options(width, hidden));
  check_near("transformer", model->parameter_count(), parameters);
  Translator translator = translator_of(*model);
  // How the last layer's heads attend in the mean.
  translator.weights = [&asked = *model](const data::Padded& source, const Tensor& input) {
    return mean(asked.with_weights(source, input).cross.back(), 1);
  };
  return {
      std::move(model), std::move(translator),
      std::string("width ").append(std::to_string(width)).append(", hidden ").append(std::to_string(hidden))};
}

Contestant recurrent_contestant(const char* name, const char* says, double lr, Cell cell, Context context) {
  return {.name = name,
          .says = says,
          .lr = lr,
          .make = [=](const TranslationTask& task, std::int64_t parameters) {
            return recurrent(name, cell, context, task, parameters);
          }};
}

}  // namespace

const std::vector<Contestant>& contestants() {
  static const std::vector<Contestant> all = {
      recurrent_contestant("rnn", "plain recurrent network, fixed context", 4e-3, Cell::rnn, Context::fixed),
      recurrent_contestant("lstm", "LSTM, fixed context", 8e-3, Cell::lstm, Context::fixed),
      recurrent_contestant("gru", "GRU, fixed context", 8e-3, Cell::gru, Context::fixed),
      recurrent_contestant("gru+attn", "GRU with attention", 8e-3, Cell::gru, Context::attention),
      {.name = "transformer", .says = "Transformer", .lr = 4e-3, .make = transformer}};
  return all;
}

}  // namespace gradus::models
