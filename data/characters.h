// The simplest tokenizers: each character of a text is a token, or each byte.
//
//   data::CharactersTrainer trainer({});
//   trainer.add(text);
//   const data::Characters tokenizer = trainer.train();
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/special_tokens.h>
#include <gradus/data/tokenizer.h>

namespace gradus::data {

// Decoding gives the text back, but for what became [UNK].
class Characters final : public Tokenizer {
 public:
  struct Options {
    bool bytes = false;                            // or Unicode's code points
    std::vector<std::string> special_tokens = {};  // such as [PAD]; with [UNK] none is unknown
  };

  // A vocabulary of single characters, or bytes, and the special tokens.
  Characters(Vocabulary vocabulary, Options options);

  // A character that is no token is [UNK]; without that token, it is an error that says where it stands. What
  // is not UTF-8 is no character.
  Encoding encode(std::string_view text) const override;
  std::string decode(std::span<const std::int64_t> ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const Options& options() const { return options_; }
  void save(const std::filesystem::path& folder) const override;  // characters.json

 private:
  Vocabulary vocabulary_;
  Options options_;
  SpecialTokens special_;
};

Characters load_characters(const std::filesystem::path& folder);

// Collects the characters of texts, which may be added piece by piece.
class CharactersTrainer {
 public:
  explicit CharactersTrainer(Characters::Options options);

  void add(std::string_view text);  // refuses what is not UTF-8, but where bytes are wanted

  // The special tokens, then the characters in the order of their code points, or the bytes in that of their
  // values.
  Characters train() const;

 private:
  Characters::Options options_;
  SpecialTokens special_;
  std::set<std::string> characters_;  // UTF-8 sorts as code points do
};

}  // namespace gradus::data
