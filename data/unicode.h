// Characters of Unicode in UTF-8: one at a time, what they are, and their simpler forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::data {

constexpr char32_t replacement_character = 0xfffd;

struct CodePoint {
  char32_t value;
  std::size_t size;  // in bytes; of what is not UTF-8, as many as could have begun a character, at least one
  bool valid;
};

// The code point at byte `at` of the text. What is not UTF-8 is the replacement character, not valid.
CodePoint code_point_at(std::string_view text, std::size_t at);

void append_utf8(std::string& text, char32_t c);

// General categories, by the letter they begin with or in full.
bool is_letter(char32_t c);           // L
bool is_number(char32_t c);           // N
bool is_mark(char32_t c);             // M
bool is_nonspacing_mark(char32_t c);  // Mn
bool is_punctuation(char32_t c);      // P
bool is_symbol(char32_t c);           // S
bool is_other(char32_t c);            // C: controls, formats, surrogates, private, unassigned
bool is_space_separator(char32_t c);  // Zs
bool is_white_space(char32_t c);      // the property White_Space, a regular expression's \s

char32_t to_lower(char32_t c);  // the simple mapping: one for one

// Canonical decomposition (NFD): é becomes e and a combining acute. Valid UTF-8 only.
std::string decomposed(std::string_view text);

}  // namespace gradus::data
