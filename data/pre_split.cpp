#include <gradus/data/pre_split.h>

#include <gradus/data/unicode.h>

namespace gradus::data {
namespace {

enum class Kind { letter, number, space, other, end };

struct Character {
  Kind kind;
  std::size_t size;
};

Kind kind_of(char32_t c) {
  if (c < 0x80) {
    const char32_t lower = c | 0x20;
    if ('a' <= lower && lower <= 'z') return Kind::letter;
    if ('0' <= c && c <= '9') return Kind::number;
    return c == ' ' || ('\t' <= c && c <= '\r') ? Kind::space : Kind::other;
  }
  if (is_letter(c)) return Kind::letter;
  if (is_number(c)) return Kind::number;
  return is_white_space(c) ? Kind::space : Kind::other;
}

Character character_at(std::string_view text, std::size_t at) {
  if (at == text.size()) return {Kind::end, 0};
  const CodePoint c = code_point_at(text, at);
  return {kind_of(c.value), c.size};
}

// From the character at `begin` on, the end of its like.
std::size_t run_end(std::string_view text, std::size_t begin) {
  const Character first = character_at(text, begin);
  std::size_t end = begin;
  for (Character next = first; next.kind == first.kind && next.kind != Kind::end;
       next = character_at(text, end))
    end += next.size;
  return end;
}

constexpr std::string_view contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

}  // namespace

std::size_t piece_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    for (const std::string_view ending : contractions)
      if (text.substr(begin).starts_with(ending)) return begin + ending.size();
  }
  std::size_t last = begin, end = begin;  // where the last character of white space begins, and where it ends
  for (Character next = character_at(text, begin); next.kind == Kind::space; next = character_at(text, end)) {
    last = end;
    end += next.size;
  }
  if (end == begin || (last == begin && text[begin] == ' ')) return run_end(text, end);
  return last == begin || end == text.size() ? end : last;
}

}  // namespace gradus::data
