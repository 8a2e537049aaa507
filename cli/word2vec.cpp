// word2vec: vectors of words.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <gradus/autograd/grad_mode.h>
#include <gradus/cli/families.h>
#include <gradus/cli/print.h>
#include <gradus/cli/text_corpus.h>
#include <gradus/core/check.h>
#include <gradus/data/metrics.h>
#include <gradus/models/word2vec.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

// The topics of each noun of the stories; bank has two.
std::map<std::string, std::set<std::string>> noun_topics(const data::Lexicon& lexicon) {
  std::map<std::string, std::set<std::string>> topics;
  for (const data::Lexicon::Topic& topic : lexicon.topics) {
    for (const auto* list : {&topic.places, &topic.workers, &topic.objects, &topic.tools, &topic.spots})
      for (const std::string& noun : *list) topics[noun].insert(topic.name);
    for (const auto& [one, many] : topic.things) {
      topics[one].insert(topic.name);
      topics[many].insert(topic.name);
    }
  }
  return topics;
}

// Of the five neighbours of each noun, those that are nouns of a topic of its.
data::Share precision_at_5(const models::WordVectors& vectors) {
  const std::map<std::string, std::set<std::string>> topics = noun_topics(data::Stories().lexicon());
  data::Share share;
  for (const auto& [noun, own] : topics) {
    for (const auto& [word, cosine] : vectors.nearest(noun, 5)) {
      const auto other = topics.find(word);
      const bool right = other != topics.end() && std::ranges::any_of(own, [&](const std::string& topic) {
                           return other->second.contains(topic);
                         });
      share += {right, 1};
    }
  }
  return share;
}

class Word2VecFamily final : public Family, public HasVectors {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.add({.name = "window",
                 .value = &window_,
                 .shown = "N",
                 .says = "words on either side that count as near",
                 .least = 1});
    options.add({.name = "threshold",
                 .value = &threshold_,
                 .shown = "X",
                 .says = "words that make up more of the text than this are thinned out; 1: none",
                 .above = 0,
                 .most = 1});
    options.group("Model");
    options.add({.name = "task",
                 .value = &task_,
                 .shown = "KIND",
                 .says = "skip-gram: a word tells those around it; cbow: they tell it",
                 .choices = tasks()});
    options.add({.name = "negatives",
                 .value = &negatives_,
                 .shown = "N",
                 .says = "drawn words that the right one is told from; 0: all words",
                 .least = 0});
    options.add(units_option("width", width_, "of the words' vectors"));
    defaults = {.steps = 8500, .batch_size = 64, .eval_every = 1000, .lr = 4e-3};
  }

  void check_settings(const Options& options) const override { corpus_.check_settings(options); }

  Training begin(const TrainSettings& settings, const fs::path& run) override {
    corpus_.read(run, "--window", window_);
    make_model(corpus_.tokenizer());
    batches_.emplace(data::context_batches(corpus_.training(), contexts(settings)));
    held_out_.emplace(data::context_batches(corpus_.held_out(), contexts(settings)));
    return {.model = &*model_,
            .next_loss =
                [this] {
                  const data::ContextBatch batch = batches_->next();
                  words_ += batch.target.numel();
                  return loss(batch);
                },
            .parts = {optim::part("batches", *batches_)},
            .evaluate = [this] { return held_out_loss(); },
            .sample = [this] { return sample(); },
            .unit = "words",
            .units = [this] { return words_; }};
  }

  void keep(const fs::path& run) const override { corpus_.tokenizer().save(run / "tokenizer"); }

  Results results() override {
    Results results;
    const double found = no_grad([this] { return held_out_loss(); });
    results.add("loss", found, printed("%.4f, on held-out text", found));
    if (!corpus_.is_stories()) return results;
    const data::Share precision = precision_at_5(vectors());
    results.add(
        "precision_at_5", precision.value(),
        printed("%.1f %% of nouns' five neighbours are nouns of their topic", 100 * precision.value()));
    return results;
  }

  std::vector<std::string> uses(const std::string& run) const override {
    return {"./gradus neighbours --model " + run + " " + known_words().front()};
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --task cbow --negatives 0",
            "./gradus train " + model + " --data book.txt --out runs/book-words"};
  }

  nn::Module& open(const fs::path& run) override {
    tokenizer_ = data::load_tokenizer(run / "tokenizer");
    make_model(*tokenizer_);
    return *model_;
  }

  const data::Vocabulary& words() const override { return tokenizer().vocabulary(); }
  models::WordVectors vectors() const override { return {tokenizer().vocabulary(), model_->input.weight}; }

 private:
  static const std::vector<std::string>& tasks() {
    static const std::vector<std::string> names = {"cbow", "skip-gram"};
    return names;
  }

  data::ContextOptions contexts(const TrainSettings& settings) const {
    return {.task = task_ == "cbow" ? data::Word2VecTask::cbow : data::Word2VecTask::skip_gram,
            .window = window_,
            .threshold = threshold_,
            .negatives = negatives_,
            .batch_size = settings.batch_size,
            .seed = static_cast<std::uint64_t>(settings.seed)};
  }

  void make_model(const data::Tokenizer& tokenizer) {
    model_.emplace(models::Word2Vec::Options{.vocabulary = tokenizer.vocabulary().size(), .width = width_});
  }

  Tensor loss(const data::ContextBatch& batch) const {
    return negatives_ > 0 ? model_->negative_sampling_loss(batch) : model_->softmax_loss(batch);
  }

  double held_out_loss() const {
    double sum = 0;
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(held_out_->batches_per_epoch(), 20); ++i) {
      const data::ContextBatch batch = held_out_->at({.epoch = 0, .batch = i});
      sum += loss(batch).item() * static_cast<double>(batch.target.numel());
      count += batch.target.numel();
    }
    return sum / static_cast<double>(count);
  }

  const data::Tokenizer& tokenizer() const { return tokenizer_ ? *tokenizer_ : corpus_.tokenizer(); }

  // Of the stories some nouns, of a text words that are neither its rarest nor its most frequent ones.
  std::vector<std::string> known_words() const {
    if (corpus_.is_stories()) return {"boat", "apple", "teacher"};
    const std::vector<std::string>& tokens = tokenizer().vocabulary().tokens();
    std::vector<std::string> words;
    for (const std::size_t i : {tokens.size() / 8, tokens.size() / 4, tokens.size() / 2})
      words.push_back(tokens[i]);
    return words;
  }

  std::string sample() const {
    std::string text;
    const models::WordVectors all = vectors();
    for (const std::string& word : known_words()) {
      text.append(text.empty() ? "" : "\n").append(word).append(":");
      for (const auto& [near, cosine] : all.nearest(word, 5)) text.append(" ").append(near);
    }
    return text;
  }

  TextCorpus corpus_{"words"};
  std::string task_ = "skip-gram";
  std::int64_t window_ = 5, negatives_ = 5, width_ = 64, words_ = 0;
  double threshold_ = 3e-4;
  std::unique_ptr<data::Tokenizer> tokenizer_;  // of a run that was opened
  std::optional<models::Word2Vec> model_;
  std::optional<data::Source<data::ContextBatch>> batches_, held_out_;
};

}  // namespace

FamilyEntry word2vec() {
  return {.models = {{"word2vec", "vectors of words, near where words are alike"}},
          .make = [](const std::string&) { return std::make_unique<Word2VecFamily>(); }};
}

}  // namespace gradus::cli
