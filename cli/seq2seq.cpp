// seq2seq: recurrent encoder and decoder.
#include <algorithm>
#include <optional>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/cli/families.h>
#include <gradus/cli/pair_corpus.h>
#include <gradus/core/check.h>
#include <gradus/models/seq2seq.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;
using models::Context;

const std::vector<std::string> contexts = {"start", "fixed", "attention"},
                               scores = {"dot", "scaled", "general", "additive", "concat"};

// The value of an enumeration that lists the same names.
template <class Enum>
Enum value_of(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<Enum>(std::ranges::find(names, name) - names.begin());
}

class Seq2SeqFamily final : public Family, public Translates {
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
    options.add(layers_option(layers_, "of encoder and decoder"));
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

  Training begin(const TrainSettings& settings, const fs::path& run) override {
    corpus_.read(run);
    make_model();
    batches_.emplace(
        data::pair_batches(corpus_.training(), {.size = {.sequences = settings.batch_size},
                                                .ids = corpus_.ids(),
                                                .seed = static_cast<std::uint64_t>(settings.seed)}));
    return {.model = &*model_,
            .next_loss =
                [this] {
                  const data::PairBatch batch = batches_->next();
                  tokens_ += sum(batch.target.lengths).to_vector<std::int64_t>()[0];
                  return cross_entropy((*model_)(batch.source, batch.target.input, teacher_).flatten(0, 1),
                                       batch.target.target.flatten());
                },
            .parts = {optim::part("batches", *batches_)},
            .evaluate = [this] { return pair_loss(translator(), corpus_.held_out(), corpus_.ids()); },
            .sample = [this] { return sample_translations(corpus_, translator()); },
            .unit = "tokens",
            .units = [this] { return tokens_; }};
  }

  void save_tokenizers(const fs::path& run) const override { corpus_.save_tokenizers(run); }

  Results results() override {
    Results results;
    const nn::EvalMode evaluating(*model_);
    no_grad([&] { add_pair_results(results, corpus_, translator()); });
    return results;
  }

  std::vector<std::string> uses(const std::string& run) const override {
    const std::string begin = "./gradus translate --model " + run;
    if (!corpus_.is_en_fr()) return {begin + " < sentences.txt"};
    return {begin + " \"The animal didn't cross the street because it was too tired.\"",
            context_ == "attention" ? begin + " --attention \"The dogs sleep.\""
                                    : begin + " --beam 1 \"The dogs sleep.\""};
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --context fixed --cell lstm",
            "./gradus train " + model + " --data pairs.tsv --layers 2 --out runs/pairs"};
  }

  nn::Module& open(const fs::path& run) override {
    corpus_.open(run);
    make_model();
    return *model_;
  }

  const data::Tokenizer& source() const override { return corpus_.source(); }
  const data::Tokenizer& target() const override { return corpus_.target(); }
  data::DecoderIds ids() const override { return corpus_.ids(); }
  std::unique_ptr<models::Writer> writer(const data::Padded& source) const override {
    return model_->writer(source);
  }
  Tensor weights(const data::Padded& source, const Tensor& input) const override {
    return context_ == "attention" ? model_->with_weights(source, input).weights : Tensor();
  }

 private:
  void make_model() {
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
  }

  Translator translator() const {
    Translator asked{.writer = [this](const data::Padded& source) { return model_->writer(source); },
                     .logits = [this](const data::Padded& source,
                                      const Tensor& input) { return (*model_)(source, input); }};
    if (context_ == "attention")
      asked.weights = [this](const data::Padded& source, const Tensor& input) {
        return weights(source, input);
      };
    return asked;
  }

  PairCorpus corpus_;
  std::string cell_ = "gru", context_ = "attention", score_ = "additive";
  std::int64_t directions_ = 2, layers_ = 1, hidden_ = 192, width_ = 128, tokens_ = 0;
  double dropout_ = 0, teacher_ = 1;
  std::optional<models::Seq2Seq> model_;
  std::optional<data::Source<data::PairBatch>> batches_;
};

}  // namespace

FamilyEntry seq2seq() {
  return {.models = {{"seq2seq", "translates: recurrent encoder and decoder, with attention"}},
          .make = [](const std::string&) { return std::make_unique<Seq2SeqFamily>(); }};
}

}  // namespace gradus::cli
