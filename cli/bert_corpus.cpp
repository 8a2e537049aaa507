#include <gradus/cli/bert_corpus.h>

#include <algorithm>
#include <sstream>

#include <gradus/autograd/ops/reduce.h>
#include <gradus/cli/print.h>
#include <gradus/cli/text_corpus.h>
#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/data/lines.h>
#include <gradus/data/metrics.h>
#include <gradus/data/story_floors.h>
#include <gradus/data/tasks.h>
#include <gradus/data/wordpiece.h>
#include <gradus/data/words.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t training_tokens = 2'000'000, held_out_tokens = 20'000;  // of stories
constexpr std::int64_t batch_rows = 64;                                        // of what is held out

const std::vector<std::string>& special_tokens() {
  static const std::vector<std::string> all = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  return all;
}
std::int64_t special_count() { return std::ssize(special_tokens()); }

// Special tokens, the stories' words, and those that the tasks have besides.
std::unique_ptr<data::Tokenizer> tokenizer_of(const data::Stories& world) {
  std::vector<std::string> tokens = special_tokens();
  for (const auto* more : {&world.vocabulary().tokens(), &data::task_words()})
    tokens.insert(tokens.end(), more->begin(), more->end());
  return std::make_unique<data::Words>(data::Vocabulary(tokens), data::Words::Options{.lower_case = true});
}

// Of as many stories as it takes to have so many words.
std::vector<data::Document> documents_of(const data::Stories& world, std::uint64_t seed, std::int64_t words) {
  std::vector<data::Document> documents;
  std::int64_t count = 0;
  for (std::int64_t i = 0; count < words; ++i) {
    data::Document& document = documents.emplace_back();
    for (const auto& sentence : world.story(seed, i).sentences) {
      data::Ids& ids = document.emplace_back();
      for (const data::StoryToken& token : sentence) ids.push_back(token.id + special_count());
      count += std::ssize(ids);
    }
  }
  return documents;
}

// One row of a batch, as somebody sees it who knows the stories' grammar.
struct Reading {
  data::Ids sentences[2];  // words of the stories, or hidden_word
  struct Asked {
    std::size_t position;  // through both sentences
    std::int64_t word;
  };
  std::vector<Asked> asked;
};

Reading reading_of(const data::BertBatch& batch, std::int64_t row, const data::SpecialIds& special) {
  Reading reading;
  const data::Ids ids = batch.ids[row].to_vector<std::int64_t>(),
                  segments = batch.segments[row].to_vector<std::int64_t>(),
                  labels = batch.labels[row].to_vector<std::int64_t>();
  std::size_t position = 0;
  for (std::size_t t = 0; t < ids.size(); ++t) {
    if (ids[t] == special.padding || ids[t] == special.cls || ids[t] == special.sep) continue;
    if (labels[t] != data::ignore_index) reading.asked.push_back({position, labels[t] - special_count()});
    ++position;
    reading.sentences[segments[t]].push_back(ids[t] == special.mask ? data::hidden_word
                                                                    : ids[t] - special_count());
  }
  return reading;
}

struct Shares {
  data::Share mlm, nsp;
};

// What nobody can do better, on the same hidden words and the same pairs.
Shares best_possible(const BertCorpus& corpus) {
  const data::Stories world;
  const data::SpecialIds special = data::special_ids(corpus.tokenizer().vocabulary());
  Shares best;
  for (const data::BertBatch& batch : corpus.held_out())
    for (std::int64_t row = 0; row < batch.ids.size(0); ++row) {
      const Reading reading = reading_of(batch, row, special);
      const data::PairTruth truth(world.automaton(), reading.sentences[0], reading.sentences[1], {});
      const bool is_random = batch.is_random[row].item() == 1;
      best.nsp += {(truth.follows() < 0.5) == is_random, 1};
      for (const auto& [position, word] : reading.asked) {
        const std::vector<double> p = truth.token(position);
        best.mlm += {std::max_element(p.begin(), p.end()) - p.begin() == word, 1};
      }
    }
  return best;
}

void add_share(Results& results, const std::string& name, const char* of, data::Share share,
               const data::Share& best) {
  std::string line =
      printed("%5.1f %% of %lld %s", 100 * share.value(), static_cast<long long>(share.all), of);
  if (best.all > 0) line += printed("; the best possible is %.1f %%", 100 * best.value());
  results.add(name, share.value(), line);
  if (best.all > 0) results.values.emplace_back("best_" + name, best.value());
}

}  // namespace

void BertCorpus::describe(Options& options) {
  options.group("Data");
  options.add({.name = "data",
               .value = &data_,
               .shown = "FILE",
               .says =
                   "a text file, a sentence a line and empty lines between documents, or the word stories: "
                   "little stories of which is known how well hidden words can be told"});
  options.add({.name = "vocabulary",
               .value = &vocabulary_,
               .shown = "N",
               .says = "how many pieces of words are learned from a file, at most",
               .least = 10});
}

void BertCorpus::check_settings(const Options& options) const {
  check(!is_stories() || !options.is_given("vocabulary"), "train",
        "--vocabulary is for a file: stories are cut into their words. Leave it out?");
}

void BertCorpus::read(const fs::path& run) {
  if (!is_stories()) return read_file(run);
  const data::Stories world;
  tokenizer_ = tokenizer_of(world);
  training_ = documents_of(world, training_stories, training_tokens);
  unseen_ = documents_of(world, held_out_stories, held_out_tokens);
}

void BertCorpus::read_file(const fs::path& run) {
  const std::string file = gradus::read_file(data_);
  const std::string_view text = data::without_byte_order_mark(file);
  const std::size_t valid = valid_utf8_prefix(text);
  check(valid == text.size(), "train", "--data ", data_, " is not UTF-8 from its byte ", valid,
        " on. Convert it?");
  if (run.empty()) {
    data::WordPieceTrainer trainer({});
    trainer.add(text);
    tokenizer_ = std::make_unique<data::WordPiece>(trainer.train(vocabulary_));
  } else {
    tokenizer_ = data::load_tokenizer(run / "tokenizer");
  }
  std::istringstream lines{std::string(text)};
  bool begins = true;
  for (std::string line; std::getline(lines, line);) {
    data::Ids ids = tokenizer_->encode(line).ids;
    if (begins && !ids.empty()) training_.emplace_back();
    begins = ids.empty();
    if (!begins) training_.back().push_back(std::move(ids));
  }
  const std::ptrdiff_t count = std::ssize(training_), held = std::max<std::ptrdiff_t>(2, count / 10);
  check(count >= 4, "train", "--data ", data_, " has ", counted(count, "document"),
        ", too few to learn from some and to hold out others. Empty lines between them?");
  unseen_.assign(training_.end() - held, training_.end());
  training_.resize(training_.size() - static_cast<std::size_t>(held));
}

data::Masking BertCorpus::masking(const data::Corruption& corruption) const {
  const data::Vocabulary& vocabulary = tokenizer_->vocabulary();
  return {
      .vocabulary = vocabulary.size() - (is_stories() ? std::ssize(data::task_words()) : std::ptrdiff_t{0}),
      .special = data::special_ids(vocabulary),
      .corruption = corruption};
}

void BertCorpus::hold_out(std::int64_t context) {
  data::Source<data::BertBatch> batches =
      data::bert_batches(unseen_, {.batch_size = batch_rows, .longest = context, .masking = masking({})});
  const std::int64_t most =
      is_stories() ? batches.batches_per_epoch() : std::min<std::int64_t>(50, batches.batches_per_epoch());
  for (std::int64_t i = 0; i < most; ++i) held_out_.push_back(batches.next());
}

double pretraining_loss(const models::BertPretraining& model, const BertCorpus& corpus) {
  double sum = 0;
  for (const data::BertBatch& batch : corpus.held_out()) sum += model.loss(batch).total.item();
  return sum / static_cast<double>(corpus.held_out().size());
}

void add_pretraining_results(Results& results, const models::BertPretraining& model,
                             const BertCorpus& corpus) {
  const double loss = pretraining_loss(model, corpus);
  results.add("loss", loss, printed("%.4f, of hidden tokens and of pairs together", loss));
  Shares ours;
  for (const data::BertBatch& batch : corpus.held_out()) {
    const Tensor tokens = model.bert({batch.ids, batch.segments, batch.mask});
    ours.mlm += data::accuracy(argmax(model.mlm(tokens), -1), batch.labels);
    ours.nsp += data::accuracy(argmax(model.nsp(tokens), -1), batch.is_random);
  }
  const Shares best = corpus.is_stories() ? best_possible(corpus) : Shares{};
  add_share(results, "hidden_tokens", "held-out hidden tokens are told right", ours.mlm, best.mlm);
  add_share(results, "next_sentence", "held-out pairs are told right", ours.nsp, best.nsp);
}

}  // namespace gradus::cli
