#include <gradus/data/characters.h>

#include <memory>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/random_text.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

using Strings = std::vector<std::string>;
using Ids = std::vector<std::int64_t>;

Characters trained(const std::string& text, const Characters::Options& options) {
  CharactersTrainer trainer(options);
  trainer.add(text);
  return trainer.train();
}

void write(const std::string& path, const std::string& text) {
  write_atomically(path, [&](const Sink& sink) { sink(text); });
}

}  // namespace

TEST_CASE("characters are numbered behind the special tokens in the order of their code points", "[data]") {
  const Characters characters = trained("bé😀a[PAD]b\n", {.special_tokens = {"[UNK]", "[PAD]"}});
  CHECK(characters.vocabulary().tokens() == Strings{"[UNK]", "[PAD]", "\n", "a", "b", "é", "😀"});
  const Encoding encoding = characters.encode("é[PAD]😀b?");
  CHECK(encoding.ids == Ids{5, 1, 6, 4, 0});
  CHECK(encoding.spans == std::vector<Span>{{0, 2}, {2, 7}, {7, 11}, {11, 12}, {12, 13}});
  CHECK(characters.decode(encoding.ids) == "é[PAD]😀b[UNK]");
}

TEST_CASE("bytes are numbered by their values", "[data]") {
  const Characters bytes = trained("aé\xff", {.bytes = true});
  CHECK(bytes.vocabulary().tokens() == Strings{"a", "\xa9", "\xc3", "\xff"});
  CHECK(bytes.encode("é\xff").ids == Ids{2, 1, 3});
  CHECK(bytes.decode(Ids{2, 1, 3, 0}) ==
        "é\xff"
        "a");
}

TEST_CASE("characters and bytes give any text back that they were learnt from", "[data]") {
  const Strings pieces{"a", "B", " ", "é", "e\u0301", "각", "😀", "[PAD]", "\n"};
  Random random(31, 0);
  for (int round = 0; round < 200; ++round) {
    const bool bytes = random.chance(0.5);
    const std::string text = test::random_text(random, pieces, bytes) + "x";
    const Characters characters = trained(text, {.bytes = bytes, .special_tokens = {"[PAD]"}});
    const Encoding encoding = characters.encode(text);
    REQUIRE(characters.decode(encoding.ids) == text);
    std::int64_t at = 0;
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      REQUIRE(encoding.spans[i].begin == at);
      at = encoding.spans[i].end;
      REQUIRE(text.substr(static_cast<std::size_t>(encoding.spans[i].begin),
                          static_cast<std::size_t>(at - encoding.spans[i].begin)) ==
              characters.vocabulary().token(encoding.ids[i]));
    }
    REQUIRE(at == static_cast<std::int64_t>(text.size()));
  }
}

TEST_CASE("a character that is no token is an error with its place, or [UNK]", "[data][error]") {
  const Characters characters = trained("abc", {});
  const auto refusal = [&](const std::string& text) { return message_of([&] { characters.encode(text); }); };
  const std::string end = " is none of the 3 tokens. Leave it out, or train on texts that have it?";
  CHECK(refusal("abé") == "[characters] 'é' (U+00E9) at byte 2" + end);
  CHECK(refusal("😀") == "[characters] '😀' (U+1F600) at byte 0" + end);
  CHECK(refusal("a\xff") == "[characters] byte value 0xFF at byte 1" + end);
  CHECK(message_of([] { trained("abc", {.bytes = true}).encode("d"); }) ==
        "[characters] byte value 0x64 at byte 0" + end);
  const Characters forgiving = trained("abc", {.special_tokens = {"[UNK]"}});
  const Encoding encoding = forgiving.encode(
      "é\xe2\x82"
      "b");
  CHECK(encoding.ids == Ids{0, 0, 2});
  CHECK(encoding.spans == std::vector<Span>{{0, 2}, {2, 4}, {4, 5}});
}

TEST_CASE("characters are not learnt from nothing, nor from what is not UTF-8", "[data][error]") {
  CHECK(message_of([] { trained("", {}); }) ==
        "[characters] there is no text to learn from. Add one before training");
  CHECK(message_of([] { trained("ab\xff", {}); }) ==
        "[characters] byte value 0xFF at byte 2 of the text is not UTF-8. Train on bytes?");
  CharactersTrainer trainer({});
  CHECK_THROWS_AS(trainer.add("ab\xff"), Error);
  CHECK_THROWS_AS(trainer.train(), Error);  // nothing of it was kept
  CHECK(message_of([] {
          Characters(Vocabulary({"a", "bc"}), {});
        }) == "[characters] token 'bc' is neither a single character nor one of the special tokens");
  CHECK(message_of([] { Characters(Vocabulary({"é"}), {.bytes = true}); }) ==
        "[characters] token 'é' is neither a single byte nor one of the special tokens");
  CHECK(message_of([] {
          CharactersTrainer({.special_tokens = {"[A]", "[A]"}});
        }) == "[tokenizer] the special token '[A]' is named twice");
}

TEST_CASE("characters and bytes are written and read back", "[data]") {
  const TemporaryFolder folder;
  for (const bool bytes : {false, true}) {
    const Characters characters = trained(bytes ? "é\xff\n\"" : "é\n\"", {bytes, {"[PAD]", "[UNK]"}});
    characters.save(folder / "new");
    const std::unique_ptr<Tokenizer> read = load_tokenizer(folder / "new");
    CHECK(read->vocabulary() == characters.vocabulary());
    CHECK(read->encode("é[UNK]\"").ids == characters.encode("é[UNK]\"").ids);
  }
  CHECK(read_file(folder / "new/characters.json") ==
        "{\"bytes\":true,\"special_tokens\":[\"[PAD]\",\"[UNK]\"],\"tokens\":[\"[PAD]\",\"[UNK]\",10,34,169,"
        "195,"
        "255]}\n");
}

TEST_CASE("files of characters that are wrong are refused", "[data][error]") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    write(folder / "characters.json", text);
    return message_of([&] { load_characters(folder / "."); });
  };
  const std::string path = folder / "./characters.json";
  CHECK(refusal(R"({"bytes":true,"special_tokens":[],"tokens":[256]})") ==
        "[characters] " + path + ": token 256 is no byte, which is 0 to 255");
  CHECK(refusal(R"({"bytes":false,"special_tokens":[],"tokens":[25]})") ==
        "[characters] " + path + ": token 25 is a number, and its tokens are characters");
  CHECK(refusal(R"({"bytes":false,"special_tokens":[],"tokens":["a","a"]})") ==
        "[vocabulary] token 'a' comes twice, as 0 and as 1");
  CHECK(refusal(R"({"bytes":false,"special_tokens":[],"tokens":[]})") ==
        "[vocabulary] there is no token in it. Was the text empty?");
  CHECK(refusal("\xef\xbb\xbf{\"bytes\":false,\"special_tokens\":[],\"tokens\":[\"a\"]}\r\n") ==
        "(nothing was thrown)");
}
