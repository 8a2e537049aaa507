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

// A line without the LF, or CRLF, that it ends in.
inline std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// f(line, its number from 1), without what ends it; behind the last end there is no further line.
template <class F>
void for_each_line(std::string_view text, const F& f) {
  std::string_view left = without_byte_order_mark(text);
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::string_view line = left.substr(0, std::min(left.find('\n'), left.size() - 1) + 1);
    left.remove_prefix(line.size());
    f(without_line_end(line), number);
  }
}

}  // namespace gradus::data
