// bert: an encoder that is trained to say what was hidden from it.
#include <optional>

#include <gradus/autograd/grad_mode.h>
#include <gradus/cli/bert.h>
#include <gradus/cli/bert_corpus.h>
#include <gradus/cli/families.h>
#include <gradus/cli/fill.h>
#include <gradus/core/check.h>
#include <gradus/data/wordpiece.h>
#include <gradus/models/hugging_face_bert.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

class BertFamily final : public Family, public IsBert {
 public:
  BertFamily() = default;

  // A BERT in a folder of Hugging Face's.
  explicit BertFamily(const fs::path& folder) {
    tokenizer_ = std::make_unique<data::WordPiece>(data::load_wordpiece(folder));
    model_.emplace(models::load_bert_pretraining(folder));
    const std::int64_t size = tokenizer_->vocabulary().size();
    check(size == model_->options.vocabulary, "bert", (folder / "vocab.txt").string(), " has ", size,
          " tokens, and the model ", model_->options.vocabulary, ". Another model's?");
  }

  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.add({.name = "hide",
                 .value = &hide_,
                 .shown = "X",
                 .says = "the part of the tokens that is asked for in training; of held-out text it is 0.15",
                 .above = 0,
                 .most = 1});
    options.add({.name = "random",
                 .value = &random_,
                 .shown = "X",
                 .says = "part of the second sentences that is from elsewhere in training; of held-out text "
                         "it is 0.5",
                 .least = 0,
                 .most = 1});
    options.group("Model");
    options.add(layers_option("layers", config_.layers, "of self-attention and feed-forward"));
    options.add(units_option("width", config_.width, "of the tokens' vectors"));
    options.add(units_option("heads", config_.heads, "that attend, side by side; --width is a multiple"));
    options.add(units_option("context", config_.context, "tokens of the longest text"));
    options.add(dropout_option(config_.dropout));
    defaults = {.steps = 12'000, .batch_size = 64, .eval_every = 1000, .lr = 5e-4};
  }

  void check_settings(const Options& options) const override {
    corpus_.check_settings(options);
    check(config_.width % config_.heads == 0, "train", "--width ", config_.width,
          " cannot be shared by --heads ", config_.heads, ". A multiple of the heads?");
    check(config_.context >= 5, "train", "--context ", config_.context,
          " has no room for two sentences and three special tokens. 64?");
  }

  Training begin(const TrainSettings& settings, const fs::path& run) override {
    corpus_.read(run);
    corpus_.hold_out(config_.context);
    make_model(corpus_.tokenizer());
    batches_.emplace(
        data::bert_batches(corpus_.training(), {.batch_size = settings.batch_size,
                                                .longest = config_.context,
                                                .masking = corpus_.masking(training_corruption()),
                                                .random = random_,
                                                .near = 0.5,
                                                .seed = static_cast<std::uint64_t>(settings.seed)}));
    return {.model = &*model_,
            .next_loss =
                [this, steps = settings.steps] {
                  const models::BertPretraining::LossOptions how = loss_options(steps);
                  const data::BertBatch batch = batches_->next();
                  tokens_ += batch.ids.numel();
                  return model_->loss(batch, how).total;
                },
            .parts = {optim::part("batches", *batches_)},
            .evaluate = [this] { return pretraining_loss(*model_, corpus_); },
            .sample = [this] { return sample(); },
            .unit = "tokens",
            .units = [this] { return tokens_; }};
  }

  void keep(const fs::path& run) const override { corpus_.tokenizer().save(run / "tokenizer"); }

  Results results() override {
    Results results;
    const nn::EvalMode evaluating(*model_);
    no_grad([&] { add_pretraining_results(results, *model_, corpus_); });
    return results;
  }

  std::vector<std::pair<std::string, std::string>> explained_results() const override {
    return {{"loss", "nats: a hidden token's and a pair's together"},
            {"hidden tokens",
             "of the 15 % that are asked for in held-out text, those for which the right one is found the "
             "likeliest"},
            {"next sentence",
             "whether the second sentence of a pair follows the first; half of them do, so that chance is "
             "right in 50 %"},
            {"the best possible",
             "of stories: what somebody tells of the same tokens and pairs who knows the rules by which they "
             "are made"}};
  }

  std::vector<std::string> uses(const std::string& run) const override {
    const std::string text = corpus_.is_stories() ? "but the pie then [MASK] ." : "... [MASK] ...";
    std::vector<std::string> all = {"./gradus fill --model " + run + " \"" + text + "\""};
    if (corpus_.is_stories()) all.push_back("./gradus finetune bert --task sentiment --model " + run);
    return all;
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --layers 2 --width 128 --heads 2",
            "./gradus train " + model + " --data book.txt --vocabulary 8000 --out runs/book"};
  }

  nn::Module& open(const fs::path& run) override {
    tokenizer_ = data::load_tokenizer(run / "tokenizer");
    make_model(*tokenizer_);
    return *model_;
  }

  const data::Tokenizer& tokenizer() const override { return tokenizer_ ? *tokenizer_ : corpus_.tokenizer(); }
  const models::BertPretraining& pretrained() const override { return *model_; }

 private:
  // More is asked of each sentence than BERT's 0.15, and more of that stays as it is: that a word which is
  // shown is most often the one that is asked for, is learned from such words alone, and of what is asked for
  // in held-out text they are a tenth.
  data::Corruption training_corruption() const { return {.selected = hide_, .masked = 0.7, .random = 0.1}; }

  // A near miss differs from the right sentence in a word or two. To see it, [CLS] must see which word
  // belongs there. Hidden tokens teach that, but to the last layer, and what [CLS] reads in it comes from
  // those below. So every second step does without the last layer, and those below learn it as well; once
  // they have, pairs weigh more.
  models::BertPretraining::LossOptions loss_options(std::int64_t steps) const {
    const data::Place& place = batches_->place();
    const std::int64_t step = place.epoch * batches_->batches_per_epoch() + place.batch;
    const bool without_last = config_.layers > 1 && step % 2 == 1;
    return {.nsp = static_cast<double>(step) < 0.6 * static_cast<double>(steps) ? 1.0 : 8.0,
            .layers = without_last ? config_.layers - 1 : config_.layers};
  }

  void make_model(const data::Tokenizer& tokenizer) {
    config_.vocabulary = tokenizer.vocabulary().size();
    config_.padding = data::special_ids(tokenizer.vocabulary()).padding;
    model_.emplace(config_);
  }

  // A held-out row with its hidden tokens, and what the model would fill in.
  std::string sample() const {
    const data::BertBatch& batch = corpus_.held_out()[0];
    const Tensor ids = batch.ids.slice(0, 0, 1), mask = batch.mask.slice(0, 0, 1);
    return filled(*model_, tokenizer(), {ids, batch.segments.slice(0, 0, 1), mask});
  }

  BertCorpus corpus_;
  // Weights that begin with a deviation of 0.02, as those of BERT, learn more slowly at this width.
  models::BertConfig config_{
      .context = 96, .width = 192, .layers = 4, .heads = 4, .dropout = 0, .deviation = 0.05};
  double hide_ = 0.25;
  // A quarter: where half of the pairs are random, the first sentence is so seldom of use that the net hardly
  // learns to look at it.
  double random_ = 0.25;
  std::int64_t tokens_ = 0;
  std::unique_ptr<data::Tokenizer> tokenizer_;  // of a run that was opened
  std::optional<models::BertPretraining> model_;
  std::optional<data::Source<data::BertBatch>> batches_;
};

}  // namespace

FamilyEntry bert() {
  return {.models = {{"bert", "encoder that says what was hidden from it, to be finetuned"}},
          .make = [](const std::string&) { return std::make_unique<BertFamily>(); },
          .open_other = [](const fs::path& folder) -> std::unique_ptr<Family> {
            if (!models::is_bert_folder(folder)) return nullptr;
            return std::make_unique<BertFamily>(folder);
          }};
}

}  // namespace gradus::cli
