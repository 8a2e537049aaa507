#include <utf8proc.h>

#include <gradus/data/unicode.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

utf8proc_category_t category(char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool between(char32_t c, utf8proc_category_t first, utf8proc_category_t last) {
  const utf8proc_category_t is = category(c);
  return first <= is && is <= last;
}

CodePoint invalid(std::size_t size) { return {replacement_character, size, false}; }

}  // namespace

// The Unicode standard's table 3-7: which second bytes each first byte may have. A third and a fourth are
// 80 to bf.
CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xc2 || first > 0xf4) return invalid(1);
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  char32_t value = first & (0xffU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i, low = 0x80, high = 0xbf) {
    if (at + i >= text.size() || byte(i) < low || byte(i) > high) return invalid(i);
    value = value << 6 | (byte(i) & 0x3f);
  }
  return {value, size, true};
}

void append_utf8(std::string& text, char32_t c) {
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
    char name[16];
    std::snprintf(name, sizeof name, "U+%x", static_cast<unsigned>(c));
    fail("unicode", name, " is no character that UTF-8 can write");
  }
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

bool is_letter(char32_t c) { return between(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO); }
bool is_mark(char32_t c) { return between(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }
bool is_nonspacing_mark(char32_t c) { return category(c) == UTF8PROC_CATEGORY_MN; }
bool is_number(char32_t c) { return between(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }
bool is_punctuation(char32_t c) { return between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO); }
bool is_symbol(char32_t c) { return between(c, UTF8PROC_CATEGORY_SM, UTF8PROC_CATEGORY_SO); }
bool is_space_separator(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ZS; }
bool is_other(char32_t c) {
  return category(c) == UTF8PROC_CATEGORY_CN || between(c, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO);
}
bool is_unassigned(char32_t c) { return category(c) == UTF8PROC_CATEGORY_CN; }
bool is_white_space(char32_t c) {
  return (c >= '\t' && c <= '\r') || c == 0x85 || between(c, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_case_ignorable(char32_t c) {
  // Those whose Word_Break is MidLetter, MidNumLet or Single_Quote, beside five categories.
  constexpr std::u32string_view inside_words =
      U"'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return inside_words.find(c) != std::u32string_view::npos;
  }
}

bool is_cased(char32_t c) {
  const auto from_to = [c](char32_t first, char32_t last) { return first <= c && c <= last; };
  return between(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LT) || c == U'ª' || c == U'º' ||
         from_to(0x2160, 0x217f) ||                               // ordinals, Roman numerals
         from_to(0x24b6, 0x24e9) || from_to(0x1f130, 0x1f149) ||  // letters in circles, squares,
         from_to(0x1f150, 0x1f169) || from_to(0x1f170, 0x1f189);  // white on black
}

char32_t to_lower(char32_t c) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c)));
}

std::string decomposed(std::string_view text) {
  utf8proc_uint8_t* bytes = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
      &bytes, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> freed(bytes, &std::free);
  check(size >= 0, "unicode", "cannot decompose the text: ", utf8proc_errmsg(size));
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

}  // namespace gradus::data
