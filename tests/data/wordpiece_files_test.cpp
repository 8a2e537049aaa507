#include <gradus/data/wordpiece.h>

#include <memory>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

using Ids = std::vector<std::int64_t>;

void write(const std::string& path, const std::string& text) {
  write_atomically(path, [&](const Sink& sink) { sink(text); });
}

}  // namespace

TEST_CASE("WordPiece is written and read back", "[data][wordpiece]") {
  const TemporaryFolder folder;
  const WordPiece wordpiece(Vocabulary({"[UNK]", "É", "##t", "##é", "e"}),
                            {.lower_case = false, .longest_word = 7});
  wordpiece.save(folder / "new/folder");
  CHECK(read_file(folder / "new/folder/vocab.txt") == "[UNK]\nÉ\n##t\n##é\ne\n");
  CHECK(read_file(folder / "new/folder/tokenizer_config.json") ==
        "{\"do_lower_case\":false,\"max_input_chars_per_word\":7}\n");
  const std::unique_ptr<Tokenizer> read = load_tokenizer(folder / "new/folder");
  CHECK(read->vocabulary() == wordpiece.vocabulary());
  CHECK(read->encode("Été e eeeeeeee").ids == Ids{1, 2, 3, 4, 0});
  CHECK(dynamic_cast<const WordPiece&>(*read).options().longest_word == 7);
}

TEST_CASE("vocab.txt alone is an uncased BERT's", "[data][wordpiece]") {
  const TemporaryFolder folder;
  write(folder / "vocab.txt", "\xef\xbb\xbf[UNK]\r\nete\r\n##s");
  const WordPiece wordpiece = load_wordpiece(folder / ".");
  CHECK(wordpiece.encode("Étés").ids == Ids{1, 2});
  CHECK(wordpiece.options().longest_word == 100);
}

TEST_CASE("of Hugging Face's tokenizer_config.json what splits words is read", "[data][wordpiece]") {
  const TemporaryFolder folder;
  write(folder / "vocab.txt", "[UNK]\nÉ\n");
  write(folder / "tokenizer_config.json",
        R"({"do_lower_case": false, "model_max_length": 512, "strip_accents": null,
          "tokenize_chinese_chars": true, "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"})");
  CHECK(load_wordpiece(folder / ".").encode("É é").ids == Ids{1, 0});
  const auto refusal = [&](const std::string& config) {
    write(folder / "tokenizer_config.json", config);
    return message_of([&] { load_wordpiece(folder / "."); });
  };
  const std::string path = folder / "./tokenizer_config.json";
  const std::string end = " is known here. Train a tokenizer of your own?";
  CHECK(refusal(R"({"strip_accents": false})") ==
        "[wordpiece] " + path +
            " sets strip_accents to false, with which words are split in another way; only true" + end);
  CHECK(refusal(R"({"do_lower_case": false, "strip_accents": true})") ==
        "[wordpiece] " + path +
            " sets strip_accents to true, with which words are split in another way; only false" + end);
  CHECK(refusal(R"({"tokenize_chinese_chars": false})").find("tokenize_chinese_chars to false") !=
        std::string::npos);
  CHECK(refusal(R"({"unk_token": "<unk>"})").find("unk_token to \"<unk>\"") != std::string::npos);
  CHECK(refusal(R"({"do_lower_case": 1})").find("true or false") != std::string::npos);
  CHECK(refusal("{").find(path) != std::string::npos);
}

TEST_CASE("a vocab.txt that is wrong is refused with its line", "[data][wordpiece][error]") {
  const TemporaryFolder folder;
  const std::string path = folder / "./vocab.txt";
  const auto refusal = [&](const std::string& text) {
    write(path, text);
    return message_of([&] { load_wordpiece(folder / "."); });
  };
  CHECK(refusal("[PAD]\na\n") ==
        "[wordpiece] " + path +
            " has no token [UNK], which stands for words that cannot be split. Add it as a line of its own?");
  CHECK(refusal("[UNK]\na\nb\na\n") == "[vocabulary] " + path + " line 4: 'a' was on line 2 already");
  CHECK(refusal("[UNK]\n\na\n") == "[vocabulary] " + path + " line 2 is empty: a line is a token");
  CHECK(refusal("") == "[vocabulary] " + path + " is empty. A vocabulary has a token on each line");
  CHECK(refusal("[UNK]\na\n\xe9t\xe9\n") ==
        "[vocabulary] " + path + " line 3 is not UTF-8. Save the file as that?");
  CHECK(message_of([&] { load_wordpiece(folder / "none"); }) ==
        "[load] cannot read " + (folder / "none/vocab.txt") +
            ": No such file or directory. Is the path right?");
}
