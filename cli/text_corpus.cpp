#include <gradus/cli/text_corpus.h>

#include <algorithm>
#include <string_view>

#include <gradus/cli/print.h>
#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/bpe.h>
#include <gradus/data/characters.h>
#include <gradus/data/lines.h>
#include <gradus/data/words.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t training_tokens = 2'000'000, held_out_tokens = 20'000;  // of stories

std::unique_ptr<data::Tokenizer> tokenizer_for(const std::string& kind, std::int64_t size,
                                               std::string_view text) {
  if (kind == "words") {
    data::WordsTrainer trainer({.special_tokens = {"[UNK]"}});
    trainer.add(text);
    return std::make_unique<data::Words>(trainer.train(2));
  }
  if (kind == "bpe") {
    data::BpeTrainer trainer;
    trainer.add(text);
    return std::make_unique<data::Bpe>(trainer.train(size));
  }
  data::CharactersTrainer trainer({});
  trainer.add(text);
  return std::make_unique<data::Characters>(trainer.train());
}

}  // namespace

std::unique_ptr<data::Tokenizer> story_tokenizer(const data::Stories& world) {
  return std::make_unique<data::Words>(world.vocabulary(),
                                       data::Words::Options{.lower_case = true, .special_tokens = {}});
}

std::int64_t id_between_texts(const data::Tokenizer& tokenizer) {
  // A line's end is spelled so by Characters, and by Bpe.
  for (const char* const token : {"\n", "\u010A", "."})
    if (const std::optional<std::int64_t> id = tokenizer.vocabulary().find(token)) return *id;
  return 0;
}

void TextCorpus::describe(Options& options) {
  options.group("Data");
  options.add({.name = "data",
               .value = &data_,
               .shown = "FILE",
               .says = "a text file, or the word stories: little stories whose best possible loss is known"});
  options.add({.name = "tokenizer",
               .value = &kind_,
               .shown = "KIND",
               .says = "what a file is cut into: characters, words or bpe",
               .choices = {"characters", "words", "bpe"},
               .unset = file_tokenizer_});
  options.add({.name = "vocabulary",
               .value = &vocabulary_,
               .shown = "N",
               .says = "how many tokens bpe learns, with the 256 bytes",
               .least = 257});
}

void TextCorpus::check_settings(const Options& options) const {
  check(!is_stories() || kind_.empty(), "train", "--tokenizer ", kind_,
        " is for a file: stories are cut into their words. Leave it out?");
  check(kind_ == "bpe" || !options.is_given("vocabulary"), "train",
        "--vocabulary is for --tokenizer bpe: other tokenizers take what is there. Leave it out?");
}

void TextCorpus::read(const fs::path& run, const char* flag, std::int64_t block) {
  if (!is_stories()) return read_file(run, flag, block);
  const data::Stories world;
  tokenizer_ = story_tokenizer(world);
  training_ = world.tokens(training_stories, training_tokens);
  check(block < held_out_tokens, "train", flag, " ", block, " is longer than the ", held_out_tokens,
        " tokens of stories that are held out. 64?");
  held_out_ = world.tokens(held_out_stories, held_out_tokens);
}

void TextCorpus::read_file(const fs::path& run, const char* flag, std::int64_t block) {
  const std::string file = gradus::read_file(data_);
  const std::string_view text = data::without_byte_order_mark(file);
  check(text.find_first_not_of(" \t\r\n") != text.npos, "train", "--data ", data_,
        " is empty. Another file?");
  const std::size_t valid = valid_utf8_prefix(text);
  check(valid == text.size() || kind_ == "bpe", "train", "--data ", data_, " is not UTF-8 from its byte ",
        valid, " on. Convert it, or cut it into bytes with --tokenizer bpe?");
  tokenizer_ = run.empty() ? tokenizer_for(kind_.empty() ? file_tokenizer_ : kind_, vocabulary_, text)
                           : data::load_tokenizer(run / "tokenizer");
  data::Ids ids = tokenizer_->encode(text).ids;
  const std::int64_t size = std::ssize(ids), longest = size / 2 - 1;
  check(block <= longest, "train", "--data ", data_, " has ", counted(size, "token"), ", too few for ", flag,
        " ", block, " in what is learned from and what is held out. ",
        longest > 0 ? "At most " + std::to_string(longest) + "?" : "A longer text?");
  const std::int64_t held = std::max(size / 10, block + 1);
  training_.assign(ids.begin(), ids.end() - held);
  held_out_.assign(ids.end() - held, ids.end());
  held_out_.resize(
      std::min(held_out_.size(), static_cast<std::size_t>(std::max(held_out_tokens, block + 1))));
}

}  // namespace gradus::cli
