// What the program prints.
#pragma once

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include <gradus/core/io/json.h>

namespace gradus::cli {

// snprintf into a string, of at most 200 bytes.
std::string printed(const char* format, auto... values) {
  char text[200];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// "1 token", "2 tokens"
inline std::string counted(std::int64_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

// A line on standard output, at once.
inline void print_json(const Json& line) { std::cout << format_json(line) << std::endl; }

// The text with U+FFFD in the place of each byte that is not UTF-8, as tokens of bytes may leave them.
inline std::string valid_utf8(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t good = valid_utf8_prefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    valid += "\uFFFD";
    text.remove_prefix(1);
  }
  return valid;
}

}  // namespace gradus::cli
