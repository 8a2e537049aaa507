// From texts to values, asked by any piece of a text without making a string of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gradus::data {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

// One more of a text.
inline void count(TextMap<std::int64_t>& counts, std::string_view text) {
  const auto known = counts.find(text);
  ++(known != counts.end() ? known : counts.emplace(text, 0).first)->second;
}

}  // namespace gradus::data
