// seq2seq: recurrent encoder and decoder.
#include <algorithm>
#include <optional>

#include <gradus/autograd/ops/loss.h>
#include <gradus/cli/families.h>
#include <gradus/cli/pair_family.h>
#include <gradus/core/check.h>
#include <gradus/models/seq2seq.h>

namespace gradus::cli {
namespace {

using models::Context;

const std::vector<std::string> contexts = {"start", "fixed", "attention"},
                               scores = {"dot", "scaled", "general", "additive", "concat"};

// The value of an enumeration that lists the same names.
template <class Enum>
Enum value_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<Enum>(std::ranges::find(names, name) - names.begin());
}

class Seq2SeqFamily final : public PairFamily {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.group("Model");
    options.add({.name = "cell",
                 .value = &cell_,
                 .shown = "KIND",
                 .says = "rnn, lstm or gru",
                 .choices = {"rnn", "lstm", "gru"}});
    options.add({.name = "context",
                 .value = &context_,
                 .shown = "KIND",
                 .says = "what the decoder knows of the source: its last state at the start, the same fixed "
                         "at every step, or attention to each word",
                 .choices = contexts});
    options.add({.name = "score",
                 .value = &score_,
                 .shown = "KIND",
                 .says = "how attention compares: dot, scaled, general, additive or concat",
                 .choices = scores});
    options.add({.name = "directions",
                 .value = &directions_,
                 .shown = "N",
                 .says = "1: the encoder reads from the first word to the last; 2: and back",
                 .least = 1,
                 .most = 2});
    options.add(layers_option("layers", layers_, "of encoder and decoder"));
    options.add(units_option("hidden", hidden_, "units of a layer"));
    options.add(units_option("width", width_, "of the words' vectors"));
    options.add(dropout_option(dropout_));
    options.add({.name = "teacher",
                 .value = &teacher_,
                 .shown = "X",
                 .says = "how often the decoder is told the right word before, and not its own",
                 .least = 0,
                 .most = 1});
    defaults = {.steps = 3000, .batch_size = 64, .eval_every = 500, .lr = 2e-3};
  }

  void check_settings(const Options& options) const override {
    check(context_ == "attention" || !options.is_given("score"), "train",
          "--score is how attention compares, and --context ", context_, " has none. Leave it out?");
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --context fixed --cell lstm",
            "./gradus train " + model + " --data pairs.tsv --layers 2 --out runs/pairs"};
  }

 protected:
  nn::Module& make_model() override {
    model_.emplace(models::Seq2Seq::Options{
        .source_vocabulary = corpus_.source().vocabulary().size(),
        .target_vocabulary = corpus_.target().vocabulary().size(),
        .padding = corpus_.ids().padding,
        .cell = models::cell_of_name(cell_),
        .context = value_of<Context>(contexts, context_),
        .score = value_of<nn::Score>(scores, score_),
        .width = width_,
        .hidden = hidden_,
        .layers = layers_,
        .bidirectional = directions_ == 2 ? nn::Bidirectional::concat : nn::Bidirectional::no,
        .dropout = dropout_});
    return *model_;
  }

  Translator translator() const override {
    Translator asked{.writer = [this](const data::Padded& source) { return model_->writer(source); },
                     .logits = [this](const data::Padded& source,
                                      const Tensor& input) { return (*model_)(source, input); }};
    if (context_ == "attention")
      asked.weights = [this](const data::Padded& source, const Tensor& input) {
        return model_->with_weights(source, input).weights;
      };
    return asked;
  }

  Tensor loss(const data::PairBatch& batch) const override {
    return cross_entropy((*model_)(batch.source, batch.target.input, teacher_).flatten(0, 1),
                         batch.target.target.flatten());
  }

 private:
  std::string cell_ = "gru", context_ = "attention", score_ = "additive";
  std::int64_t directions_ = 2, layers_ = 1, hidden_ = 192, width_ = 128;
  double dropout_ = 0, teacher_ = 1;
  std::optional<models::Seq2Seq> model_;
};

}  // namespace

FamilyEntry seq2seq() {
  return {.models = {{"seq2seq", "translates: recurrent encoder and decoder, with attention"}},
          .make = [](const std::string&) { return std::make_unique<Seq2SeqFamily>(); }};
}

}  // namespace gradus::cli
