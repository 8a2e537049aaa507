#include <gradus/data/bpe.h>

#include <cstdio>
#include <memory>

#include <gradus/core/io/file.h>
#include <gradus/data/unicode.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/data/golden/bpe/";

using Strings = std::vector<std::string>;

Bpe trained(const std::string& text, std::int64_t size) {
  BpeTrainer trainer;
  trainer.add(text);
  return trainer.train(size);
}

}  // namespace

TEST_CASE("BPE's files are written as GPT-2's are, and read back", "[data][bpe]") {
  const TemporaryFolder folder;
  const Bpe bpe = trained("low low é\n\n é\n\n", 300);
  bpe.save(folder / "new/folder");
  const std::string vocabulary = read_file(folder / "new/folder/vocab.json");
  CHECK(vocabulary.starts_with("{\"!\":0,\"\\\"\":1,\"#\":2,"));
  CHECK(vocabulary.ends_with(",\"<|endoftext|>\":" + std::to_string(bpe.vocabulary().size() - 1) + "}"));
  CHECK(read_file(folder / "new/folder/merges.txt").starts_with("#version: 0.2\n"));

  const std::unique_ptr<Tokenizer> read = load_tokenizer(folder / "new/folder");
  CHECK(read->vocabulary() == bpe.vocabulary());
  CHECK(dynamic_cast<const Bpe&>(*read).merges() == bpe.merges());
  CHECK(read->encode("low é<|endoftext|>").ids == bpe.encode("low é<|endoftext|>").ids);
  bpe.save(folder / "new/folder");  // over what is there
}

TEST_CASE("BPE's files may end their lines in CRLF, have a byte order mark, and no version", "[data][bpe]") {
  const BpeFiles files = format_bpe(load_bpe(golden));
  const auto same = [&](const BpeFiles& other) {
    const BpeFiles again = format_bpe(parse_bpe(other));
    return again.vocabulary == files.vocabulary && again.merges == files.merges;
  };
  const std::string mark = "\xef\xbb\xbf", merges = files.merges.substr(files.merges.find('\n') + 1);
  std::string crlf;
  for (const char c : files.merges) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(same({mark + files.vocabulary, mark + files.merges}));
  CHECK(same({files.vocabulary + "\r\n", crlf}));
  CHECK(same({files.vocabulary, merges}));
  CHECK(same({files.vocabulary, merges.substr(0, merges.size() - 1)}));

  // Ids in any order, written in ASCII and over many lines.
  std::string ascii = "{\n";
  const Strings tokens = parse_bpe(files).vocabulary().tokens();
  for (std::size_t i = tokens.size(); i-- > 0;) {
    ascii += "  \"";
    for (std::size_t at = 0; at < tokens[i].size();) {
      const CodePoint c = code_point_at(tokens[i], at);
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c.value));
      ascii += escaped;
      at += c.size;
    }
    ascii += "\": " + std::to_string(i) + (i > 0 ? ",\n" : "\n}\n");
  }
  CHECK(same({ascii, files.merges}));
}

TEST_CASE("BPE's files are refused by what is wrong in them", "[data][bpe][error]") {
  const BpeFiles files = format_bpe(trained("low low low", 259));
  CHECK(files.merges == "#version: 0.2\nl o\nlo w\n");
  const auto vocabulary = [&](const std::string& text) {
    return message_of([&] { parse_bpe({text, files.merges}, "x"); });
  };
  const auto merges = [&](const std::string& text) {
    return message_of([&] { parse_bpe({files.vocabulary, text}, "x"); });
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = files.vocabulary;
    return text.replace(text.find(from), from.size(), to);
  };
  CHECK(vocabulary(files.vocabulary) == "(nothing was thrown)");
  const std::string no_tokens =
      "[bpe] x/vocab.json has no tokens. It should be an object of tokens and their ids";
  for (const char* text : {"{}", "[]", "[\"a\"]", "1", "\xef\xbb\xbf{}"})
    CHECK(vocabulary(text) == no_tokens);
  CHECK(vocabulary("") ==
        "[json] x/vocab.json: byte 0 is the end, where a value should be. Was it cut short?");
  CHECK(vocabulary("{\"a\":0,}") ==
        "[json] x/vocab.json: byte 7 is '}', where a key in quotes should be. Is it JSON?");
  CHECK(vocabulary("{\"a\":0,\"b\":1,\"a\":2}") ==
        "[json] x/vocab.json: byte 13 begins the key \"a\" for the second time. Keep one of them?");
  CHECK(vocabulary("{\"a\":0,\"\":1}") == "[bpe] x/vocab.json: a token is the empty text");
  CHECK(vocabulary("{\"a\":0,\"b\":\"1\"}") ==
        "[bpe] x/vocab.json: the id of token 'b' is \"1\", which is no integer");
  CHECK(vocabulary("{\"a\":0.0}") == "[bpe] x/vocab.json: the id of token 'a' is 0.0, which is no integer");
  CHECK(vocabulary("{\"a\":0,\"b\":2}") ==
        "[bpe] x/vocab.json: token 'b' has id 2, but 2 tokens go from 0 to 1");
  CHECK(vocabulary("{\"a\":-1}") == "[bpe] x/vocab.json: token 'a' has id -1, but 1 tokens go from 0 to 0");
  CHECK(vocabulary("{\"a\":1,\"b\":1}") == "[bpe] x/vocab.json: tokens 'a' and 'b' both have id 1");
  CHECK(vocabulary(with("\"Ċ\"", "\"new\"")) ==
        "[bpe] x/vocab.json has no token 'Ċ', which is byte 10. Not every text could be encoded");
  CHECK(vocabulary(with("\"low\"", "\"high\"")) ==
        "[bpe] x/merges.txt line 3 is 'lo w': 'low' is no token of vocab.json");

  CHECK(merges("l o\nlo w\nl x\n") == "[bpe] x/merges.txt line 3 is 'l x': 'lx' is no token of vocab.json");
  CHECK(merges("#version: 0.2\r\nll o\r\n") ==
        "[bpe] x/merges.txt line 2 is 'll o': 'll' is no token of vocab.json");
  CHECK(merges("l oo\n") == "[bpe] x/merges.txt line 1 is 'l oo': 'oo' is no token of vocab.json");
  for (const char* line : {"", "lo", "l o w", " lo", "lo ", "l  o", " ", "#version: 0.2"})
    CHECK(merges("l o\n" + std::string(line) + "\nlo w\n") ==
          (line[0] == '#'
               ? "[bpe] x/merges.txt line 2 is '#version: 0.2': '#version:' is no token of vocab.json"
               : "[bpe] x/merges.txt line 2 is '" + std::string(line) +
                     "': a merge is two tokens parted by a space"));
  CHECK(merges("l o\nlo w\nl o\n") == "[bpe] x/merges.txt line 3 is 'l o': line 1 was that merge already");
  CHECK(merges("l\to\n") == "[bpe] x/merges.txt line 1 is 'l\to': a merge is two tokens parted by a space");
  CHECK(merges("\xff o\n") ==
        "[bpe] x/merges.txt line 1 is '\xff o': '\xff' is not spelled in the characters of bytes");
  CHECK(merges("") == "(nothing was thrown)");  // bytes alone; what no merge makes is a special token

  const TemporaryFolder folder;
  CHECK(message_of([&] { load_bpe(folder / "none"); }) ==
        "[load] cannot read " + (folder / "none/vocab.json") +
            ": No such file or directory. Is the path right?");
  CHECK(message_of([&] { load_tokenizer(folder / "none"); }) ==
        "[tokenizer] " + (folder / "none") +
            " holds no tokenizer's files: vocab.json and merges.txt (byte-level BPE), vocab.txt (WordPiece), "
            "words.json, characters.json or en_fr.json. Is it the right folder?");
}
