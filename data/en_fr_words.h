// Sentences of en_fr.h as somebody may write them, cut into the tokens that the corpus has.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/tokenizer.h>

namespace gradus::data {

// The tokens of an English or French sentence: tokens_of(sentence_of(tokens)) is tokens, for all of the
// corpus. Apostrophes may be ' or ’.
std::vector<std::string> tokens_of(std::string_view sentence);

// Tokens are those of a vocabulary, which may have special ones, such as [PAD]; no other is known.
class EnFrWords final : public Tokenizer {
 public:
  explicit EnFrWords(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}

  // Refuses a word that is no token, and says where it stands.
  Encoding encode(std::string_view text) const override;
  std::string decode(std::span<const std::int64_t> ids) const override;  // sentence_of
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void save(const std::filesystem::path& folder) const override;  // en_fr.json

 private:
  Vocabulary vocabulary_;
};

EnFrWords load_en_fr_words(const std::filesystem::path& folder);

}  // namespace gradus::data
