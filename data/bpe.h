// Byte-level byte pair encoding, the tokenizer of GPT-2: tokens are runs of bytes, learnt by joining the pair
// that comes most often, again and again.
//
//   data::BpeTrainer trainer;
//   trainer.add(text);
//   const data::Bpe tokenizer = trainer.train(8000);
//   const data::Encoding encoded = tokenizer.encode("Hello world");
//
// Sennrich, Haddow & Birch 2016; on bytes: Radford et al. 2019
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/pair_map.h>
#include <gradus/data/special_tokens.h>
#include <gradus/data/text_map.h>
#include <gradus/data/tokenizer.h>

namespace gradus::data {

struct BpeFiles;

// Encoding: special tokens are cut out, what is between them is split as pre_split.h says, each piece becomes
// its bytes, and of the pairs of neighbours that some merge joins those of the earliest merge are joined,
// from left to right, until there are none. Every text has an encoding, UTF-8 or not, and decoding gives the
// same bytes back. It takes n log n for a piece of n bytes, whatever the merges.
class Bpe final : public Tokenizer {
 public:
  struct Merge {
    std::int64_t left, right;  // tokens that become one where they are neighbours
    friend bool operator==(const Merge&, const Merge&) = default;
  };

  Encoding encode(std::string_view text) const override;
  std::string decode(std::span<const std::int64_t> ids) const override;
  // Its tokens are spelled as in vocab.json: a visible character for each byte, special tokens as they are.
  const Vocabulary& vocabulary() const override { return vocabulary_; }
  void save(const std::filesystem::path& folder) const override;  // vocab.json, merges.txt

  const std::vector<Merge>& merges() const { return merges_; }  // the earliest first

 private:
  friend class BpeTrainer;
  friend Bpe parse_bpe(const BpeFiles& files, const std::filesystem::path& folder);
  class Merger;

  // Every byte is a token, and what a merge joins; merges are of tokens spelled in the characters of bytes.
  Bpe(Vocabulary vocabulary, std::vector<Merge> merges);

  Vocabulary vocabulary_;
  std::vector<Merge> merges_;
  SpecialTokens special_;
  std::vector<std::string> bytes_;            // that each token stands for
  std::array<std::int32_t, 256> byte_ids_{};  // the token of each single byte
  std::vector<std::int32_t> joined_;          // the token that each merge makes
  PairMap<std::int32_t> ranks_;               // which merge joins two tokens
};

// The texts of the two files, as Hugging Face has them for GPT-2. vocab.json is an object of tokens and their
// ids, 0 to n - 1 in any order. merges.txt is a line `#version: …`, which may be missing, and a merge a line,
// its two tokens parted by a space. A token that is neither a byte nor what a merge joins is a special one.
struct BpeFiles {
  std::string vocabulary, merges;
};

// A byte order mark and lines that end in CRLF are read as if they were not there. Refused, with the token or
// the line: no tokens at all; a token or a merge that comes twice; ids with holes; a byte without a token;
// merges of or into what is no token or not spelled in the characters of bytes; lines that are not two
// tokens. `folder` is for errors.
Bpe parse_bpe(const BpeFiles& files, const std::filesystem::path& folder = {});
BpeFiles format_bpe(const Bpe& tokenizer);
Bpe load_bpe(const std::filesystem::path& folder);

// Learns merges. Texts may be added piece by piece; what is kept of them is how often each word comes.
class BpeTrainer {
 public:
  explicit BpeTrainer(std::vector<std::string> special_tokens = {"<|endoftext|>"});

  void add(std::string_view text);

  // A vocabulary of the 256 bytes, the merges, and the special tokens last, as GPT-2's. Each merge joins the
  // pair that comes most often, of equals the one whose left, then right token is the older. At most
  // `vocabulary_size` tokens: fewer where no pair comes twice any more. What is learnt depends on nothing but
  // the texts, in any order.
  Bpe train(std::int64_t vocabulary_size) const;

 private:
  std::vector<std::string> special_tokens_;
  SpecialTokens special_;
  TextMap<std::int64_t> counts_;  // of pieces
};

}  // namespace gradus::data
