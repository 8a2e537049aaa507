// WordPiece, the tokenizer of BERT: words, and where a word is no token, the longest pieces that are, from
// left to right; a piece that continues a word is spelled with ## in front: playing becomes play ##ing.
//
//   const data::WordPiece tokenizer = data::load_wordpiece("folder");
//   const data::Encoding encoded = tokenizer.encode("She was playing.");
//
// Schuster & Nakajima 2012, Wu et al. 2016; as in Devlin et al. 2018
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <gradus/data/special_tokens.h>
#include <gradus/data/split_words.h>
#include <gradus/data/text_map.h>
#include <gradus/data/tokenizer.h>
#include <gradus/data/trie.h>

namespace gradus::data {

// Encoding: [PAD] [UNK] [CLS] [SEP] [MASK], where a text spells them out and the vocabulary has them, are cut
// out; what is between them is split into words as split_words.h says; a word becomes the longest token that
// it begins with, what is left of it the longest of those that continue a word, and so on. A word of which
// something is left at the end, or that has too many characters, is [UNK].
//
// A piece's span is the bytes it was made of, accents included; pieces of one character, as of a Hangul
// syllable without lower case and accents, share its bytes. It takes a time that is linear in the text.
class WordPiece final : public Tokenizer {
 public:
  struct Options {
    bool lower_case = true;           // and without accents: an "uncased" vocabulary
    std::int64_t longest_word = 100;  // in characters, as they are looked up
  };

  // Refuses a vocabulary without [UNK].
  WordPiece(Vocabulary vocabulary, const Options& options);

  Encoding encode(std::string_view text) const override;
  // Tokens with spaces between them, but none before ## (which goes) nor before . , ! and ?
  std::string decode(std::span<const std::int64_t> ids) const override;
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  const Options& options() const { return options_; }
  // vocab.txt, and tokenizer_config.json for the options.
  void save(const std::filesystem::path& folder) const override;

 private:
  void encode_word(const Word& word, Encoding& into) const;

  Vocabulary vocabulary_;
  Options options_;
  SpecialTokens special_;
  Trie trie_;
  std::int32_t inside_;  // the node behind ##, where the pieces that continue a word begin
  std::int64_t unknown_;
};

// Reads what save writes, and what Hugging Face's BERT models come with. Where tokenizer_config.json, or in
// it `do_lower_case`, is missing, text is lower-cased, as they do; refused are settings under which they
// would find other words: other accents, Chinese characters not by themselves, another name for [UNK].
WordPiece load_wordpiece(const std::filesystem::path& folder);

// Learns a vocabulary. Texts may be added piece by piece; what is kept of them is how often each word comes.
class WordPieceTrainer {
 public:
  explicit WordPieceTrainer(const WordPiece::Options& options) : options_(options) {}

  void add(std::string_view text);

  // First [PAD] [UNK] [CLS] [SEP] [MASK]; then the characters of the texts, as they begin words, then as they
  // continue them with ## in front, each in the order of their code points (punctuation and Chinese
  // characters continue no word); then what is learnt, by the count: the pair of tokens that comes most often
  // side by side in a word is joined, of equals the one whose left, then right token is the older, again and
  // again. At most `vocabulary_size` tokens: fewer where no pair comes twice any more. Words of more
  // characters than the options allow teach nothing. What is learnt depends on nothing but the texts, in any
  // order.
  //
  // How Google trained BERT's vocabulary was not published; this is what Hugging Face's trainer does. With it
  // a word that comes often becomes one token, a rare one is split, and none of known characters is [UNK].
  WordPiece train(std::int64_t vocabulary_size) const;

 private:
  WordPiece::Options options_;
  TextMap<std::int64_t> counts_;  // of words
};

}  // namespace gradus::data
