// What `gradus train` reaches with its own settings, at its own number of steps.
#include <array>
#include <string>

#include <gradus/core/io/json.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "train/program.h"

using namespace gradus;

namespace {

Json results_of(const std::string& words, int seed) {
  const test::TemporaryFolder folder;
  return test::results_of_program(
      std::string("train ").append(words).append(" --seed ").append(std::to_string(seed)) + " --out " +
      (folder / "run"));
}

double number(const Json& results, const std::string& name) { return results.at(name).number(); }

double of_pronouns(const Json& results, const std::string& what) {
  return results.at("agreement").at("pronoun").at(what).number();
}

}  // namespace

TEST_CASE("an LSTM and a GRU come within 8 % of the stories' entropy, and an RNN forgets who it was",
          "[train][program_stories]") {
  const Json lstm = results_of("lstm", 1), gru = results_of("gru", 1), rnn = results_of("rnn", 1);
  CHECK(number(lstm, "percent_above_floor") < 8);
  CHECK(number(gru, "percent_above_floor") < 8);
  CHECK(number(rnn, "percent_above_floor") > number(lstm, "percent_above_floor"));
  CHECK(number(rnn, "percent_above_floor") > number(gru, "percent_above_floor"));
  // She or he, as was told sentences ago.
  for (const Json& gated : {lstm, gru}) {
    CHECK(of_pronouns(gated, "right") > of_pronouns(rnn, "right") + 0.1);
    CHECK(of_pronouns(gated, "loss_above_best") < of_pronouns(rnn, "loss_above_best") / 3);
  }
}

TEST_CASE("a GPT comes within 5 % of the stories' entropy", "[train][program_gpt]") {
  const Json gpt = results_of("gpt", 1);
  CHECK(number(gpt, "percent_above_floor") < 5);
  CHECK(of_pronouns(gpt, "right") > 0.8);
}

TEST_CASE("a GRU with attention translates what one with a fixed context cannot", "[train][program_en_fr]") {
  const Json attention = results_of("seq2seq", 1), fixed = results_of("seq2seq --context fixed", 1);
  CHECK(number(attention, "exact") >= 0.9);
  CHECK(number(attention, "alignment") >= 0.8);
  CHECK(number(fixed, "exact") < number(attention, "exact") - 0.2);
  CHECK(number(fixed, "slope") < 0);
  CHECK(number(attention, "slope") > number(fixed, "slope") / 4);
}

TEST_CASE("a Transformer translates, knows what it stands for, and a head of it shows that it does",
          "[train][program_transformer]") {
  const Json results = results_of("transformer", 1);
  CHECK(number(results, "exact") >= 0.97);
  CHECK(number(results, "it_agreement") >= 0.95);
  CHECK(number(results, "alignment") >= 0.9);
  const Json& head = results.at("pronoun_head");
  CHECK(head.at("right").number() > head.at("two_back").number() + 0.1);
}

TEST_CASE("a ViT and a ResNet tell 97 % and more of drawn pictures apart", "[train][program_pictures]") {
  for (const char* const model : {"vit", "resnet"}) {
    const Json found = results_of(model, 1);
    CHECK(number(found, "accuracy") >= 0.97);
    CHECK(number(found.at("worst_pair"), "share") < 0.2);
  }
}

TEST_CASE("the nearest words of a noun are nouns of its topic, which nothing but training makes them",
          "[train][program_word2vec]") {
  CHECK(number(results_of("word2vec --steps 1", 1), "precision_at_5") < 0.2);
  CHECK(number(results_of("word2vec", 1), "precision_at_5") >= 0.8);
  CHECK(number(results_of("word2vec --task cbow", 1), "precision_at_5") >= 0.8);
}
