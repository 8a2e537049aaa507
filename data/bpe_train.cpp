#include <algorithm>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/bpe.h>
#include <gradus/data/byte_characters.h>
#include <gradus/data/pair_joiner.h>
#include <gradus/data/pre_split.h>

namespace gradus::data {

BpeTrainer::BpeTrainer(std::vector<std::string> special_tokens)
    : special_tokens_(std::move(special_tokens)), special_(special_tokens_) {}

void BpeTrainer::add(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Found special = special_.find(text, at);
    while (at < special.begin) {
      const std::size_t end = piece_end(text.substr(0, special.begin), at);
      count(counts_, text.substr(at, end - at));
      at = end;
    }
    at = special.end;
  }
}

Bpe BpeTrainer::train(std::int64_t vocabulary_size) const {
  check(!counts_.empty(), "bpe", "there is no text to learn from. Add one before training");
  const std::int64_t least = 256 + static_cast<std::int64_t>(special_tokens_.size());
  check(vocabulary_size >= least, "bpe", "a vocabulary of ", vocabulary_size,
        " has no room for the 256 bytes and ", special_tokens_.size(), " special tokens. ", least,
        " or more?");
  std::vector<std::string> tokens;
  std::array<std::int32_t, 256> byte_ids{};
  for (const unsigned char byte : bytes_by_character()) {
    byte_ids[byte] = static_cast<std::int32_t>(tokens.size());
    tokens.push_back(character_of(byte));
  }
  PairJoiner pieces;
  std::vector<std::int32_t> ids;
  for (const auto& [piece, count] : counts_) {  // their order changes no count
    ids.clear();
    for (const char byte : piece) ids.push_back(byte_ids[static_cast<unsigned char>(byte)]);
    pieces.add(ids, count);
  }
  std::vector<Bpe::Merge> merges;
  const auto room = static_cast<std::size_t>(vocabulary_size) - special_tokens_.size();
  while (tokens.size() < room && pieces.find_best()) {
    const auto [left, right] = pieces.best();
    merges.push_back({left, right});
    pieces.join_best(static_cast<std::int32_t>(tokens.size()));
    tokens.push_back(tokens[static_cast<std::size_t>(left)] + tokens[static_cast<std::size_t>(right)]);
  }
  for (const std::string& token : special_tokens_) {
    check(std::find(tokens.begin(), tokens.end(), token) == tokens.end(), "bpe", "the special token '", token,
          "' is spelled as another token is. Put it in brackets?");
    tokens.push_back(token);
  }
  return {Vocabulary(std::move(tokens)), std::move(merges)};
}

}  // namespace gradus::data
