#include <gradus/data/byte_characters.h>

#include <algorithm>

#include <gradus/data/unicode.h>

namespace gradus::data {
namespace {

constexpr char32_t first_stand_in = 0x100;
constexpr std::size_t stand_ins = 68;

constexpr bool is_visible(char32_t c) {
  return ('!' <= c && c <= '~') || (0xa1 <= c && c <= 0xff && c != 0xad);  // U+00AD is the soft hyphen
}

struct Table {
  std::array<std::string, 256> characters;
  std::array<unsigned char, 256> by_character{};
  std::array<unsigned char, first_stand_in + stand_ins> bytes{};  // of the characters that stand for one

  Table() {
    std::size_t visible = 0, other = 256 - stand_ins;
    char32_t next = first_stand_in;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const char32_t character = is_visible(byte) ? byte : next++;
      append_utf8(characters[byte], character);
      bytes[character] = static_cast<unsigned char>(byte);
      by_character[is_visible(byte) ? visible++ : other++] = static_cast<unsigned char>(byte);
    }
  }
};

const Table& table() {
  static const Table made;
  return made;
}

}  // namespace

const std::string& character_of(unsigned char byte) { return table().characters[byte]; }

const std::array<unsigned char, 256>& bytes_by_character() { return table().by_character; }

std::optional<std::string> bytes_of_characters(std::string_view spelled) {
  std::string bytes;
  for (std::size_t at = 0; at < spelled.size();) {
    const CodePoint c = code_point_at(spelled, at);
    const bool stand_in = first_stand_in <= c.value && c.value < first_stand_in + stand_ins;
    if (!stand_in && !is_visible(c.value)) return std::nullopt;
    bytes += static_cast<char>(table().bytes[c.value]);
    at += c.size;
  }
  return bytes;
}

}  // namespace gradus::data
