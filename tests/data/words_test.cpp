#include <gradus/data/words.h>

#include <memory>

#include <gradus/core/io/file.h>
#include <gradus/data/en_fr.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

using Strings = std::vector<std::string>;
using Ids = std::vector<std::int64_t>;

Words trained(const std::string& text, const Words::Options& options, std::int64_t least_count = 1) {
  WordsTrainer trainer(options);
  trainer.add(text);
  return trainer.train(least_count);
}

}  // namespace

TEST_CASE("words are numbered by how often they come, then by their characters", "[data][words]") {
  const std::string text = "le chat, le chien et Le chat. élan zoo été!";
  CHECK(trained(text, {.special_tokens = {}}).vocabulary().tokens() ==
        Strings{"chat", "le", "!", ",", ".", "Le", "chien", "et", "zoo", "élan", "été"});
  CHECK(trained(text, {.lower_case = true}).vocabulary().tokens() ==
        Strings{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "le", "chat", "!", ",", ".", "chien", "et",
                "zoo", "élan", "été"});
  CHECK(trained(text, {.lower_case = true, .special_tokens = {"[UNK]"}}, 2).vocabulary().tokens() ==
        Strings{"[UNK]", "le", "chat"});
  CHECK(trained(text, {}, 9).vocabulary().size() == 5);
}

TEST_CASE("words that are no token are [UNK], special tokens are themselves", "[data][words]") {
  const Words words = trained("the cat sat on the mat.", {.lower_case = true});
  const Encoding encoding = words.encode("The dog [MASK] on\nthe[SEP]mat.");
  std::string found;
  for (const std::int64_t id : encoding.ids) found += words.vocabulary().token(id) + " ";
  CHECK(found == "the [UNK] [MASK] on the [SEP] mat . ");
  CHECK(encoding.spans ==
        std::vector<Span>{{0, 3}, {4, 7}, {8, 14}, {15, 17}, {18, 21}, {21, 26}, {26, 29}, {29, 30}});
}

TEST_CASE("text in its usual form comes back from the ids of its words", "[data][words]") {
  for (const std::string text :
       {"Je ne l'ai pas vu, est-ce que tu m'entends?", "It isn't.", "a b! c’d, [MASK] e.", "( a ) : b"}) {
    const Words words = trained(text, {});
    CHECK(words.decode(words.encode(text).ids) == text);
  }
  CHECK(trained("a", {}).decode({}).empty());
}

TEST_CASE("sentences of both languages come back from the ids of their words", "[data][words]") {
  const EnFr corpus(1);
  WordsTrainer trainer({});
  std::vector<std::string> sentences;
  for (int i = 0; i < 500; ++i) {
    const Pair pair = corpus.pair(EnFr::Split::longer, i);
    for (const auto& tokens : {pair.english, pair.french})
      trainer.add(sentences.emplace_back(sentence_of(tokens)));
  }
  const Words words = trainer.train();
  for (const std::string& sentence : sentences) REQUIRE(words.decode(words.encode(sentence).ids) == sentence);
}

TEST_CASE("a word that is no token is an error with its place where there is no [UNK]",
          "[data][words][error]") {
  const Words words = trained("a b c", {.lower_case = true, .special_tokens = {"[PAD]"}});
  CHECK(message_of([&] { words.encode("A b ÉTÉ"); }) ==
        "[words] 'ÉTÉ' at byte 4 is none of the 4 tokens. Another word, or train on texts that have it?");
  CHECK(message_of([&] { words.decode(Ids{4}); }) ==
        "[vocabulary] there is no token 4: they go from 0 to 3. Another tokenizer's?");
  CHECK(message_of([] { trained(" \n", {}); }) ==
        "[words] there is no text to learn from. Add one before training");
}

TEST_CASE("words are written and read back", "[data][words]") {
  const TemporaryFolder folder;
  const Words words = trained("Le \"chat\" l'été", {.lower_case = true, .special_tokens = {"<s>", "[UNK]"}});
  words.save(folder / "new");
  CHECK(read_file(folder / "new/words.json") ==
        "{\"lower_case\":true,\"special_tokens\":[\"<s>\",\"[UNK]\"],\"tokens\":[\"<s>\",\"[UNK]\",\"\\\"\","
        "\"'\","
        "\"chat\",\"l\",\"le\",\"été\"]}\n");
  const std::unique_ptr<Tokenizer> read = load_tokenizer(folder / "new");
  CHECK(read->vocabulary() == words.vocabulary());
  CHECK(read->encode("LE <s> chien").ids == words.encode("LE <s> chien").ids);
}
