// rnn, lstm, gru: language models with a recurrent memory.
#include <optional>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/cli/families.h>
#include <gradus/cli/text_corpus.h>
#include <gradus/core/check.h>
#include <gradus/models/rnn_lm.h>
#include <gradus/models/sampling.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

class RecurrentLm final : public Family, public WritesText, public HasVectors {
 public:
  explicit RecurrentLm(const std::string& cell) : cell_(models::cell_of_name(cell)) {}

  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.add({.name = "block",
                 .value = &block_,
                 .shown = "N",
                 .says = "tokens that are read at a time, from no memory",
                 .least = 1});
    options.group("Model");
    options.add(layers_option(layers_, "recurrent layers, one above the other"));
    options.add(units_option("hidden", hidden_, "units of a layer"));
    options.add(units_option("width", width_, "of the tokens' vectors"));
    options.add(dropout_option(dropout_));
    options.add({.name = "tied",
                 .value = &tied_,
                 .says = "tokens' vectors serve the output as well; --width must be --hidden"});
    defaults = {.steps = 4000, .batch_size = 32, .eval_every = 500, .lr = 5e-3};
  }

  void check_settings(const Options& options) const override {
    corpus_.check_settings(options);
    check(!tied_ || width_ == hidden_, "train", "--tied uses one matrix twice, so that --width ", width_,
          " must be --hidden ", hidden_, ". --width ", hidden_, "?");
  }

  Training begin(const TrainSettings& settings, const fs::path& run) override {
    corpus_.read(run, "--block", block_);
    make_model(corpus_.tokenizer());
    batches_.emplace(
        data::window_batches(corpus_.training(), {.batch_size = settings.batch_size,
                                                  .block = block_,
                                                  .seed = static_cast<std::uint64_t>(settings.seed)}));
    return {.model = &*model_,
            .next_loss =
                [this] {
                  const data::LmBatch batch = batches_->next();
                  tokens_ += batch.target.numel();
                  return cross_entropy((*model_)(batch.input).logits.flatten(0, 1), batch.target.flatten());
                },
            .parts = {optim::part("batches", *batches_)},
            .evaluate = [this] { return window_loss(logits_of(), corpus_.held_out(), block_); },
            .sample = [this] { return sample(); },
            .unit = "tokens",
            .units = [this] { return tokens_; }};
  }

  void save_tokenizers(const fs::path& run) const override { corpus_.tokenizer().save(run / "tokenizer"); }

  Results results() override {
    Results results;
    const nn::EvalMode evaluating(*model_);
    no_grad([&] { add_text_results(results, corpus_, logits_of(), block_); });
    return results;
  }

  std::vector<std::string> uses(const std::string& run) const override {
    return {"./gradus generate --model " + run + (corpus_.is_stories() ? " \"mia went to the\"" : "")};
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model,
            "./gradus train " + model + " --layers 2 --hidden 256 --dropout 0.1 --steps 8000",
            "./gradus train " + model + " --data book.txt --block 64 --out runs/book"};
  }

  nn::Module& open(const fs::path& run) override {
    tokenizer_ = data::load_tokenizer(run / "tokenizer");
    make_model(*tokenizer_);
    return *model_;
  }

  const data::Tokenizer& tokenizer() const override { return tokenizer_ ? *tokenizer_ : corpus_.tokenizer(); }
  std::unique_ptr<models::Writer> writer() const override { return model_->writer(); }
  const data::Vocabulary& words() const override { return tokenizer().vocabulary(); }
  models::WordVectors vectors() const override {
    return {tokenizer().vocabulary(), model_->embedding.weight};
  }
  std::int64_t begin_id() const override { return id_between_texts(tokenizer()); }

 private:
  void make_model(const data::Tokenizer& tokenizer) {
    model_.emplace(models::RnnLm::Options{.vocabulary = tokenizer.vocabulary().size(),
                                          .cell = cell_,
                                          .width = width_,
                                          .hidden = hidden_,
                                          .layers = layers_,
                                          .dropout = dropout_,
                                          .tied = tied_});
  }

  LogitsOf logits_of() const {
    return [this](const Tensor& ids) { return (*model_)(ids).logits; };
  }

  std::string sample() const {
    const std::unique_ptr<models::Writer> writer = model_->writer();
    return models::generate(*writer, tokenizer(), "",
                            {.tokens = 40, .sampling = {.temperature = 0.8}, .begin = begin_id()});
  }

  models::Cell cell_;
  TextCorpus corpus_{"characters"};
  std::int64_t block_ = 32, layers_ = 1, hidden_ = 192, width_ = 64, tokens_ = 0;
  double dropout_ = 0;
  bool tied_ = false;
  std::unique_ptr<data::Tokenizer> tokenizer_;  // of a run that was opened
  std::optional<models::RnnLm> model_;
  std::optional<data::Source<data::LmBatch>> batches_;
};

}  // namespace

FamilyEntry recurrent_lm() {
  return {.models = {{"rnn", "language model with a plain recurrent network"},
                     {"lstm", "language model with long short-term memory"},
                     {"gru", "language model with gated recurrent units"}},
          .make = [](const std::string& model) { return std::make_unique<RecurrentLm>(model); }};
}

}  // namespace gradus::cli
