// transformer: encoder and decoder of attention alone.
#include <algorithm>
#include <optional>

#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/cli/families.h>
#include <gradus/cli/pair_family.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/models/transformer.h>

namespace gradus::cli {
namespace {

using nn::NormPlace;
using nn::Position;

const std::vector<std::string> norms = {"pre", "post"}, shared = {"none", "target"};
const std::vector<std::string> positions = {"none", "sinusoidal", "learned", "rotary"};

Position position_of(const std::string& name) {
  constexpr Position all[] = {Position::none, Position::sinusoidal, Position::learned, Position::rotary};
  return all[std::ranges::find(positions, name) - positions.begin()];
}

class TransformerFamily final : public PairFamily {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.group("Model");
    options.add(layers_option("layers", layers_, "of the encoder"));
    options.add(layers_option("decoder-layers", decoder_layers_, "of the decoder"));
    options.add(units_option("width", width_, "of the words' vectors and of each layer's result"));
    options.add(units_option("heads", heads_, "that attend side by side, each with its part of --width"));
    options.add(units_option("hidden", hidden_, "units in the middle of a feed-forward network"));
    options.add({.name = "positions",
                 .value = &positions_,
                 .shown = "KIND",
                 .says = "how a word's place is told: none, sinusoidal, learned or rotary",
                 .choices = positions});
    options.add({.name = "norm",
                 .value = &norm_,
                 .shown = "PLACE",
                 .says = "pre: what goes into a sublayer is normed; post: what comes out",
                 .choices = norms});
    options.add(
        {.name = "shared",
         .value = &shared_,
         .shown = "WHAT",
         .says = "target: the French words' vectors also score the next word; none: another matrix does",
         .choices = shared});
    options.add(units_option("max-length", max_length_, "tokens of a sentence at most"));
    options.add(dropout_option(dropout_));
    options.add({.name = "label-smoothing",
                 .value = &smoothing_,
                 .shown = "X",
                 .says = "part of each target that is spread over all words",
                 .least = 0,
                 .below = 1});
    defaults = {.steps = 18'000, .batch_size = 32, .eval_every = 2000, .lr = 1e-3};
  }

  void check_settings(const Options&) const override {
    const std::int64_t step = positions_ == "rotary" ? 2 * heads_ : heads_,
                       fitting = (width_ / step + 1) * step;
    check(width_ % heads_ == 0, "train", "--width ", width_, " cannot be shared by --heads ", heads_,
          ". --width ", fitting, "?");
    check(positions_ != "rotary" || width_ / heads_ % 2 == 0, "train",
          "--positions rotary turns pairs of units, and --width ", width_, " gives each of --heads ", heads_,
          " an odd number, ", width_ / heads_, ". --width ", fitting, "?");
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --norm post --label-smoothing 0.1",
            "./gradus train " + model + " --data pairs.tsv --layers 6 --out runs/pairs"};
  }

 protected:
  nn::Module& make_model() override {
    for (const auto* pairs : {&corpus_.training(), &corpus_.held_out()})
      for (const data::IdsPair& pair : *pairs) {
        const std::int64_t length = std::max(std::ssize(pair.source), std::ssize(pair.target) + 1);
        check(length <= max_length_, "train", "--data has a sentence of ", length,
              " tokens, which is more than --max-length ", max_length_, ". --max-length ", length, "?");
      }
    model_.emplace(models::Transformer::Options{
        .source_vocabulary = corpus_.source().vocabulary().size(),
        .target_vocabulary = corpus_.target().vocabulary().size(),
        .padding = corpus_.ids().padding,
        .width = width_,
        .heads = heads_,
        .hidden = hidden_,
        .encoder_layers = layers_,
        .decoder_layers = decoder_layers_,
        .dropout = dropout_,
        .norm = norm_ == "pre" ? NormPlace::pre : NormPlace::post,
        .position = position_of(positions_),
        .max_length = max_length_,
        .shared = shared_ == "target" ? models::Shared::target : models::Shared::none});
    return *model_;
  }

  Translator translator() const override {
    using data::Padded;
    return {.writer = [this](const Padded& source) { return model_->writer(source); },
            .logits = [this](const Padded& source, const Tensor& input) { return (*model_)(source, input); },
            // The mean over the heads of the last layer, where the word to come is about to be named.
            .weights =
                [this](const Padded& source, const Tensor& input) {
                  return mean(model_->with_weights(source, input).cross.back(), 1);
                },
            .heads =
                [this](const Padded& source) {
                  const Tensor begin =
                      full({source.ids.size(0), 1}, static_cast<double>(corpus_.ids().begin), i64);
                  return model_->with_weights(source, begin).encoder;
                }};
  }

  Tensor loss(const data::PairBatch& batch) const override {
    return cross_entropy((*model_)(batch.source, batch.target.input).flatten(0, 1),
                         batch.target.target.flatten(), {.label_smoothing = smoothing_});
  }

 private:
  // Rotary: what is learned of words so far apart holds in sentences longer than any in training too.
  std::string positions_ = "rotary", norm_ = "pre", shared_ = "target";
  // The third of the encoder's layers is what it takes to be sure of what *it* stands for.
  std::int64_t layers_ = 3, decoder_layers_ = 2, width_ = 128, heads_ = 4, hidden_ = 512, max_length_ = 256;
  double dropout_ = 0, smoothing_ = 0;
  std::optional<models::Transformer> model_;
};

}  // namespace

FamilyEntry transformer() {
  return {.models = {{"transformer", "translates: encoder and decoder of attention alone"}},
          .make = [](const std::string&) { return std::make_unique<TransformerFamily>(); }};
}

}  // namespace gradus::cli
