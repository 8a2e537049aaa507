#include <gradus/data/bleu.h>

#include <sstream>
#include <string>

#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

using Ids = std::vector<std::int64_t>;
using Words = std::vector<std::string>;

Words words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::vector<Ids> sentences_of(const Json& lists) {
  std::vector<Ids> sentences;
  for (const Json& list : lists.array()) {
    sentences.emplace_back();
    for (const Json& id : list.array()) sentences.back().push_back(id.integer());
  }
  return sentences;
}

// To the last digits of a double; 0 must be 0.
Approx close_to(double value) { return Approx(value).epsilon(1e-12); }

}  // namespace

TEST_CASE("BLEU is what its definition gives in exact fractions", "[data]") {
  const std::string path = GRADUS_SOURCE_DIR "/tests/data/golden/bleu.json";
  int smoothed = 0, too_short = 0, short_of_nothing = 0;
  const Json cases = parse_json(read_file(path), path);
  for (const Json& one : cases.array()) {
    const std::vector<Ids> predicted = sentences_of(one.at("predicted")),
                           expected = sentences_of(one.at("expected"));
    BleuCounts counts;
    for (std::size_t i = 0; i < predicted.size(); ++i) counts += bleu_counts(predicted[i], expected[i]);
    CHECK(bleu(counts) == close_to(one.at("bleu").number()));
    for (std::size_t k = 1; k <= 4; ++k)
      CHECK(d2l_bleu(predicted[0], expected[0], k) == close_to(one.at("d2l").array()[k - 1].number()));
    smoothed += counts.matches[0] > 0 && counts.matches[3] == 0 && counts.totals[3] > 0;
    too_short += counts.predicted_length < counts.expected_length;
    short_of_nothing += counts.predicted_length > counts.expected_length;
  }
  // The cases reach every branch.
  CHECK(smoothed >= 3);
  CHECK(too_short >= 3);
  CHECK(short_of_nothing >= 3);
}

TEST_CASE("BLEU has its published values", "[data]") {
  // From sacreBLEU's own tests: these counts, both sides 11 long.
  CHECK(bleu({{9, 7, 5, 3}, {10, 8, 6, 4}, 11, 11}) == Approx(83.75922397).epsilon(1e-9));
  // Papineni et al. 2002: of seven times "the", two are in "the cat is on the mat".
  const Words the(7, "the");
  CHECK(bleu_counts(the, words_of("the cat is on the mat")).matches[0] == 2);
  // Dive into Deep Learning, k = 2: 3 of 4 words and 1 of 3 pairs; 2 of 5 words and 1 of 4 pairs.
  CHECK(d2l_bleu(words_of("she runs very home"), words_of("she runs fast home"), 2) ==
        Approx(0.658).margin(5e-4));
  CHECK(d2l_bleu(words_of("we all come now here"), words_of("go and we all leave"), 2) ==
        Approx(0.447).margin(5e-4));
}

TEST_CASE("words and their numbers have one BLEU, and a translation that is right has the highest",
          "[data]") {
  const BleuCounts counts =
      bleu_counts(words_of("the cat sat on the mat"), words_of("the cat lay on the mat"));
  CHECK(counts == bleu_counts(Ids{0, 1, 2, 3, 0, 4}, Ids{0, 1, 5, 3, 0, 4}));
  CHECK(counts == BleuCounts{{5, 3, 1, 0}, {6, 5, 4, 3}, 6, 6});
  const Ids right{1, 2, 3, 4, 5};
  CHECK(bleu(bleu_counts(right, right)) == close_to(100));
  CHECK(d2l_bleu(right, right, 4) == 1);
}

TEST_CASE("BLEU of nothing is 0", "[data]") {
  CHECK(bleu({}) == 0);
  CHECK(bleu(bleu_counts(Ids{}, Ids{1, 2, 3, 4})) == 0);
  CHECK(bleu(bleu_counts(Ids{1, 2, 3, 4}, Ids{})) == 0);
  CHECK(bleu(bleu_counts(Ids{1, 2, 3}, Ids{1, 2, 3})) == 0);  // no four tokens
  CHECK(d2l_bleu(Ids{}, Ids{1}, 2) == 0);
  CHECK(d2l_bleu(Ids{1}, Ids{}, 2) == 0);
  CHECK(d2l_bleu(Ids{1}, Ids{1}, 2) == 1);  // there is no pair to look for
  CHECK(message_of([] { d2l_bleu(Ids{1}, Ids{1}, 0); }) ==
        "[d2l_bleu] counts n-grams up to n = k, and k is 0. 2?");
}
