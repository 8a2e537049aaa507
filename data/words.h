// Each word of a text is a token, and each punctuation mark; rare words are all one, [UNK].
//
//   data::WordsTrainer trainer({.lower_case = true});
//   trainer.add(text);
//   const data::Words tokenizer = trainer.train(2);
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/special_tokens.h>
#include <gradus/data/split_words.h>
#include <gradus/data/text_map.h>
#include <gradus/data/tokenizer.h>

namespace gradus::data {

// Words are what split_words.h says, with their accents.
class Words final : public Tokenizer {
 public:
  struct Options {
    bool lower_case = false;
    std::vector<std::string> special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  };

  Words(Vocabulary vocabulary, Options options);

  // A word that is no token is [UNK]; without that token, it is an error that says where it stands.
  Encoding encode(std::string_view text) const override;
  // Words with spaces between them, but none before . , ! ? nor on either side of ' ’ and -
  std::string decode(std::span<const std::int64_t> ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const Options& options() const { return options_; }
  void save(const std::filesystem::path& folder) const override;  // words.json

 private:
  Vocabulary vocabulary_;
  Options options_;
  SpecialTokens special_;
};

Words load_words(const std::filesystem::path& folder);

// Counts the words of texts, which may be added piece by piece.
class WordsTrainer {
 public:
  explicit WordsTrainer(Words::Options options);

  void add(std::string_view text);

  // The special tokens, then the words that come at least so often: those that come most often first, of
  // equals the one whose first other character has the smaller code point.
  Words train(std::int64_t least_count = 1) const;

 private:
  Words::Options options_;
  SpecialTokens special_;
  TextMap<std::int64_t> counts_;
};

}  // namespace gradus::data
