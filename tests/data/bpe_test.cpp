#include <gradus/data/bpe.h>

#include <algorithm>
#include <map>
#include <utility>

#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/random.h>
#include <gradus/data/unicode.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/data/golden/bpe/";
const std::vector<std::string> golden_special{"<|endoftext|>", "<|end", "【詩】"};

using Strings = std::vector<std::string>;
using Ids = std::vector<std::int64_t>;

Bpe trained(const Strings& texts, std::int64_t size, const Strings& special = {"<|endoftext|>"}) {
  BpeTrainer trainer(special);
  for (const std::string& text : texts) trainer.add(text);
  return trainer.train(size);
}

// The rule of pre_split.h, alternative after alternative, on the text's characters; the number of those
// matched.
std::size_t matched(const std::vector<CodePoint>& text, std::size_t at) {
  const auto is = [&](const std::string& kind, std::size_t i) {
    if (i >= text.size()) return false;
    const char32_t c = text[i].value;
    const bool letter = is_letter(c), number = is_number(c), space = is_white_space(c);
    return kind == "L" ? letter : kind == "N" ? number : kind == "S" ? space : !letter && !number && !space;
  };
  const auto run = [&](const std::string& kind, std::size_t from) {
    std::size_t length = 0;
    while (is(kind, from + length)) ++length;
    return length;
  };
  for (const std::u32string ending : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
    std::size_t same = 0;
    while (same < ending.size() && at + same < text.size() && text[at + same].value == ending[same]) ++same;
    if (same == ending.size()) return same;
  }
  for (const char* kind : {"L", "N", "other"}) {
    if (text[at].value == U' ' && run(kind, at + 1) > 0) return 1 + run(kind, at + 1);
    if (run(kind, at) > 0) return run(kind, at);
  }
  const std::size_t spaces = run("S", at);
  for (std::size_t length = spaces; length > 0; --length)
    if (at + length == text.size() || is("S", at + length)) return length;
  return spaces;
}

Strings pieces_of(const std::string& text) {
  std::vector<CodePoint> characters;
  for (std::size_t at = 0; at < text.size(); at += characters.back().size)
    characters.push_back(code_point_at(text, at));
  Strings pieces;
  for (std::size_t at = 0, byte = 0; at < characters.size();) {
    std::size_t size = 0;
    for (std::size_t left = matched(characters, at); left > 0; --left) size += characters[at++].size;
    pieces.push_back(text.substr(byte, size));
    byte += size;
  }
  return pieces;
}

using Pair = std::pair<std::string, std::string>;

// Tokens by the definition: of all pairs the earliest merge's, joined from left to right, then again.
Strings merged(const std::string& piece, const std::map<Pair, std::size_t>& ranks) {
  Strings parts;
  for (const char byte : piece) parts.push_back(std::string(1, byte));
  while (true) {
    auto earliest = ranks.end();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found != ranks.end() && (earliest == ranks.end() || found->second < earliest->second))
        earliest = found;
    }
    if (earliest == ranks.end()) return parts;
    Strings joined;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i + 1 < parts.size() && Pair(parts[i], parts[i + 1]) == earliest->first) {
        joined.push_back(parts[i] + parts[i + 1]);
        ++i;
      } else {
        joined.push_back(parts[i]);
      }
    }
    parts = joined;
  }
}

std::map<Pair, std::size_t> ranks_of(const Bpe& bpe) {
  std::map<Pair, std::size_t> ranks;
  for (const auto& [left, right] : bpe.merges())
    ranks.emplace(Pair(bpe.decode(Ids{left}), bpe.decode(Ids{right})), ranks.size());
  return ranks;
}

// A text without special tokens, encoded by the definition.
Strings tokens_by_definition(const std::string& text, const Bpe& bpe) {
  Strings tokens;
  const auto ranks = ranks_of(bpe);
  for (const std::string& piece : pieces_of(text))
    for (const std::string& token : merged(piece, ranks)) tokens.push_back(token);
  return tokens;
}

Strings tokens_of(const Bpe& bpe, const Ids& ids) {
  Strings tokens;
  for (const std::int64_t id : ids) tokens.push_back(bpe.decode(Ids{id}));
  return tokens;
}

// The spans stand one behind the other for all of the text, each for the bytes of its token; and so it comes
// back.
void check_lossless(const Bpe& bpe, const std::string& text) {
  const Encoding encoding = bpe.encode(text);
  REQUIRE(encoding.spans.size() == encoding.ids.size());
  std::int64_t end = 0;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const Span& span = encoding.spans[i];
    REQUIRE((span.begin == end && span.end > span.begin));
    end = span.end;
    REQUIRE(text.substr(static_cast<std::size_t>(span.begin), static_cast<std::size_t>(end - span.begin)) ==
            bpe.decode(Ids{encoding.ids[i]}));
  }
  REQUIRE(end == static_cast<std::int64_t>(text.size()));
  REQUIRE(bpe.decode(encoding.ids) == text);
}

const Strings tricky{" ",    " ",       "  ",   "\n",   "\t",     "\r\n",   "\u00a0",   "\u0085", "'",
                     "'s",   "'t",      "'re",  "ve",   "ll",     "'d",     "the",      "a",      "ab",
                     "é",    "e\u0301", "ß",    "час",  "钟",     "12",     "½",        ".",      "!?",
                     "\xff", "\xe2",    "\x80", "\xc3", "\ufeff", "\u200d", "👍🏽", "\u3000", "_"};

std::string random_text(Random& random, std::int64_t pieces) {
  std::string text;
  for (; pieces > 0; --pieces) text += random.pick(tricky);
  return text;
}

// Merges by the definition: of all pairs in all pieces the most frequent, of equals the one of older tokens.
std::vector<Bpe::Merge> merges_by_recounting(const Strings& texts, std::size_t wanted, const Bpe& bytes) {
  std::vector<Ids> pieces;
  for (const std::string& text : texts)
    for (const std::string& piece : pieces_of(text)) {
      pieces.emplace_back();
      for (const char byte : piece) pieces.back().push_back(bytes.encode(std::string(1, byte)).ids.at(0));
    }
  std::vector<Bpe::Merge> merges;
  while (merges.size() < wanted) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> counts;  // in the order of their tokens
    for (const Ids& piece : pieces)
      for (std::size_t i = 0; i + 1 < piece.size(); ++i) ++counts[{piece[i], piece[i + 1]}];
    const auto best = std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) {
      return a.second < b.second;  // of equals it finds the first
    });
    if (best == counts.end() || best->second < 2) return merges;
    const auto [left, right] = best->first;
    for (Ids& piece : pieces)
      for (std::size_t i = 0; i + 1 < piece.size(); ++i)
        if (piece[i] == left && piece[i + 1] == right) {
          piece[i] = 256 + static_cast<std::int64_t>(merges.size());
          piece.erase(piece.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        }
    merges.push_back({left, right});
  }
  return merges;
}

}  // namespace

TEST_CASE("BPE gives the ids that two other implementations give", "[data][bpe]") {
  const Bpe bpe = load_bpe(golden);
  const Json expected = parse_json(read_file(golden + "expected.json"));
  CHECK(expected.array().size() > 400);
  for (const Json& entry : expected.array()) {
    const std::string& text = entry.at("text").text();
    CAPTURE(text);
    Ids ids;
    for (const Json& id : entry.at("ids").array()) ids.push_back(id.integer());
    CHECK(bpe.encode(text).ids == ids);
    check_lossless(bpe, text);
  }
}

TEST_CASE("BPE learns the same vocabulary each time, the one that is kept", "[data][bpe]") {
  const std::string text = read_file(golden + "text.txt");
  const BpeFiles files = format_bpe(trained({text}, 759, golden_special));
  CHECK(files.vocabulary == read_file(golden + "vocab.json"));
  CHECK(files.merges == read_file(golden + "merges.txt"));
}

TEST_CASE("BPE training is recounting all pairs after each merge", "[data][bpe]") {
  const Bpe bytes = trained({"x"}, 256, {});
  Random random(11, 0);
  const Strings few{"a", "b", "a", " ", "aa"};
  for (int round = 0; round < 60; ++round) {
    Strings texts(static_cast<std::size_t>(1 + random.below(3)));
    for (std::string& text : texts) {
      text = random_text(random, random.below(60));
      for (std::int64_t left = random.below(200); left > 0; --left) text += random.pick(few);
    }
    const auto expected = merges_by_recounting(texts, 40, bytes);
    texts.push_back("x");  // not empty, whatever came
    REQUIRE(trained(texts, 256 + 40, {}).merges() == expected);
    std::reverse(texts.begin(), texts.end());
    REQUIRE(trained(texts, 256 + 40, {}).merges() == expected);
  }
}

TEST_CASE("a trained vocabulary has bytes, merges and special tokens, in this order", "[data][bpe]") {
  const Bpe bpe = trained({"low low low lower lower<|endoftext|>low"}, 261);
  CHECK(bpe.vocabulary().size() == 261);
  const Strings& tokens = bpe.vocabulary().tokens();
  CHECK(Strings(tokens.begin(), tokens.begin() + 3) == Strings{"!", "\"", "#"});
  CHECK(tokens[188] == "Ā");
  CHECK(Strings(tokens.begin() + 256, tokens.end()) == Strings{"lo", "low", "Ġlow", "er", "<|endoftext|>"});
  // Where no pair comes twice, it ends before.
  CHECK(trained({"abc abd"}, 1000).vocabulary().size() == 256 + 1 + 1);
  CHECK(trained({"abc"}, 1000, {}).vocabulary().size() == 256);
  CHECK(trained({"abc abc"}, 256, {}).merges().empty());
}

TEST_CASE("texts may be added in parts", "[data][bpe]") {
  BpeTrainer whole, parts;
  whole.add("a low tower\nand a lower tower\n");
  for (const char* line : {"a low tower\n", "and a lower tower\n"}) parts.add(line);
  CHECK(format_bpe(whole.train(300)).merges == format_bpe(parts.train(300)).merges);
}

TEST_CASE("BPE encodes as its definition does, short words and long", "[data][bpe]") {
  Random random(12, 0);
  const Strings few{"a", "b", "c"};
  for (int round = 0; round < 40; ++round) {
    Strings texts{random_text(random, 200) + "x"};
    for (int i = 0; i < 300; ++i) texts[0] += random.pick(few);
    const Bpe bpe = trained(texts, 256 + random.below(80), {});
    std::string text = random_text(random, 60);
    for (int i = 0; i < 20; ++i) text += random.pick(few);
    REQUIRE(tokens_of(bpe, bpe.encode(text).ids) == tokens_by_definition(text, bpe));
    std::string word;
    for (std::int64_t left = 250 + random.below(round < 35 ? 15 : 2000); left > 0; --left)
      word += random.pick(few);
    REQUIRE(tokens_of(bpe, bpe.encode(word).ids) == tokens_by_definition(word, bpe));
  }
}

TEST_CASE("BPE keeps to the order of any merges: before those they need, or two that make one token",
          "[data][bpe]") {
  const BpeFiles bytes = format_bpe(trained({"x"}, 256, {}));
  Random random(13, 0);
  const Strings letters{"a", "a", "b"};
  for (int round = 0; round < 100; ++round) {
    Strings tokens = letters, lines;
    Json::Object ids = parse_json(bytes.vocabulary).object();
    while (lines.size() < 30) {
      const std::string left = random.pick(tokens), right = random.pick(tokens),
                        line = left + " " + right + "\n";
      if (left.size() + right.size() > 8 || std::find(lines.begin(), lines.end(), line) != lines.end())
        continue;
      lines.push_back(line);
      if (std::find(tokens.begin(), tokens.end(), left + right) != tokens.end()) continue;
      tokens.push_back(left + right);
      ids.emplace_back(left + right, static_cast<std::int64_t>(ids.size()));
    }
    random.shuffle(lines);
    std::string merges;
    for (const std::string& line : lines) merges += line;
    const Bpe bpe = parse_bpe({format_json(ids), merges});
    for (const std::int64_t size : {3, 12, 40, 256, 257, 400}) {
      std::string word;
      for (std::int64_t left = size; left > 0; --left) word += random.pick(letters);
      REQUIRE(tokens_of(bpe, bpe.encode(word).ids) == tokens_by_definition(word, bpe));
    }
  }

  // Both pairs (a, b) are joined before (ab, a) is, though that merge is the earlier: ab ab and not aba b.
  Json::Object ids = parse_json(bytes.vocabulary).object();
  ids.emplace_back("aba", 256), ids.emplace_back("ab", 257);
  const Bpe bpe = parse_bpe({format_json(ids), "ab a\na b\n"});
  CHECK(tokens_of(bpe, bpe.encode("abab").ids) == Strings{"ab", "ab"});
  CHECK(tokens_of(bpe, bpe.encode("aba").ids) == Strings{"aba"});
}

TEST_CASE("every text comes back from its ids, UTF-8 or not", "[data][bpe]") {
  const Bpe bpe = load_bpe(golden);
  Random random(14, 0);
  for (int round = 0; round < 300; ++round) {
    std::string bytes, characters;
    for (std::int64_t left = random.below(200); left > 0; --left) {
      bytes += static_cast<char>(random.below(256));
      const auto c = static_cast<char32_t>(random.below(0x110000));
      append_utf8(characters, c >= 0xd800 && c <= 0xdfff ? U'x' : c);
    }
    for (const std::string& text : {bytes, characters, random_text(random, 50)}) check_lossless(bpe, text);
  }
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  check_lossless(bpe, all);
  for (const char* text : {"", "<|endoftext|>", "a<|end", "<|endoftext|", "【詩】【詩", "\xe3\x80\x90\xe8"})
    check_lossless(bpe, text);
  for (const std::size_t size : {255, 256, 257, 100000}) check_lossless(bpe, std::string(size, 'a'));
}

TEST_CASE("bytes that are not UTF-8 are split as signs are", "[data][bpe]") {
  const Bpe bpe = trained({"x"}, 256, {});
  for (const std::string text : {"ab\xff\xff cd", "ab!! cd"}) CHECK(pieces_of(text).size() == 3);
  // Learnt is what stands in one piece: the pair ? \xff does, a \xff does not.
  CHECK(trained({"a\xff"
                 "a\xff"
                 "a\xff"},
                300, {})
            .merges()
            .empty());
  CHECK(trained({"?\xff?\xff?\xff"}, 257, {}).merges().size() == 1);
}

TEST_CASE("a special token in the text is that token, the longest that begins first", "[data][bpe]") {
  const Bpe bpe = trained({"the end the end"}, 300, {"<s>", "<s><s>", "[é]", "s>"});
  const auto tokens = [&](const std::string& text) { return tokens_of(bpe, bpe.encode(text).ids); };
  CHECK(tokens("<s>") == Strings{"<s>"});
  CHECK(tokens("<s><s><s>") == Strings{"<s><s>", "<s>"});
  CHECK(tokens("<<s>>") == Strings{"<", "<s>", ">"});
  CHECK(tokens("s>[é][e]") == Strings{"s>", "[é]", "[", "e", "]"});
  CHECK(bpe.vocabulary().token(bpe.encode("[é]").ids.at(0)) == "[é]");
  CHECK(bpe.encode("x[é]").spans == std::vector<Span>{{0, 1}, {1, 5}});
  // What stands before it ends there: two spaces are then one piece, and not a space and a word's beginning.
  CHECK(pieces_of("the  ") == Strings{"the", "  "});
  CHECK(tokens("the  <s>") == [&] {
    Strings all = tokens("the  ");
    all.push_back("<s>");
    return all;
  }());
  // Training learns nothing across it, nor from it.
  CHECK(trained({"a<s>b a<s>b <s> <s>"}, 300, {"<s>"}).merges().empty());
}

TEST_CASE("BPE training refuses what it cannot learn from", "[data][bpe][error]") {
  CHECK(message_of([] { BpeTrainer().train(1000); }) ==
        "[bpe] there is no text to learn from. Add one before training");
  CHECK(message_of([] {
          trained({"", "<|endoftext|>"}, 1000);
        }) == "[bpe] there is no text to learn from. Add one before training");
  CHECK(message_of([] { trained({"a"}, 256); }) ==
        "[bpe] a vocabulary of 256 has no room for the 256 bytes and 1 special tokens. 257 or more?");
  CHECK(message_of([] { trained({"a"}, -1, {}); }) ==
        "[bpe] a vocabulary of -1 has no room for the 256 bytes and 0 special tokens. 256 or more?");
  CHECK(message_of([] {
          BpeTrainer({"<s>", "</s>", "<s>"});
        }) == "[tokenizer] the special token '<s>' is named twice");
  CHECK(message_of([] {
          BpeTrainer({"<s>", ""});
        }) == "[tokenizer] token 1 is an empty text, which would stand everywhere");
  CHECK(message_of([] { trained({"b"}, 300, {"a"}); }) ==
        "[bpe] the special token 'a' is spelled as another token is. Put it in brackets?");
  CHECK(message_of([] { trained({" low low"}, 300, {"Ġlow"}); }) ==
        "[bpe] the special token 'Ġlow' is spelled as another token is. Put it in brackets?");
  const Bpe bpe = trained({"a"}, 256, {});
  for (const std::int64_t id : {-1, 256})
    CHECK(message_of([&] {
            bpe.decode(Ids{0, id});
          }) == "[vocabulary] there is no token " + std::to_string(id) +
                    ": they go from 0 to 255. Another tokenizer's?");
}
