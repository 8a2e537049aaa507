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

// f(c) for each code point of the text.
template <class F>
void for_each_code_point(std::string_view text, const F& f) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = code_point_at(text, at);
    f(c.value);
    at += c.size;
  }
}

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
bool is_unassigned(char32_t c);       // Cn
bool is_white_space(char32_t c);      // the property White_Space, a regular expression's \s

// A capital sigma at the end of a word has a lower case of its own. Whether it stands there is decided by the
// next character on either side that is not ignorable: it has case, or the word ends.
bool is_case_ignorable(char32_t c);  // the property Case_Ignorable: marks, formats, apostrophes, …
bool is_cased(char32_t c);           // the property Cased, of characters that are not ignorable

char32_t to_lower(char32_t c);  // the simple mapping: one for one

// Canonical decomposition (NFD): é becomes e and a combining acute. Valid UTF-8 only.
std::string decomposed(std::string_view text);

}  // namespace gradus::data
