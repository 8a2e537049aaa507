// Tokens that stand for what no text says, such as <|endoftext|> or [MASK], spelled out in a text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/vocabulary.h>

namespace gradus::data {

class SpecialTokens {
 public:
  SpecialTokens() = default;
  // Each token's spelling, which is not empty, and its id.
  explicit SpecialTokens(std::map<std::string, std::int64_t, std::less<>> ids);
  // Of the names those that are tokens of the vocabulary.
  SpecialTokens(const Vocabulary& vocabulary, const std::vector<std::string>& names);
  // Numbered from 0 on. Refuses one that is named twice.
  explicit SpecialTokens(const std::vector<std::string>& names);

  struct Found {
    std::size_t begin, end;  // its bytes in the text
    std::int64_t id;
  };
  // The first in the text from byte `from` on; of those that begin there the longest. Where there is none, it
  // begins and ends at the text's end.
  Found find(std::string_view text, std::size_t from) const;

  // In the order of their spelling.
  const std::map<std::string, std::int64_t, std::less<>>& ids() const { return ids_; }

 private:
  std::map<std::string, std::int64_t, std::less<>> ids_;
  std::vector<std::size_t> lengths_;   // of the spellings, the longest first
  std::array<bool, 256> may_begin_{};  // whether one begins with this byte
};

}  // namespace gradus::data
