#include <gradus/data/split_words.h>

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/unicode.h>

#include "support/catch.h"
#include "support/random_text.h"

using namespace gradus;
using namespace gradus::data;

namespace {

using Strings = std::vector<std::string>;

const std::string golden = GRADUS_SOURCE_DIR "/tests/data/golden/";
const SpecialTokens no_special;

Strings words(const std::string& text, Letters letters, std::int64_t longest = INT64_MAX) {
  Strings found;
  split_words(text, {letters, longest}, no_special, [&](const Word& word) { found.emplace_back(word.text); });
  return found;
}

void hash(std::uint64_t& state, const Strings& words) {
  for (const std::string& word : words)
    for (const char byte : word + "\n") state = (state ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
}

// Where a character ends, and the text's begin.
std::vector<bool> boundaries_of(const std::string& text) {
  std::vector<bool> boundaries(text.size() + 1);
  for (std::size_t at = 0; at < text.size(); at += code_point_at(text, at).size) boundaries[at] = true;
  boundaries[text.size()] = true;
  return boundaries;
}

}  // namespace

TEST_CASE("words are those of BERT's rules, for every character of Unicode 14", "[data][words]") {
  using Hashes = std::pair<std::uint64_t, std::uint64_t>;
  std::map<std::uint32_t, Hashes> found, expected;
  std::ifstream ranges(golden + "unicode.txt"), blocks(golden + "split_words.txt");
  for (std::string first, last, kind; ranges >> first >> last;) {
    if (first == "decomposed" || first == "lower") continue;
    ranges >> kind;
    for (auto c = std::stoul(first, nullptr, 16); c <= std::stoul(last, nullptr, 16); ++c) {
      std::string x;
      append_utf8(x, static_cast<char32_t>(c));
      const std::string text =
          x + "a a" + x + "b A" + x + " ΑΣ" + x + "α α" + x + "Σ. e\u0323" + x + "\u0301x";
      auto& [lower, kept] =
          found.emplace(c >> 12, Hashes(0xcbf29ce484222325, 0xcbf29ce484222325)).first->second;
      hash(lower, words(text, Letters::lower_case_without_accents));
      hash(kept, words(text, Letters::kept));
    }
  }
  for (std::string block, lower, kept; blocks >> block >> lower >> kept;)
    expected[static_cast<std::uint32_t>(std::stoul(block, nullptr, 16))] = {std::stoull(lower, nullptr, 16),
                                                                            std::stoull(kept, nullptr, 16)};
  CHECK(expected.size() > 40);
  CHECK(found == expected);
}

TEST_CASE("controls, private characters and what is not UTF-8 are taken out of words", "[data][words]") {
  CHECK(words("a\u00adb c\x01\x7f"
              "d \ue000 e\xff"
              "f \xe2\x82 \ufffdg\ufeff h\x0bi",
              Letters::kept) == Strings{"ab", "cd", "ef", "g", "hi"});
  CHECK(words(std::string("a\0b", 3), Letters::kept) == Strings{"ab"});
  CHECK(words("a\u0378b", Letters::kept) == Strings{"a\u0378b"});  // not assigned: it may be a letter one day
}

TEST_CASE("letters are lower-cased with their accents or without", "[data][words]") {
  CHECK(words("Élan ÀΣ İ", Letters::kept) == Strings{"Élan", "ÀΣ", "İ"});
  CHECK(words("Élan ÀΣ İ", Letters::lower_case) == Strings{"élan", "àς", "i"});
  CHECK(words("Élan ÀΣ İ", Letters::lower_case_without_accents) == Strings{"elan", "aς", "i"});
}

TEST_CASE("words come with the bytes that they were made of", "[data][words]") {
  const std::string text = "Ée\u0301\u00adx,각中";
  std::string found;
  split_words(text, {Letters::lower_case_without_accents, INT64_MAX}, no_special, [&](const Word& word) {
    found.append(word.text) += ' ';
    for (const Span& origin : word.origins)
      found += std::to_string(origin.begin) + "-" + std::to_string(origin.end) + " ";
  });
  CHECK(found ==
        "eex 0-2 2-5 7-8 , 8-9 \u1100\u1161\u11a8 9-12 9-12 9-12 9-12 9-12 9-12 9-12 9-12 9-12 中 "
        "12-15 12-15 12-15 ");
}

TEST_CASE("of a word that is too long so many characters are kept, and where it stands", "[data][words]") {
  for (const std::string letter : {"a", "é"}) {
    std::string text = " ";
    for (int i = 0; i < 1000; ++i) text += letter;
    int found = 0;
    split_words(text + "!", {Letters::kept, 10}, no_special, [&](const Word& word) {
      if (found++ > 0) return;
      CHECK(word.characters == 1000);
      CHECK(word.text == text.substr(1, 10 * letter.size()));
      CHECK(word.origin == Span{1, static_cast<std::int64_t>(text.size())});
    });
    CHECK(found == 2);
  }
}

TEST_CASE("of any bytes, words stand in order and on characters, and are what stands there",
          "[data][words]") {
  const SpecialTokens special(Strings{"[MASK]"});
  const Strings pieces{"a",  "B",  " ", ".",      "é",      "e\u0301", "\u0323",
                       "각", "中", "Σ", "\u00ad", "[MASK]", "\u3000"};
  Random random(21, 0);
  int seen = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = test::random_text(random, pieces, true);
    const std::vector<bool> boundaries = boundaries_of(text);
    const bool kept = random.chance(0.5);
    Span last{0, 0};
    split_words(
        text, {kept ? Letters::kept : Letters::lower_case_without_accents, INT64_MAX}, special,
        [&](const Word& word) {
          ++seen;
          // A character and its marks may become several words, as U+226E does.
          REQUIRE((word.origin.begin >= last.begin && word.origin.end >= last.end));
          REQUIRE(word.origin.end > word.origin.begin);
          REQUIRE((!kept || word.origin.begin >= last.end));
          last = word.origin;
          REQUIRE(word.origin.end <= static_cast<std::int64_t>(text.size()));
          const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
          REQUIRE((boundaries[at(word.origin.begin)] && boundaries[at(word.origin.end)]));
          REQUIRE(word.origins.size() == word.text.size());
          if (word.special >= 0) {
            REQUIRE(text.substr(at(word.origin.begin), 6) == "[MASK]");
            return;
          }
          REQUIRE((word.origins.front().begin == word.origin.begin &&
                   word.origins.back().end == word.origin.end));
          for (std::size_t i = 0; i < word.origins.size(); ++i) {
            const auto [begin, end] = word.origins[i];
            REQUIRE((boundaries[at(begin)] && boundaries[at(end)]));
            if (i > 0) REQUIRE((begin >= word.origins[i - 1].begin && end >= word.origins[i - 1].end));
            if (kept)
              REQUIRE(text.substr(at(begin), at(end - begin)).find(word.text[i]) != std::string::npos);
          }
        });
  }
  CHECK(seen > 10000);
}
