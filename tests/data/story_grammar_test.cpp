#include <gradus/data/stories/grammar.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/small_grammar.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

using Told = std::map<std::pair<std::string, std::string>, double>;  // (words, senses) by probability

// Every way from a state back to state 0.
void follow(const GrammarAutomaton& automaton, std::int32_t state, const std::string& words,
            const std::string& senses, double probability, Told& told) {
  for (const Arc& arc : automaton.model.arcs_from(state)) {
    const auto i = static_cast<std::size_t>(&arc - automaton.model.arcs().data());
    const std::string so_far = words + automaton.vocabulary.token(arc.token) + " ";
    const std::string with_sense =
        senses + automaton.senses[static_cast<std::size_t>(automaton.tellings[i].sense)];
    if (arc.to == 0)
      told[{so_far, with_sense}] += probability * arc.probability;
    else
      follow(automaton, arc.to, so_far, with_sense, probability * arc.probability, told);
  }
}

std::string refusal(std::string_view words, std::string_view plot) {
  return message_of([&] { compile(read_word_lists(words), plot); });
}

}  // namespace

TEST_CASE("the automaton tells the stories of its grammar with their probabilities", "[data]") {
  Told told;
  const GrammarAutomaton automaton = small_automaton();
  follow(automaton, 0, "", "", 1, told);
  std::map<std::string, double> found, expected;
  for (const auto& [story, p] : told) found[story.first] += p;
  for (const Tale& tale : all_small_stories()) {
    std::string words;
    for (const std::vector<std::string>& sentence : tale.sentences) {
      for (const std::string& word : sentence) words += word + " ";
    }
    expected[words] += tale.probability;
  }
  REQUIRE(found.size() == expected.size());
  for (const auto& [words, p] : expected) {
    INFO(words);
    CHECK(found[words] == Approx(p).epsilon(1e-12));
  }
  // A word with two senses: two thirds of the banks that a story begins with are the river's, and so told.
  CHECK(told[{"ann saw the bank . ann left . ", "river"}] == Approx(0.5 * 0.4 * 2 / 3 / 3).epsilon(1e-12));
  CHECK(told[{"ann saw the bank . ann left . ", "money"}] == Approx(0.5 * 0.2 * 2 / 3 / 3).epsilon(1e-12));
}

TEST_CASE("a state remembers what a slot ahead will ask for, and nothing else", "[data]") {
  // After "it was ann/bob ." the name is asked for later; after "it was a day ." nothing is.
  const std::string_view words = "hero\n  ann, bob\nday\n  monday, friday\n";
  CHECK(compile(read_word_lists(words), "a -> b\n  1: {day} .\nb -> end\n  1: yes .\n").model.states() == 4);
  CHECK(compile(read_word_lists(words), "a -> b\n  1: {hero} .\nb -> end\n  1: {=hero} .\n").model.states() ==
        6);
}

TEST_CASE("a grammar that makes no sense is refused with its reason", "[data]") {
  const std::string_view words = "hero by gender\n  she: ann\nmap by hero\n  bob: x\n";
  CHECK(refusal("  ann\n", "") == "[grammar] line 1 of the words: words of no list");
  CHECK(refusal("a\n  x\na\n  y\n", "") == "[grammar] line 3 of the words: a second list 'a'");
  CHECK(refusal("a by b, c\n  x: y\n", "") ==
        "[grammar] line 2 of the words: list 'a' has 2 keys, this line 1");
  CHECK(refusal("a\n  x 0\n", "") == "[grammar] '0' is no weight: those are whole numbers from 1 to 999999");
  CHECK(refusal(words, "") == "[grammar] the plot has no sentence");
  CHECK(refusal(words, "a\n  1: x .\n") == "[grammar] line 1 of the plot: 'a' does not say what follows");
  CHECK(refusal(words, "a -> b\n  1: x .\n") == "[grammar] group 'b' has no sentence");
  CHECK(refusal(words, "a -> end, a\n  1: x .\n") == "[grammar] 'end, a': the end cannot be one of several");
  CHECK(refusal(words, "a -> a\n  1: x .\n") == "[grammar] the plot goes round in a circle");
  CHECK(refusal(words, "a -> end\n  1: x\n") ==
        "[grammar] line 2 of the plot: a sentence ends with its only . or ! or ?");
  CHECK(refusal(words, "a -> end\n  1: {cat} .\n") == "[grammar] {cat}: there is no list 'cat'");
  CHECK(refusal(words, "a -> end\n  1: {hero !gender} .\n").find("no closing brace") != std::string::npos);
  CHECK(refusal(words, "a -> end\n  1: {hero!topic} .\n") ==
        "[grammar] {hero!topic}: list 'hero' is not chosen by 'topic'");
  CHECK(refusal(words, "a -> end\n  1: {hero} .\n") == "[grammar] {hero}: no gender has been chosen before");
  CHECK(refusal(words, "a -> end\n  1: {=hero} .\n") == "[grammar] {=hero}: there is nothing to recall");
  CHECK(refusal(words, "a -> end\n  1: {hero!gender} {map} .\n") ==
        "[grammar] {map}: the list has no line for what was chosen before");
}
