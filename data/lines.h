// A text file as somebody wrote it: with a byte order mark in front or without, its lines ending in LF or
// CRLF.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace gradus::data {

inline std::string_view without_byte_order_mark(std::string_view text) {
  return text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text;
}

// f(line, its number from 1), without what ends it; behind the last end there is no further line.
template <class F>
void for_each_line(std::string_view text, const F& f) {
  std::string_view left = without_byte_order_mark(text);
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    f(line, number);
  }
}

}  // namespace gradus::data
