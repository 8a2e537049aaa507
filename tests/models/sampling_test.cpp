// Text by chance: the bent distribution against plain loops, draws against the distribution, stop strings
// and streaming against all the ways in which a text may go on.
#include <gradus/models/sampling.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/data/bpe.h>
#include <gradus/data/characters.h>
#include <gradus/data/random.h>
#include <gradus/data/wordpiece.h>
#include <gradus/data/words.h>
#include <gradus/models/rnn_lm.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

data::Characters letters(const std::string& all) {
  data::CharactersTrainer trainer({});
  trainer.add(all);
  return trainer.train();
}

// Gives the same logits all the time, and remembers what it was told.
class Same final : public Writer {
 public:
  explicit Same(const std::vector<double>& logits) : logits_(from_vector(logits).unsqueeze(0)) {}
  Tensor next(const Tensor& ids) override {
    for (const std::int64_t id : ids.to_vector<std::int64_t>()) read.push_back(id);
    return logits_;
  }
  void keep_rows(const Tensor&) override { FAIL("nothing is searched"); }

  data::Ids read;

 private:
  Tensor logits_;
};

// Wants the ids of a list, one after the other, whatever it reads.
class Scripted final : public Writer {
 public:
  Scripted(data::Ids script, std::int64_t vocabulary, std::function<void()> before_each = {})
      : script_(std::move(script)), vocabulary_(vocabulary), before_each_(std::move(before_each)) {}
  Tensor next(const Tensor&) override {
    if (before_each_) before_each_();
    std::vector<double> logits(static_cast<std::size_t>(vocabulary_), -inf);
    logits.at(static_cast<std::size_t>(script_.at(at_++))) = 0;
    return from_vector(logits).unsqueeze(0);
  }
  void keep_rows(const Tensor&) override { FAIL("nothing is searched"); }

 private:
  data::Ids script_;
  std::int64_t vocabulary_;
  std::function<void()> before_each_;
  std::size_t at_ = 0;
};

// What sampling.h says, token by token: how likely is i?
std::vector<double> bent(std::vector<double> logits, const Sampling& s, const data::Ids& before) {
  const std::size_t size = logits.size();
  for (const std::int64_t id : std::set<std::int64_t>(before.begin(), before.end())) {
    double& x = logits[static_cast<std::size_t>(id)];
    x = x > 0 ? x / s.repetition_penalty : x * s.repetition_penalty;
  }
  const auto ahead = [&](std::size_t i) {  // of i
    std::vector<std::size_t> all;
    for (std::size_t j = 0; j < size; ++j)
      if (logits[j] > logits[i] || (logits[j] == logits[i] && j < i)) all.push_back(j);
    return all;
  };
  const auto normalised = [&](std::vector<double> p) {
    double total = 0;
    for (const double x : p) total += x;
    for (double& x : p) x /= total;
    return p;
  };
  std::vector<double> p(size);
  for (std::size_t i = 0; i < size; ++i) {
    if (s.temperature == 0) {
      p[i] = ahead(i).empty() ? 1 : 0;
      continue;
    }
    const bool may = s.top_k == 0 || ahead(i).size() < static_cast<std::size_t>(s.top_k);
    p[i] = may ? std::exp(logits[i] / s.temperature) : 0;
  }
  const std::vector<double> all = p = normalised(p);
  for (std::size_t i = 0; i < size; ++i) {
    double mass = 0;
    for (const std::size_t j : ahead(i)) mass += all[j];
    if (s.top_p < 1 && mass >= s.top_p) p[i] = 0;
  }
  return normalised(p);
}

std::size_t possible(const std::vector<double>& p) {
  return static_cast<std::size_t>(std::count_if(p.begin(), p.end(), [](double x) { return x > 0; }));
}

}  // namespace

TEST_CASE("a distribution is bent as its formula says", "[model][sampling]") {
  data::Random random(1, 0);
  for (int trial = 0; trial < 2000; ++trial) {
    const std::int64_t size = 1 + random.below(9);
    std::vector<double> logits;
    // Often equal, now and then impossible.
    for (std::int64_t i = 0; i < size; ++i)
      logits.push_back(i > 0 && random.chance(0.1) ? -inf : static_cast<double>(random.below(7)) - 3);
    data::Ids before;
    while (random.chance(0.7)) before.push_back(random.below(size));
    const std::array temperatures = {0.0, 0.3, 1.0, 2.5};
    const std::array masses = {1.0, 0.99, 0.7, 0.21, 1e-9};
    const std::array penalties = {1.0, 1.3, 0.5};
    const Sampling sampling{.temperature = random.pick(temperatures),
                            .top_k = random.below(size + 3),
                            .top_p = random.pick(masses),
                            .repetition_penalty = random.pick(penalties)};
    const std::vector<double> expected = bent(logits, sampling, before);
    const std::vector<double> p = distribution(from_vector(logits), sampling, before);
    REQUIRE(p.size() == expected.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      INFO("trial " << trial << ", token " << i);
      CHECK((p[i] > 0) == (expected[i] > 0));
      CHECK(p[i] == Approx(expected[i]).epsilon(1e-12));
    }
  }
}

TEST_CASE("options that bend nothing leave the softmax, of f32 logits as well", "[model][sampling]") {
  const std::vector<double> p = distribution(tensor({0, 1, -2}), {}, {});
  const double total = 1 + std::exp(1) + std::exp(-2);
  CHECK(p[0] == Approx(1 / total));
  CHECK(p[1] == Approx(std::exp(1) / total));
  CHECK(p[2] == Approx(std::exp(-2) / total));
}

TEST_CASE("top_p keeps no token more than it needs", "[model][sampling]") {
  const Tensor logits = zeros({4});
  CHECK(distribution(logits, {.top_p = 0.25}, {}) == std::vector<double>{1, 0, 0, 0});
  CHECK(distribution(logits, {.top_p = 0.5}, {}) == std::vector<double>{0.5, 0.5, 0, 0});
  CHECK(distribution(logits, {.top_k = 2, .top_p = 0.5}, {}) == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("no temperature, however low or high, loses the distribution", "[model][sampling]") {
  const Tensor logits = tensor({1e4, 3.0, -1e4, 1e4}, f64);
  for (const double temperature : {0.0, 1e-320, 1e-30})
    CHECK(distribution(logits, {.temperature = temperature, .top_k = 1}, {}) ==
          std::vector<double>{1, 0, 0, 0});
  CHECK(distribution(logits, {.temperature = 1e-320}, {}) == std::vector<double>{0.5, 0, 0, 0.5});
  for (const double x : distribution(logits, {.temperature = 1e300}, {})) CHECK(x == Approx(0.25));
}

TEST_CASE("tokens are drawn as often as the bent distribution says", "[model][sampling]") {
  const data::Characters tokenizer = letters("abcdefgh");
  const std::vector<double> logits = {1, 0.5, 0, -0.5, 2, -1, 0.2, -3};
  const Sampling sampling = GENERATE(Sampling{}, Sampling{.temperature = 0.6}, Sampling{.top_k = 5},
                                     Sampling{.temperature = 1.5, .top_k = 7, .top_p = 0.9});
  const std::vector<double> expected = bent(logits, sampling, {});
  std::vector<double> counts(8);
  Same writer(logits);
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const char letter :
         generate(writer, tokenizer, "a", {.tokens = 1000, .sampling = sampling, .seed = seed}))
      ++counts[static_cast<std::size_t>(letter - 'a')];
  double chi_square = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (expected[i] == 0)
      CHECK(counts[i] == 0);
    else
      chi_square += std::pow(counts[i] - 20000 * expected[i], 2) / (20000 * expected[i]);
  }
  CHECK(possible(expected) == std::array{8U, 8U, 5U, 6U}.at(sampling.top_k == 5  ? 2
                                                            : sampling.top_p < 1 ? 3
                                                                                 : 0));
  CHECK(chi_square < 29.88);  // 7 degrees of freedom: once in 10,000
  CHECK(chi_square > 0.01);   // draws, not shares
}

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

TEST_CASE("sampling refuses each option that is none", "[model][sampling][error]") {
  const auto refusal = [](const Sampling& sampling) {
    return message_of([&] { distribution(tensor({1, 2}), sampling, {}); });
  };
  for (const double x : {-0.1, inf, not_a_number})
    CHECK(refusal({.temperature = x}).starts_with("[sampling] temperature is a number from 0 on, not "));
  CHECK(
      refusal({.temperature = -1}) ==
      "[sampling] temperature is a number from 0 on, not -1. 1 leaves the model's distribution, 0 takes the "
      "most likely token?");
  CHECK(refusal({.top_k = -1}) == "[sampling] top_k is how many tokens may come, not -1. 0 for all?");
  for (const double x : {0.0, -0.5, 1.0001, not_a_number})
    CHECK(refusal({.top_p = x}).starts_with("[sampling] top_p is a probability above 0, at most 1, not "));
  CHECK(
      refusal({.top_p = 90}) ==
      "[sampling] top_p is a probability above 0, at most 1, not 90. 1 for all tokens, .temperature = 0 for "
      "the most likely one?");
  for (const double x : {0.0, -1.0, inf, not_a_number})
    CHECK(refusal({.repetition_penalty = x})
              .starts_with("[sampling] repetition_penalty is a number above 0, not "));
  CHECK(refusal({.repetition_penalty = 0}) ==
        "[sampling] repetition_penalty is a number above 0, not 0. 1 for none?");

  CHECK(message_of([] {
          distribution(zeros({1, 2}), {}, {});
        }) == "[sampling] logits must be (V,), floating, not (1, 2) of f32. Select one row?");
  CHECK(message_of([] { distribution(zeros({2}, i64), {}, {}); }) ==
        "[sampling] logits must be (V,), floating, not (2,) of i64. Select one row?");
  CHECK(message_of([] { distribution(zeros({0}), {}, {}); }) ==
        "[sampling] logits must be (V,), floating, not (0,) of f32. Select one row?");
  CHECK(message_of([] {
          distribution(tensor({0, not_a_number}), {}, {});
        }) == "[sampling] a logit is nan: there is nothing to draw from. Did the training diverge?");
  CHECK(message_of([] {
          distribution(tensor({0, inf}), {}, {});
        }) == "[sampling] a logit is inf: there is nothing to draw from. Did the training diverge?");
  CHECK(message_of([] {
          distribution(tensor({-inf, -inf}), {}, {});
        }) == "[sampling] all logits are -inf, so that no token may come. Masked too much?");
  CHECK(message_of([] {
          distribution(zeros({2}), {}, std::vector<std::int64_t>{1, 2});
        }) ==
        "[sampling] token 2 was written before and is none of the 2 that have a logit. Another tokenizer's?");
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
        "[characters] 'x' (U+0078) at byte 1 is none of the 3 tokens. Train on texts that have it, or with "
        "the special token [UNK]?");
  CHECK(writer.read.empty());
  Same other({1, 2});
  CHECK(
      message_of([&] { generate(other, tokenizer, "a", {}); }) ==
      "[generate] the model gives logits of shape (1, 2) and the tokenizer has 3 tokens, so that (1, 3) was "
      "expected. Does it belong to another model?");
}
