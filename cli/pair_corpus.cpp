#include <gradus/cli/pair_corpus.h>

#include <algorithm>
#include <utility>

#include <gradus/cli/print.h>
#include <gradus/core/check.h>
#include <gradus/data/en_fr_ids.h>
#include <gradus/data/en_fr_words.h>
#include <gradus/data/split.h>
#include <gradus/data/text_file.h>
#include <gradus/data/words.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t training_pairs = 100'000, held_out_pairs = 1'000;  // of en-fr
constexpr std::int64_t most_held_out = 1'000;                             // of a file

data::Words::Options words_options() { return {.special_tokens = {"[PAD]", "[BOS]", "[EOS]", "[UNK]"}}; }

}  // namespace

void PairCorpus::describe(Options& options) {
  options.group("Data");
  options.add({.name = "data",
               .value = &data_,
               .shown = "FILE",
               .says =
                   "a file with two texts a line, a tab between them, or the word en-fr: English with its "
                   "French"});
}

data::DecoderIds PairCorpus::ids() const {
  const data::Vocabulary& words = target_->vocabulary();
  return {.begin = words.id("[BOS]"), .end = words.id("[EOS]"), .padding = words.id("[PAD]")};
}

void PairCorpus::read(const fs::path& run) { is_en_fr() ? read_en_fr(run) : read_file(run); }

void PairCorpus::open(const fs::path& run) {
  source_ = data::load_tokenizer(run / "source");
  target_ = data::load_tokenizer(run / "target");
}

void PairCorpus::save_tokenizers(const fs::path& run) const {
  source_->save(run / "source");
  target_->save(run / "target");
}

void PairCorpus::read_en_fr(const fs::path& run) {
  data::EnFrIds corpus(training_pairs);
  training_ = std::move(corpus.training);
  source_ = std::make_unique<data::EnFrWords>(std::move(corpus.english));
  target_ = std::make_unique<data::EnFrWords>(std::move(corpus.french));
  if (!run.empty())
    for (const auto& [folder, made] :
         {std::pair{run / "source", source_.get()}, {run / "target", target_.get()}})
      check(data::load_tokenizer(folder)->vocabulary() == made->vocabulary(), "train", folder.string(),
            " has not the words of --data en-fr. Was it changed?");
  for (std::int64_t i = 0; i < held_out_pairs; ++i)
    held_out_.push_back(ids_of(data::EnFr(0).pair(data::EnFr::Split::random, i)));
}

data::IdsPair PairCorpus::ids_of(const data::Pair& pair) const {
  data::IdsPair ids;
  for (const std::string& word : pair.english) ids.source.push_back(source_->vocabulary().id(word));
  for (const std::string& word : pair.french) ids.target.push_back(target_->vocabulary().id(word));
  return ids;
}

void PairCorpus::read_file(const fs::path& run) {
  const data::TsvPairs pairs{data::TextFile(data_)};
  const auto is_held_out = [&](std::int64_t i) {
    return data::split_of(pairs[i].first) == data::Split::held_out;
  };
  if (run.empty()) {
    data::WordsTrainer source(words_options()), target(words_options());
    for (std::int64_t i = 0; i < pairs.size(); ++i) {
      if (is_held_out(i)) continue;
      source.add(pairs[i].first);
      target.add(pairs[i].second);
    }
    source_ = std::make_unique<data::Words>(source.train());
    target_ = std::make_unique<data::Words>(target.train());
  } else {
    open(run);
  }
  for (std::int64_t i = 0; i < pairs.size(); ++i) {
    const auto [first, second] = pairs[i];
    data::IdsPair ids{source_->encode(first).ids, target_->encode(second).ids};
    check(!ids.source.empty() && !ids.target.empty(), "train", "--data ", data_,
          " has a side without words in line ", i + 1, ". Leave the line out?");
    if (!is_held_out(i))
      training_.push_back(std::move(ids));
    else if (std::ssize(held_out_) < most_held_out)
      held_out_.push_back(std::move(ids));
  }
  check(!training_.empty() && !held_out_.empty(), "train", "--data ", data_, " has ",
        counted(pairs.size(), "pair"), ", too few to hold a tenth of them out. More of them?");
}

}  // namespace gradus::cli
