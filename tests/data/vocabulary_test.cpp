#include <gradus/data/vocabulary.h>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

class VocabularyFile {
 public:
  explicit VocabularyFile(const std::string& content) {
    write_atomically(path(), [&](const Sink& sink) { sink(content); });
  }
  std::string path() const { return folder_ / "vocab.txt"; }
  std::vector<std::string> tokens() const { return read_vocabulary(path()).tokens(); }
  // Without the path, which differs from run to run.
  std::string refusal() const {
    std::string message = message_of([&] { read_vocabulary(path()); });
    if (const std::size_t at = message.find(path()); at != std::string::npos)
      message.replace(at, path().size(), "vocab.txt");
    return message;
  }

 private:
  TemporaryFolder folder_;
};

using Tokens = std::vector<std::string>;

}  // namespace

TEST_CASE("a vocabulary numbers its tokens in their order", "[data][vocabulary]") {
  const Vocabulary vocabulary({"[PAD]", "b", "a"});
  CHECK(vocabulary.size() == 3);
  CHECK(vocabulary.id("a") == 2);
  CHECK(vocabulary.token(0) == "[PAD]");
  CHECK(vocabulary.find("b") == 1);
  CHECK_FALSE(vocabulary.find("c").has_value());
  CHECK(vocabulary == Vocabulary({"[PAD]", "b", "a"}));
  CHECK_FALSE(vocabulary == Vocabulary({"[PAD]", "a", "b"}));
}

TEST_CASE("a vocabulary refuses what it cannot number", "[data][vocabulary][error]") {
  CHECK(message_of([] { Vocabulary({}); }) == "[vocabulary] there is no token in it. Was the text empty?");
  CHECK(message_of([] {
          Vocabulary({"a", "b", "a"});
        }) == "[vocabulary] token 'a' comes twice, as 0 and as 2");
  const Vocabulary vocabulary({"a", "b"});
  for (const std::int64_t id : {-1, 2})
    CHECK(message_of([&] { vocabulary.token(id); }) == "[vocabulary] there is no token " +
                                                           std::to_string(id) +
                                                           ": they go from 0 to 1. Another tokenizer's?");
  CHECK(message_of([&] { vocabulary.id("c"); }) == "[vocabulary] 'c' is none of its 2 tokens");
}

TEST_CASE("vocab.txt is read with either end of lines, a byte order mark, and a last line without an end",
          "[data][vocabulary]") {
  CHECK(VocabularyFile("a\nb\n").tokens() == Tokens{"a", "b"});
  CHECK(VocabularyFile("a\r\nb\r\n").tokens() == Tokens{"a", "b"});
  CHECK(VocabularyFile("\xef\xbb\xbf"
                       "a\nb")
            .tokens() == Tokens{"a", "b"});
  CHECK(VocabularyFile("é\n##é\n").tokens() == Tokens{"é", "##é"});
  CHECK(VocabularyFile("a\xef\xbb\xbf\n b \n").tokens() == Tokens{"a\xef\xbb\xbf", " b "});
}

TEST_CASE("vocab.txt is refused with the line that is wrong", "[data][vocabulary][error]") {
  const std::string empty = "[vocabulary] vocab.txt is empty. A vocabulary has a token on each line";
  CHECK(VocabularyFile("").refusal() == empty);
  CHECK(VocabularyFile("\xef\xbb\xbf").refusal() == empty);
  CHECK(VocabularyFile("a\n\nb\n").refusal() == "[vocabulary] vocab.txt line 2 is empty: a line is a token");
  CHECK(VocabularyFile("a\r\n\r\n").refusal() == "[vocabulary] vocab.txt line 2 is empty: a line is a token");
  CHECK(VocabularyFile("a\nb\nc\nb\r\n").refusal() ==
        "[vocabulary] vocab.txt line 4: 'b' was on line 2 already");
  CHECK(VocabularyFile("a\r\r\nb\r\r\n").refusal() ==
        "[vocabulary] vocab.txt line 1 has a carriage return in it. Was LF made CRLF twice?");
  CHECK(VocabularyFile("a\n\xe9t\xe9\n").refusal() ==
        "[vocabulary] vocab.txt line 2 is not UTF-8. Save the file as that?");
  CHECK(message_of([] { read_vocabulary("/nowhere/vocab.txt"); }).find("/nowhere/vocab.txt") !=
        std::string::npos);
}

TEST_CASE("a vocabulary is read as it was written", "[data][vocabulary]") {
  const VocabularyFile file("x\n");
  const Vocabulary vocabulary({"[PAD]", "the", "##é", " "});
  write_vocabulary(file.path(), vocabulary);
  CHECK(read_file(file.path()) == "[PAD]\nthe\n##é\n \n");
  CHECK(read_vocabulary(file.path()) == vocabulary);
  for (const char* token : {"", "a\nb", "a\r"})
    CHECK(message_of([&] {
            write_vocabulary(file.path(), Vocabulary({token}));
          }).find(": a token is empty or holds the end of a line, which a list of lines cannot say") !=
          std::string::npos);
  CHECK(message_of([&] {
          write_vocabulary(file.path(), Vocabulary({"\xff"}));
        }).find(": a token is not UTF-8") != std::string::npos);
  CHECK(read_vocabulary(file.path()) == vocabulary);
}
