#include <gradus/data/en_fr_words.h>

#include <set>

#include <gradus/data/en_fr.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

using Tokens = std::vector<std::string>;

TEST_CASE("a sentence is cut into the tokens that it was made of, in both languages", "[data]") {
  const EnFr corpus(5);
  for (const EnFr::Split split :
       {EnFr::Split::training, EnFr::Split::random, EnFr::Split::longer, EnFr::Split::unseen}) {
    std::int64_t wrong = 0;
    for (std::int64_t i = 0; i < 25'000; ++i) {
      const Pair pair = corpus.pair(split, i);
      wrong += tokens_of(sentence_of(pair.english)) != pair.english;
      wrong += tokens_of(sentence_of(pair.french)) != pair.french;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("apostrophes may be curly, spaces any, and only the first word loses its capital", "[data]") {
  CHECK(tokens_of("The boy’s dog didn’t  sleep .") ==
        Tokens{"the", "boy", "'s", "dog", "did", "n't", "sleep", "."});
  CHECK(tokens_of("\tL’animal qu'elle n'a\npas vu.") ==
        Tokens{"l'", "animal", "qu'", "elle", "n'", "a", "pas", "vu", "."});
  CHECK(tokens_of("Tom and The Dog") == Tokens{"Tom", "and", "The", "Dog"});
  CHECK(tokens_of("I") == Tokens{"I"});
  CHECK(tokens_of(" ' n't 's .") == Tokens{"'", "n't", "'s", "."});
  CHECK(tokens_of("").empty());
}

TEST_CASE("a tokenizer of the corpus knows where each token stands, and comes back from its folder",
          "[data]") {
  const EnFrWords tokenizer(Vocabulary({"[PAD]", "the", "boy", "'s", "dog", "."}));
  const std::string text = "The boy’s dog.";
  const Encoding encoding = tokenizer.encode(text);
  CHECK(encoding.ids == std::vector<std::int64_t>{1, 2, 3, 4, 5});
  CHECK(encoding.spans == std::vector<Span>{{0, 3}, {4, 7}, {7, 11}, {12, 15}, {15, 16}});
  CHECK(tokenizer.decode(encoding.ids) == "The boy's dog.");

  const TemporaryFolder folder;
  tokenizer.save(folder / "new");
  const std::unique_ptr<Tokenizer> read = load_tokenizer(folder / "new");
  CHECK(read->vocabulary() == tokenizer.vocabulary());
  CHECK(read->encode(text).ids == encoding.ids);
  CHECK(message_of([&] { tokenizer.encode("the cat."); }) ==
        "[en_fr] 'cat' at byte 4 is none of the 6 tokens. Use words of the corpus?");
  CHECK(message_of([&] { tokenizer.encode("THE boy"); }) ==
        "[en_fr] 'THE' at byte 0 is none of the 6 tokens. Use words of the corpus?");
  CHECK(message_of([&] { tokenizer.encode("The boy. The dog."); }) ==
        "[en_fr] 'The' at byte 9 begins a second sentence, and a text is one. Each in an argument or a line "
        "of its own?");
  CHECK(message_of([&] { tokenizer.encode("the boy"); }) ==
        "[en_fr] 'the boy' has no full stop, and every sentence of the corpus ends with one. Put one there?");
}
