#include <gradus/data/wordpiece.h>

#include <algorithm>
#include <map>
#include <utility>

#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/random.h>
#include <gradus/data/unicode.h>

#include "support/catch.h"
#include "support/random_text.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::random_text;

namespace {

using Strings = std::vector<std::string>;
using Ids = std::vector<std::int64_t>;

const std::string golden = GRADUS_SOURCE_DIR "/tests/data/golden/wordpiece/";
const Strings special{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
const Strings pieces{"play", "ing", "a",  "B",      " ",      " ",     ".",  "é", "e\u0301", "Σ",
                     "각",   "हि",  "中", "\u00ad", "[MASK]", "[UNK]", "##", "?", "\u3000",  "ß"};

const WordPiece& uncased() {
  static const WordPiece read(read_vocabulary(golden + "vocab.txt"), {});
  return read;
}
const WordPiece& cased() {
  static const WordPiece read(read_vocabulary(golden + "vocab_cased.txt"), {.lower_case = false});
  return read;
}

WordPiece trained(const Strings& texts, std::int64_t size, const WordPiece::Options& options = {}) {
  WordPieceTrainer trainer(options);
  for (const std::string& text : texts) trainer.add(text);
  return trainer.train(size);
}

Strings tokens_of(const WordPiece& wordpiece, const Ids& ids) {
  Strings tokens;
  for (const std::int64_t id : ids) tokens.push_back(wordpiece.vocabulary().token(id));
  return tokens;
}
Strings split(const WordPiece& wordpiece, const std::string& text) {
  return tokens_of(wordpiece, wordpiece.encode(text).ids);
}

Strings characters_of(const std::string& word) {
  Strings characters;
  for (std::size_t at = 0; at < word.size(); at += characters.back().size())
    characters.push_back(word.substr(at, code_point_at(word, at).size));
  return characters;
}

std::string joined(const Strings& characters, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += characters[i];
  return text;
}

// The rule of the paper: try all that is left of the word, then all but its last character, and so on.
Strings split_by_definition(const std::string& word, const Vocabulary& vocabulary) {
  const Strings characters = characters_of(word);
  Strings found;
  for (std::size_t begin = 0; begin < characters.size();) {
    std::size_t end = characters.size();
    const auto piece = [&] { return (begin > 0 ? "##" : "") + joined(characters, begin, end); };
    while (end > begin && !vocabulary.find(piece())) --end;
    if (end == begin) return {"[UNK]"};
    found.push_back(piece());
    begin = end;
  }
  return found;
}

// What is learnt, by counting all pairs again after each step.
Strings tokens_by_recounting(const std::vector<Strings>& all_words, Strings tokens, std::size_t size) {
  std::vector<Strings> words = all_words;
  for (Strings& word : words)
    for (std::size_t i = 1; i < word.size(); ++i) word[i] = "##" + word[i];
  const auto age = [&](const std::string& token) {
    return std::find(tokens.begin(), tokens.end(), token) - tokens.begin();
  };
  while (tokens.size() < size) {
    std::map<std::pair<std::ptrdiff_t, std::ptrdiff_t>, int> counts;
    for (const Strings& word : words)
      for (std::size_t i = 1; i < word.size(); ++i) ++counts[{age(word[i - 1]), age(word[i])}];
    const auto best = std::max_element(counts.begin(), counts.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    if (best == counts.end() || best->second < 2) break;
    const std::string left = tokens[static_cast<std::size_t>(best->first.first)],
                      right = tokens[static_cast<std::size_t>(best->first.second)];
    tokens.push_back(left + right.substr(2));
    for (Strings& word : words) {
      Strings after;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here = i + 1 < word.size() && word[i] == left && word[i + 1] == right;
        after.push_back(here ? tokens.back() : word[i]);
        if (here) ++i;
      }
      word = after;
    }
  }
  return tokens;
}

}  // namespace

TEST_CASE("WordPiece encodes and decodes as another implementation of BERT's tokenizer does",
          "[data][wordpiece]") {
  const Json cases = parse_json(read_file(golden + "expected.json"), "expected.json");
  CHECK(cases.array().size() > 250);
  for (const Json& expected : cases.array()) {
    const std::string& text = expected.at("text").text();
    const auto check = [&](const WordPiece& wordpiece, const char* ids, const char* decoded) {
      Ids wanted;
      for (const Json& id : expected.at(ids).array()) wanted.push_back(id.integer());
      CAPTURE(text, tokens_of(wordpiece, wanted));
      CHECK(split(wordpiece, text) == tokens_of(wordpiece, wanted));
      CHECK(wordpiece.decode(wanted) == expected.at(decoded).text());
    };
    check(uncased(), "ids", "decoded");
    check(cased(), "cased_ids", "cased_decoded");
  }
}

TEST_CASE("the golden vocabularies are what is learnt from their text", "[data][wordpiece]") {
  const std::string text = read_file(golden + "text.txt");
  CHECK(trained({text}, 1000).vocabulary() == uncased().vocabulary());
  CHECK(trained({text}, 1000, {.lower_case = false}).vocabulary() == cased().vocabulary());
}

TEST_CASE("playing is play ##ing, Chinese goes by the character, rare words are split", "[data][wordpiece]") {
  Strings texts{"the play the plays the player the players played unplayed, playing. 中文, 中字, 文字"};
  for (const std::string verb : {"walk", "talk", "read"})
    for (const std::string end : {"", "s", "ed", "er", "ing", "ing"}) texts.push_back("the " + verb + end);
  const WordPiece wordpiece = trained(texts, 56);
  CHECK(split(wordpiece, "Playing the player") == Strings{"play", "##ing", "the", "play", "##e", "##r"});
  CHECK(split(wordpiece, "文中") == Strings{"文", "中"});
  CHECK(split(wordpiece, "unread") == Strings{"u", "##n", "##r", "##e", "##ad"});
}

TEST_CASE("learning is recounting all pairs after each token", "[data][wordpiece]") {
  Random random(41, 0);
  const Strings letters{"a", "b", "a", "é", "c"};
  for (int round = 0; round < 60; ++round) {
    std::vector<Strings> words(static_cast<std::size_t>(1 + random.below(40)));
    Strings texts{""};
    Strings characters;
    for (Strings& word : words) {
      for (std::int64_t left = 1 + random.below(9); left > 0; --left) word.push_back(random.pick(letters));
      texts[0] += joined(word, 0, word.size()) + " ";
      characters.insert(characters.end(), word.begin(), word.end());
    }
    std::sort(characters.begin(), characters.end());
    characters.erase(std::unique(characters.begin(), characters.end()), characters.end());
    Strings first = special;
    first.insert(first.end(), characters.begin(), characters.end());
    for (const std::string& c : characters) first.push_back("##" + c);
    const std::size_t size = first.size() + static_cast<std::size_t>(random.below(40));
    const Strings expected = tokens_by_recounting(words, first, size);
    const auto wanted = static_cast<std::int64_t>(size);
    REQUIRE(trained(texts, wanted, {.lower_case = false}).vocabulary().tokens() == expected);
    random.shuffle(words);  // in any order, in any number of parts
    texts.clear();
    for (const Strings& word : words) texts.push_back(joined(word, 0, word.size()));
    REQUIRE(trained(texts, wanted, {.lower_case = false}).vocabulary().tokens() == expected);
  }
}

TEST_CASE(
    "a trained vocabulary has special tokens, characters, those that continue a word, and what is learnt",
    "[data][wordpiece]") {
  const WordPiece wordpiece = trained({"[MASK] Abc abc, ab\u0301 中!" + std::string(101, 'z')}, 100);
  CHECK(wordpiece.vocabulary().tokens() == Strings{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "!", ",",
                                                   "a", "b", "c", "中", "##a", "##b", "##c", "ab", "abc"});
  CHECK(trained({"ab ab ab"}, 9).vocabulary().size() == 9);
  CHECK(trained({"ab ab ab"}, 10).vocabulary().token(9) == "ab");
}

TEST_CASE("of known characters no word is unknown", "[data][wordpiece]") {
  const WordPiece wordpiece = trained({"x y z é zyx yé ; 中"}, 30);
  const Strings known{"x", "y", "z", "é", "É", "e\u0301", ";", "中", " ", "zy"};
  const std::int64_t unknown = wordpiece.vocabulary().id("[UNK]");
  Random random(42, 0);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::int64_t left = random.below(60); left > 0; --left) text += random.pick(known);
    const Ids ids = wordpiece.encode(text).ids;
    REQUIRE(std::find(ids.begin(), ids.end(), unknown) == ids.end());
  }
}

TEST_CASE("a word is split as its definition says, from any vocabulary", "[data][wordpiece]") {
  Random random(43, 0);
  const Strings letters{"a", "b", "é", "각", "😀"};
  int known = 0;
  for (int round = 0; round < 400; ++round) {
    Strings tokens{"[UNK]", "##"};
    for (std::int64_t left = random.below(30); left > 0; --left) {
      std::string token = random.chance(0.5) ? "##" : "";
      for (std::int64_t size = 1 + random.below(random.chance(0.3) ? 6 : 2); size > 0; --size)
        token += random.pick(letters);
      if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
    }
    const WordPiece wordpiece(Vocabulary(tokens), {.lower_case = false});
    for (int i = 0; i < 20; ++i) {
      std::string word;
      for (std::int64_t size = 1 + random.below(12); size > 0; --size) word += random.pick(letters);
      const Strings expected = split_by_definition(word, wordpiece.vocabulary());
      if (expected != Strings{"[UNK]"}) ++known;
      REQUIRE(split(wordpiece, word) == expected);
    }
  }
  CHECK(known > 500);
}

TEST_CASE("spans are the bytes of the text that a piece was made of", "[data][wordpiece]") {
  const WordPiece wordpiece(
      Vocabulary({"[UNK]", "[MASK]", "cre", "##me", "!", "brul", "##ee", "\u1112", "##\u1161\u11ab"}), {});
  const auto spans = [&](const std::string& text) {
    std::string found;
    const Encoding encoding = wordpiece.encode(text);
    REQUIRE(encoding.ids.size() == encoding.spans.size());
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      const auto [begin, end] = encoding.spans[i];
      found += wordpiece.vocabulary().token(encoding.ids[i]) + "=" +
               text.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)) + " ";
    }
    return found;
  };
  CHECK(spans("Crème BRÛLÉE!") == "cre=Crè ##me=me brul=BRÛL ##ee=ÉE !=! ");
  CHECK(spans("cre\u0300me\u0301") == "cre=cre\u0300 ##me=me\u0301 ");
  CHECK(spans(" c\u00adreme") == "cre=c\u00adre ##me=me ");
  CHECK(spans("한!") == "\u1112=한 ##\u1161\u11ab=한 !=! ");
  CHECK(spans("été[MASK]creme, ") == "[UNK]=été [MASK]=[MASK] cre=cre ##me=me [UNK]=, ");
  CHECK(spans("cre\xffme\xe2\x82 !") == "cre=cre ##me=me !=! ");
}

TEST_CASE("of any bytes, spans are in order and on characters", "[data][wordpiece]") {
  Random random(44, 0);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(random, pieces, true);
    std::vector<bool> boundary(text.size() + 1);
    for (std::size_t at = 0; at < text.size(); at += code_point_at(text, at).size) boundary[at] = true;
    boundary[text.size()] = true;
    const Encoding encoding = (round % 2 ? uncased() : cased()).encode(text);
    REQUIRE(encoding.ids.size() == encoding.spans.size());
    Span last{0, 0};
    for (const Span span : encoding.spans) {
      REQUIRE((last.begin <= span.begin && last.end <= span.end && span.begin < span.end));
      REQUIRE(span.end <= static_cast<std::int64_t>(text.size()));
      REQUIRE(
          (boundary[static_cast<std::size_t>(span.begin)] && boundary[static_cast<std::size_t>(span.end)]));
      last = span;
    }
  }
}

TEST_CASE("what is decoded has the ids that it was decoded from", "[data][wordpiece]") {
  Random random(45, 0);
  std::size_t seen = 0;
  for (int round = 0; round < 2000; ++round) {
    const WordPiece& wordpiece = round % 2 ? uncased() : cased();
    const Ids ids = wordpiece.encode(random_text(random, pieces, true)).ids;
    seen += ids.size();
    REQUIRE(wordpiece.encode(wordpiece.decode(ids)).ids == ids);
  }
  CHECK(seen > 10000);
  CHECK(uncased().decode({}).empty());
  const std::string usual = "the children play in the garden, [MASK] walks.";
  CHECK(uncased().decode(uncased().encode(usual).ids) == usual);
}

TEST_CASE("a word of 10 MB is [UNK] like any that is too long", "[data][wordpiece]") {
  const std::string text = std::string(10'000'000, 'a') + " the";
  const Encoding encoding = uncased().encode(text);
  CHECK(split(uncased(), text) == Strings{"[UNK]", "the"});
  CHECK(encoding.spans[0] == Span{0, 10'000'000});

  const WordPiece any(uncased().vocabulary(), {.longest_word = INT64_MAX});
  CHECK(any.encode(std::string(100'000, 'a')).ids.size() == 100'000);
}

TEST_CASE("the longest word is counted in characters as they are looked up", "[data][wordpiece]") {
  const WordPiece wordpiece(Vocabulary({"[UNK]", "e", "##e"}), {.longest_word = 3});
  CHECK(split(wordpiece, "eee") == Strings{"e", "##e", "##e"});
  CHECK(split(wordpiece, "eeee") == Strings{"[UNK]"});
  CHECK(split(wordpiece, "e\u0301e\u0301e\u0301") == Strings{"e", "##e", "##e"});
}

TEST_CASE("WordPiece refuses what it cannot work with", "[data][wordpiece][error]") {
  CHECK(message_of([] { WordPiece(Vocabulary({"a"}), {}); }) ==
        "[wordpiece] the vocabulary has no token [UNK], which stands for words that cannot be split. Add it "
        "as a "
        "line of its own?");
  CHECK(message_of([] { WordPiece(Vocabulary({"[UNK]"}), {.longest_word = 0}); }) ==
        "[wordpiece] words of at most 0 characters would all be [UNK]. 100, as BERT's?");
  CHECK(message_of([] { uncased().decode(Ids{9999}); }) ==
        "[vocabulary] there is no token 9999: they go from 0 to " +
            std::to_string(uncased().vocabulary().size() - 1) + ". Another tokenizer's?");
  CHECK(message_of([] { trained({}, 100); }) ==
        "[wordpiece] there is no text to learn from. Add one before training");
  CHECK(message_of([] { trained({" \n\xff" + std::string(101, 'a')}, 100); }) ==
        "[wordpiece] there is no text to learn from. Add one before training");
  CHECK(message_of([] { trained({"ab, 中"}, 10); }) ==
        "[wordpiece] a vocabulary of 10 has no room for 5 special tokens, 4 characters that begin a word and "
        "2 that "
        "continue one. 11 or more?");
  CHECK(trained({"ab, 中"}, 11).vocabulary().size() == 11);
}
