#include <gradus/data/unicode.h>

#include <array>
#include <fstream>
#include <map>
#include <vector>

#include <gradus/core/io/json.h>
#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

constexpr char32_t last_code_point = 0x10ffff;

bool is_surrogate(char32_t c) { return c >= 0xd800 && c <= 0xdfff; }

std::string utf8(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

// What golden/make_unicode.py wrote.
struct Golden {
  std::vector<std::string> classes =
      std::vector<std::string>(last_code_point + 1);  // of each code point, or ""
  std::map<std::string, std::uint64_t> hashes;

  Golden() {
    std::ifstream in(GRADUS_SOURCE_DIR "/tests/data/golden/unicode.txt");
    for (std::string first, second, kind; in >> first >> second;) {
      if (first == "decomposed" || first == "lower") {
        hashes[first] = std::stoull(second, nullptr, 16);
      } else {
        in >> kind;
        for (auto c = std::stoul(first, nullptr, 16); c <= std::stoul(second, nullptr, 16); ++c)
          classes[c] = kind;
      }
    }
  }
};
const Golden& golden() {
  static const Golden read;
  return read;
}

template <class F>
std::uint64_t hash_of_all(const F& form) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char32_t c = 0; c <= last_code_point; ++c)
    if (!golden().classes[c].empty())
      for (const char byte : utf8(c) + form(c))
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

}  // namespace

TEST_CASE("characters are of the classes that another Unicode database names", "[data][unicode]") {
  std::map<std::string, int> known, wrong;
  for (char32_t c = 0; c <= last_code_point; ++c) {
    const std::string& kind = golden().classes[c];
    if (kind.empty()) continue;  // it may be newer than that database
    ++known[kind.substr(0, 1)];
    const bool right = is_letter(c) == (kind == "L") && is_number(c) == (kind == "N") &&
                       is_mark(c) == (kind[0] == 'M') && is_nonspacing_mark(c) == (kind == "Mn") &&
                       is_punctuation(c) == (kind == "P") && is_symbol(c) == (kind == "S") &&
                       is_space_separator(c) == (kind == "Zs") && !is_other(c);
    if (!right) ++wrong[kind];
  }
  CHECK(known.size() == 6);
  CHECK(known["L"] > 130000);
  CHECK(wrong.empty());
}

TEST_CASE("controls, surrogates and private characters are of no other class", "[data][unicode]") {
  for (const char32_t c :
       {0x0, 0x9, 0x1f, 0x7f, 0x9f, 0xad, 0x200d, 0xd800, 0xdfff, 0xe000, 0xfeff, 0xffff, 0x10ffff}) {
    CAPTURE(static_cast<std::uint32_t>(c));
    CHECK(is_other(c));
    CHECK_FALSE((is_letter(c) || is_number(c) || is_mark(c) || is_punctuation(c) || is_symbol(c)));
    CHECK_FALSE(is_space_separator(c));
  }
}

TEST_CASE("white space is what Unicode's White_Space lists", "[data][unicode]") {
  const std::vector<char32_t> listed{0x9,    0xa,    0xb,    0xc,    0xd,    0x20,   0x85,   0xa0,   0x1680,
                                     0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008,
                                     0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
  std::vector<char32_t> found;
  for (char32_t c = 0; c <= last_code_point; ++c)
    if (is_white_space(c)) found.push_back(c);
  CHECK(found == listed);
}

TEST_CASE("lower case and decomposition are those of another Unicode database", "[data][unicode]") {
  CHECK(to_lower(U'Ä') == U'ä');
  CHECK(to_lower(U'Σ') == U'σ');
  CHECK(to_lower(0x130) == U'i');
  CHECK(to_lower(U'ß') == U'ß');
  CHECK(to_lower(U'中') == U'中');
  CHECK(decomposed("é") == "e\u0301");
  CHECK(decomposed("각") == "\u1100\u1161\u11a8");
  CHECK(decomposed("ﬁ") == "ﬁ");                          // compatibility only
  CHECK(decomposed("a\u0301\u0323") == "a\u0323\u0301");  // the mark below comes first
  CHECK(decomposed(std::string_view("a\0b", 3)).size() == 3);
  CHECK(hash_of_all([](char32_t c) { return utf8(to_lower(c)); }) == golden().hashes.at("lower"));
  CHECK(hash_of_all([](char32_t c) { return decomposed(utf8(c)); }) == golden().hashes.at("decomposed"));
  CHECK(message_of([] { decomposed("\xff"); }) ==
        "[unicode] cannot decompose the text: Invalid UTF-8 string");
}

TEST_CASE("every character is read as it was written", "[data][unicode]") {
  int wrong = 0;
  for (char32_t c = 0; c <= last_code_point; ++c) {
    if (is_surrogate(c)) continue;
    const std::string text = utf8(c);
    const CodePoint read = code_point_at("<" + text + ">", 1);
    if (read.value != c || read.size != text.size() || !read.valid) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(utf8(U'é') == "é");
  CHECK(utf8(U'😀') == "😀");
  CHECK(message_of([] { utf8(0xd800); }) == "[unicode] U+d800 is no character that UTF-8 can write");
  CHECK(message_of([] { utf8(0x110000); }) == "[unicode] U+110000 is no character that UTF-8 can write");
}

TEST_CASE("what is not UTF-8 is replaced in the pieces that Unicode recommends", "[data][unicode]") {
  const auto sizes = [](std::string_view text) {
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < text.size(); at += found.back()) {
      const CodePoint c = code_point_at(text, at);
      CHECK(c.valid == (c.value != replacement_character));
      found.push_back(c.size);
    }
    return found;
  };
  using Sizes = std::vector<std::size_t>;
  // The Unicode standard 15.0, chapter 3, tables 3-8 to 3-11: maximal subparts.
  CHECK(sizes("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41") == Sizes(9, 1));
  CHECK(sizes("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41") == Sizes(9, 1));
  CHECK(sizes("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42") == Sizes(9, 1));
  CHECK(sizes("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41") == Sizes{2, 1, 3, 2, 1});
  CHECK(sizes("\xe2\x82") == Sizes{2});
  CHECK(code_point_at("\xef\xbf\xbd", 0).valid);  // U+FFFD itself is a character
}

TEST_CASE("random bytes are UTF-8 where the JSON reader's own check says so", "[data][unicode]") {
  Random random(4, 0);
  int valid = 0;
  const std::array<unsigned char, 12> bytes{'a',  0x7f, 0x80, 0x9f, 0xa0, 0xbf,
                                            0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff};
  for (int i = 0; i < 100000; ++i) {
    std::string text;
    for (std::int64_t left = 1 + random.below(4); left > 0; --left)
      text += static_cast<char>(random.pick(bytes));
    std::size_t at = 0;
    while (at < text.size() && code_point_at(text, at).valid) at += code_point_at(text, at).size;
    if (at == text.size()) ++valid;
    REQUIRE(at == valid_utf8_prefix(text));
  }
  CHECK(valid > 5000);
}
