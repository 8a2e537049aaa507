// bert: an encoder that is trained to say what was hidden from it.
#include <optional>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/cli/bert.h>
#include <gradus/cli/bert_corpus.h>
#include <gradus/cli/families.h>
#include <gradus/cli/fill.h>
#include <gradus/core/check.h>
#include <gradus/data/streams.h>
#include <gradus/data/wordpiece.h>
#include <gradus/models/hugging_face_bert.h>
#include <gradus/models/word_exchange.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

// In each half of a pair, at most. What was named comes again some sentences later, and to tell it there the
// model must learn to look for it.
constexpr std::int64_t most_sentences = 4;

std::int64_t batches_given(const data::Source<data::BertBatch>& source) {
  return source.place().epoch * source.batches_per_epoch() + source.place().batch;
}

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
    defaults = {.steps = 10'000, .batch_size = 64, .eval_every = 1000, .lr = 5e-4};
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
    const auto seed = static_cast<std::uint64_t>(settings.seed);
    sentences_.emplace(data::bert_batches(corpus_.training(), of_pairs(settings, seed, 1)));
    passages_.emplace(data::bert_batches(corpus_.training(), of_pairs(settings, seed + 1, most_sentences)));
    data::BertOptions following = of_pairs(settings, seed + 2, most_sentences);
    following.random = 0;
    following.masking = corpus_.masking({.selected = 0.35, .masked = 1, .random = 0});
    to_exchange_.emplace(data::bert_batches(corpus_.training(), following));
    return {.model = &*model_,
            .next_loss =
                [this, seed, half = settings.steps / 2] {
                  const std::int64_t step = batches_given(*sentences_) + batches_given(*passages_);
                  data::Source<data::BertBatch>& source = step % 2 == 0 ? *sentences_ : *passages_;
                  const Tensor loss = loss_of(source.next(), layers_of(step / 2));
                  if (step < half) return loss;
                  const std::optional<data::BertBatch> exchanged = next_exchanged(seed);
                  return exchanged ? loss + loss_of(*exchanged, config_.layers) : loss;
                },
            .parts = {optim::part("sentences", *sentences_), optim::part("passages", *passages_),
                      optim::part("exchanges", *to_exchange_)},
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

  data::BertOptions of_pairs(const TrainSettings& settings, std::uint64_t seed,
                             std::int64_t sentences) const {
    return {.batch_size = settings.batch_size,
            .longest = config_.context,
            .masking = corpus_.masking(training_corruption()),
            .random = random_,
            .near = 0.5,
            .most_sentences = sentences,
            .seed = seed};
  }

  std::optional<data::BertBatch> next_exchanged(std::uint64_t seed) {
    data::Random random(seed, {data::streams::exchanges, batches_given(*to_exchange_)});
    const data::SpecialIds special = data::special_ids(corpus_.tokenizer().vocabulary());
    return models::with_words_exchanged(*model_, to_exchange_->next(), special, random);
  }

  // To see that a word does not belong, [CLS] must see which one does. Hidden words teach that, but to the
  // last layer, and what [CLS] reads in it comes from those below. So every second batch of each kind does
  // without the last layer, and those below learn it as well.
  std::int64_t layers_of(std::int64_t batch) const {
    return config_.layers > 1 && batch % 2 == 1 ? config_.layers - 1 : config_.layers;
  }

  Tensor loss_of(const data::BertBatch& batch, std::int64_t layers) {
    tokens_ += batch.ids.numel();
    return model_->loss(batch, layers).total;
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
  // Pairs of single sentences, as held-out ones are, and of passages take turns.
  std::optional<data::Source<data::BertBatch>> sentences_, passages_;
  // In the second half of the training each step sees some of `to_exchange_` as well. Whether a sentence
  // follows is mostly told by a single word of its topic, and [CLS] learns to see no more than that. Once
  // hidden words are told from first sentences, the model itself makes pairs in which each word counts.
  std::optional<data::Source<data::BertBatch>> to_exchange_;
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
