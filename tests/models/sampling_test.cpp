// Text by chance: stop strings and streaming against all the ways in which a text may go on.
#include <gradus/models/sampling.h>

#include <algorithm>

#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/data/bpe.h>
#include <gradus/data/random.h>
#include <gradus/data/wordpiece.h>
#include <gradus/data/words.h>
#include <gradus/models/rnn_lm.h>

#include "support/catch.h"
#include "support/throws.h"
#include "support/writers.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

TEST_CASE("temperature 0 takes the most likely token, the first of equals, whatever the seed",
          "[model][sampling]") {
  const data::Characters tokenizer = letters("abc");
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Same writer({1, 2, 2});
    CHECK(generate(writer, tokenizer, "a", {.tokens = 3, .sampling = {.temperature = 0}, .seed = seed}) ==
          "bbb");
    CHECK(writer.read == data::Ids{0, 1, 1});  // nothing is asked behind the last token
  }
}

TEST_CASE("the repetition penalty counts the prompt and what was written, but not what a text begins with",
          "[model][sampling]") {
  const data::Characters tokenizer = letters("abcd");
  Same writer({4, 3, 2, -1}), again({4, 3, 2, -1});
  const Sampling sampling{.temperature = 0, .repetition_penalty = 10};
  CHECK(generate(writer, tokenizer, "ba", {.tokens = 4, .sampling = sampling}) == "caaa");
  CHECK(writer.read == data::Ids{1, 0, 2, 0, 0});
  CHECK(generate(again, tokenizer, "", {.tokens = 4, .sampling = sampling, .begin = 0}) == "abca");
  CHECK(again.read == data::Ids{0, 0, 1, 2});
}

TEST_CASE("a prompt stands alone: what a text begins with is read only in the place of one",
          "[model][sampling]") {
  const data::Characters tokenizer = letters("abcd");
  Same with(std::vector<double>(4)), without(std::vector<double>(4));
  generate(with, tokenizer, "ba", {.tokens = 1, .begin = 3});
  generate(without, tokenizer, "", {.tokens = 1, .begin = 3});
  CHECK(with.read == data::Ids{1, 0});
  CHECK(without.read == data::Ids{3});
}

TEST_CASE("a text ends before the first stop string, and what is told is all that is certain",
          "[model][sampling]") {
  const data::Vocabulary tokens({"a", "b", "aa", "ab", "ba", "abb"});
  const data::Characters tokenizer(tokens, {.special_tokens = {"aa", "ab", "ba", "abb"}});
  data::Random random(2, 0);
  std::size_t stopped = 0;
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<std::string> stops;
    for (std::int64_t left = random.below(3); left > 0; --left) {
      stops.emplace_back();
      for (std::int64_t size = 1 + random.below(4); size > 0; --size)
        stops.back() += random.chance(0.5) ? 'a' : 'b';
    }
    // Of a stop string that another one always forestalls, the beginning waits in vain.
    bool forestalled = false;
    for (const std::string& one : stops)
      for (const std::string& other : stops)
        forestalled = forestalled || one.substr(0, one.size() - 1).find(other) != std::string::npos;

    // The text up to the stop string that is complete first: the longest, where several are.
    const auto cut = [&](const std::string& text) {
      for (std::size_t end = 1; end <= text.size(); ++end)
        for (std::size_t begin = 0; begin < end; ++begin)
          for (const std::string& stop : stops)
            if (text.substr(begin, end - begin) == stop) return text.substr(0, begin);
      return text;
    };
    data::Ids script;
    for (int n = 0; n < 8; ++n) script.push_back(random.below(6));
    std::string told, written;
    std::size_t asked = 0;
    Scripted writer(script, 6, [&] {
      // What all texts have in common that go on from here.
      std::size_t certain = written.size();
      for (std::uint32_t size = 0; size < 4; ++size)
        for (std::uint32_t bits = 0; bits < 1U << size; ++bits) {
          std::string on = written;
          for (std::uint32_t n = 0; n < size; ++n) on += (bits >> n & 1) != 0 ? 'a' : 'b';
          certain = std::min(certain, cut(on).size());
        }
      CHECK(written.substr(0, certain).starts_with(told));
      CHECK((forestalled || told.size() == certain));
      written += tokens.token(script.at(asked++));
    });
    const auto listen = [&](std::string_view piece) {
      CHECK_FALSE(piece.empty());
      told += piece;
    };
    const std::string text = generate(writer, tokenizer, "a", {.tokens = 8, .stop = stops}, listen);
    CHECK(told == text);
    std::string whole;
    for (const std::int64_t id : script) whole += tokens.token(id);
    CHECK(text == cut(whole));
    stopped += text != whole;
  }
  CHECK(stopped > 100);
  CHECK(stopped < 400);
}

TEST_CASE("pieces that are told hold whole characters, however tokens divide their bytes",
          "[model][sampling]") {
  data::BpeTrainer trainer(std::vector<std::string>{});
  trainer.add("x");
  const data::Bpe tokenizer = trainer.train(256);
  const auto pieces = [&](const std::string& bytes) {
    const data::Ids script = tokenizer.encode(bytes).ids;
    REQUIRE(script.size() == bytes.size());
    Scripted writer(script, 256);
    std::vector<std::string> told;
    const std::string text =
        generate(writer, tokenizer, "x", {.tokens = static_cast<std::int64_t>(bytes.size())},
                 [&](std::string_view piece) { told.emplace_back(piece); });
    CHECK(text == bytes);
    return told;
  };
  CHECK(pieces("aé→😀!") == std::vector<std::string>{"a", "é", "→", "😀", "!"});
  CHECK(pieces("\xe2\x86") == std::vector<std::string>{"\xe2\x86"});  // it ends there
  CHECK(pieces("\xe2\x86z") == std::vector<std::string>{"\xe2\x86z"});
  CHECK(pieces("\x86\xff\xc3\xc3\xa9") == std::vector<std::string>{"\x86", "\xff", "\xc3", "é"});
}

TEST_CASE("what an id adds to a text depends on it and the one before, with every tokenizer",
          "[model][sampling]") {
  const std::string text = "Don't stop - the cats' naïve pals, re-reading! [MASK] said.";
  data::WordsTrainer words({});
  data::WordPieceTrainer pieces({});
  data::BpeTrainer pairs;
  words.add(text), pieces.add(text), pairs.add(text + text);
  const data::Words by_word = words.train();
  const data::WordPiece by_piece = pieces.train(80);
  const data::Bpe by_pair = pairs.train(280);
  const data::Characters by_character = letters(text);
  data::Random random(3, 0);
  for (const data::Tokenizer* tokenizer :
       {static_cast<const data::Tokenizer*>(&by_word), static_cast<const data::Tokenizer*>(&by_piece),
        static_cast<const data::Tokenizer*>(&by_pair), static_cast<const data::Tokenizer*>(&by_character)}) {
    const std::int64_t size = tokenizer->vocabulary().size();
    const data::Ids prompt = tokenizer->encode("cats").ids;
    for (int trial = 0; trial < 100; ++trial) {
      data::Ids script, all = prompt;
      for (int n = 0; n < 6; ++n) {
        script.push_back(random.below(size));
        all.push_back(script.back());
      }
      Scripted writer(script, size);
      CHECK(tokenizer->decode(prompt) + generate(writer, *tokenizer, "cats", {.tokens = 6}) ==
            tokenizer->decode(all));
    }
  }
}

TEST_CASE("a text is a function of the seed, at any number of threads", "[model][sampling]") {
  const data::Characters tokenizer = letters("abcdefgh ");
  const RnnLm model({.vocabulary = 9, .cell = Cell::gru, .width = 64, .hidden = 64});
  const auto text = [&](std::uint64_t seed) {
    return generate(*model.writer(), tokenizer, "a", {.tokens = 60, .seed = seed});
  };
  const std::string first = text(5);
  CHECK(first.size() == 60);
  CHECK(text(5) == first);
  CHECK(text(6) != first);
  const int before_test = threads();
  for (const int n : {1, 2}) {
    set_threads(n);
    CHECK(text(5) == first);
  }
  set_threads(before_test);
  const RandomState before = default_generator().state();
  text(7);
  CHECK(default_generator().state() == before);  // training is not disturbed by samples
}

TEST_CASE("no tokens at most are none, and a stop string in the prompt is no stop", "[model][sampling]") {
  const data::Characters tokenizer = letters("abc");
  Same writer({1, 2, 3});
  CHECK(generate(writer, tokenizer, "abc", {.tokens = 0}).empty());
  CHECK(writer.read.empty());
  CHECK(generate(writer, tokenizer, "acc",
                 {.tokens = 2, .sampling = {.temperature = 0}, .stop = {"ccc", "acc"}}) == "cc");
}

TEST_CASE("generate refuses before it asks the model", "[model][sampling][error]") {
  const data::Characters tokenizer = letters("abc");
  Same writer({1, 2, 3});
  const auto refusal = [&](std::string_view prompt, const GenerateOptions& options) {
    return message_of([&] { generate(writer, tokenizer, prompt, options); });
  };
  CHECK(refusal("a", {.tokens = -1}) == "[generate] tokens is how many may be written, not -1");
  CHECK(refusal("a", {.sampling = {.top_k = -2}}) ==
        "[sampling] top_k is how many tokens may come, not -2. 0 for all?");
  CHECK(refusal("a", {.stop = {"b", ""}}) ==
        "[generate] a stop string is empty, and would stop at once. Leave it out?");
  CHECK(refusal("", {}) ==
        "[generate] there is nothing to go on from: the prompt has no tokens. Give one, or in .begin the "
        "token that texts begin with?");
  CHECK(refusal("axb", {}) ==
        "[characters] 'x' (U+0078) at byte 1 is none of the 3 tokens. Leave it out, or train on texts that "
        "have it?");
  CHECK(writer.read.empty());
  Same other({1, 2});
  CHECK(
      message_of([&] { generate(other, tokenizer, "a", {}); }) ==
      "[generate] the model gives logits of shape (1, 2) and the tokenizer has 3 tokens, so that (1, 3) was "
      "expected. Does it belong to another model?");
}
