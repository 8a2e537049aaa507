// The arena's contestants: as many weights as were asked for, and the rates that were found best for them.
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/core/create.h>
#include <gradus/core/random.h>
#include <gradus/models/arena.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

constexpr TranslationTask task{
    .source_vocabulary = 211, .target_vocabulary = 307, .ids = {.begin = 1, .end = 2, .padding = 0}};

}  // namespace

TEST_CASE("each contestant has within 3 % of the parameters that are asked for", "[model][arena]") {
  for (const Contestant& contestant : contestants())
    for (const std::int64_t wanted : {40'000, 99'991, 400'000}) {
      const Entrant entrant = contestant.make(task, wanted);
      CAPTURE(contestant.name, wanted, entrant.sizes);
      CHECK(std::abs(static_cast<double>(entrant.model->parameter_count() - wanted)) <=
            0.03 * static_cast<double>(wanted));
    }
}

TEST_CASE("parameters that no size has are refused", "[model][arena]") {
  const std::string text = message_of([] { contestants()[0].make(task, 100); });
  CHECK(text.starts_with(
      "[arena] no rnn for these vocabularies has within 3 % of 100 parameters; the nearest has "));
}

TEST_CASE("a contestant's rate is the best of those that were tried for all alike", "[model][arena]") {
  std::ifstream results(GRADUS_SOURCE_DIR "/tutorials/labs/23_learning_rates.txt");
  REQUIRE(results.good());
  std::map<std::string, double> best;  // by the first word of a line, its last one
  for (std::string line; std::getline(results, line);) {
    std::istringstream words(line);
    std::string first, word;
    words >> first;
    while (words >> word) best[first] = std::strtod(word.c_str(), nullptr);
  }
  for (const Contestant& contestant : contestants()) {
    CAPTURE(contestant.name);
    CHECK(best.at(contestant.name) == contestant.lr);
  }
}

TEST_CASE(
    "what a contestant says depends on the words before and on the source, and those that attend say where",
    "[model][arena]") {
  for (const Contestant& contestant : contestants()) {
    CAPTURE(contestant.name);
    manual_seed(1);
    const Entrant entrant = contestant.make(task, 40'000);
    const GradMode off(false);
    const data::Ids first = {5, 6, 7}, second = {8, 9};
    const data::Padded source = data::pad(std::vector<data::IdsView>{first, second}, 0);
    const Tensor input = tensor({{1, 10, 11, 12}, {1, 13, 14, 15}}, i64);
    const Tensor logits = entrant.translator.logits(source, input);
    CHECK(logits.shape() == Shape{2, 4, task.target_vocabulary});
    const auto writer = entrant.translator.writer(source);
    CHECK(allclose(writer->next(input.slice(1, 0, 2)), logits.select(1, 1), 1e-4, 1e-5));
    const bool attends = contestant.name == "gru+attn" || contestant.name == "transformer";
    REQUIRE(static_cast<bool>(entrant.translator.weights) == attends);
    if (attends) CHECK(entrant.translator.weights(source, input).shape() == Shape{2, 4, 3});
  }
}
