// Greedy decoding and beam search against plain loops and against all sequences there are, on a writer whose
// logits are chance: a function of all that a row has been given.
#include <algorithm>
#include <cmath>
#include <limits>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/create.h>
#include <gradus/models/decoding.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using data::Ids;
constexpr std::int64_t vocabulary = 4, begin_id = 0, end_id = 3;
constexpr double infinity = std::numeric_limits<double>::infinity();

// The logits behind these ids of a row that began as number `row`.
std::vector<double> logits_behind(std::int64_t row, const Ids& ids, std::uint64_t seed) {
  std::uint64_t place = seed * 100 + static_cast<std::uint64_t>(row);
  for (const std::int64_t id : ids) place = place * 7 + static_cast<std::uint64_t>(id) + 1;
  Generator generator(place);
  return (randn({vocabulary}, f64, generator) * 2.0).to_vector<double>();
}

class ByChance final : public Writer {
 public:
  ByChance(std::int64_t rows, std::uint64_t seed) : seed_(seed) {
    for (std::int64_t row = 0; row < rows; ++row) rows_.push_back({row, {}});
  }
  Tensor next(const Tensor& ids) override {
    const Ids given = ids.to_vector<std::int64_t>();
    REQUIRE(given.size() == rows_.size());
    std::vector<double> all;
    for (std::size_t r = 0; r < given.size(); ++r) {
      rows_[r].second.push_back(given[r]);
      for (const double x : logits_behind(rows_[r].first, rows_[r].second, seed_)) all.push_back(x);
    }
    asked += static_cast<std::int64_t>(given.size());
    return from_vector(all, {static_cast<std::int64_t>(given.size()), vocabulary});
  }
  void keep_rows(const Tensor& rows) override {
    std::vector<std::pair<std::int64_t, Ids>> kept;
    for (const std::int64_t row : rows.to_vector<std::int64_t>()) kept.push_back(rows_.at(row));
    rows_ = std::move(kept);
  }

  std::int64_t asked = 0;  // rows, in all calls

 private:
  std::uint64_t seed_;
  std::vector<std::pair<std::int64_t, Ids>> rows_;
};

// Always the same logits.
struct Constant final : Writer {
  explicit Constant(std::vector<double> one) : logits(std::move(one)) {}
  Tensor next(const Tensor& ids) override {
    const auto size = static_cast<std::int64_t>(logits.size());
    return from_vector(logits, {1, size}).expand({ids.size(0), size}).contiguous();
  }
  void keep_rows(const Tensor&) override {}
  std::vector<double> logits;
};

std::vector<double> log_probabilities(std::int64_t row, const Ids& written, std::uint64_t seed) {
  Ids given{begin_id};
  given.insert(given.end(), written.begin(), written.end());
  std::vector<double> logits = logits_behind(row, given, seed);
  double total = 0;
  for (const double x : logits) total += std::exp(x);
  for (double& x : logits) x -= std::log(total);
  return logits;
}

double score_of(double log_probability, std::size_t length, double penalty) {
  return log_probability / std::pow((5.0 + static_cast<double>(length)) / 6.0, penalty);
}

void sort_by_score(std::vector<Hypothesis>& all) {
  std::sort(all.begin(), all.end(),
            [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
}

// Every sequence that ends, or has max_length ids.
void every_sequence(std::int64_t row, std::uint64_t seed, std::size_t max_length, double penalty,
                    const Ids& ids, double log_p, std::vector<Hypothesis>& all) {
  const std::vector<double> more = log_probabilities(row, ids, seed);
  for (std::int64_t id = 0; id < vocabulary; ++id) {
    const double total = log_p + more[static_cast<std::size_t>(id)];
    const std::size_t length = ids.size() + 1;
    Ids longer = ids;
    if (id != end_id) longer.push_back(id);
    if (id == end_id || length == max_length)
      all.push_back({longer, total, score_of(total, length, penalty)});
    else
      every_sequence(row, seed, max_length, penalty, longer, total, all);
  }
}

// One row's search as it is told in books, to the very last step: of all that the open ones may become, the
// best `width`; those of them that end are found.
std::vector<Hypothesis> plain_beam(std::int64_t row, std::uint64_t seed, std::size_t max_length,
                                   std::size_t width, double penalty) {
  struct Path {
    Ids ids;
    double log_p;
  };
  std::vector<Path> open{{{}, 0.0}};
  std::vector<Hypothesis> found;
  for (std::size_t length = 1; length <= max_length; ++length) {
    std::vector<Path> longer;
    for (const Path& path : open) {
      const std::vector<double> more = log_probabilities(row, path.ids, seed);
      for (std::int64_t id = 0; id < vocabulary; ++id) {
        longer.push_back({path.ids, path.log_p + more[static_cast<std::size_t>(id)]});
        longer.back().ids.push_back(id);
      }
    }
    std::sort(longer.begin(), longer.end(), [](const Path& a, const Path& b) { return a.log_p > b.log_p; });
    longer.resize(std::min(longer.size(), width));
    open.clear();
    for (Path& path : longer) {
      const bool ends = path.ids.back() == end_id;
      if (!ends && length < max_length) {
        open.push_back(path);
        continue;
      }
      if (ends) path.ids.pop_back();
      found.push_back({path.ids, path.log_p, score_of(path.log_p, length, penalty)});
    }
  }
  sort_by_score(found);
  found.resize(std::min(found.size(), width));
  return found;
}

void check_same(const std::vector<Hypothesis>& ours, const std::vector<Hypothesis>& expected) {
  REQUIRE(ours.size() == expected.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(ours[i].ids == expected[i].ids);
    CHECK(ours[i].log_probability == Approx(expected[i].log_probability).epsilon(1e-12));
    CHECK(ours[i].score == Approx(expected[i].score).epsilon(1e-12));
  }
}

DecodeOptions up_to(std::int64_t length) { return {.begin = begin_id, .end = end_id, .max_length = length}; }

}  // namespace

TEST_CASE("greedy writes the most likely token each time, in every row until its end", "[model]") {
  bool one_ended = false, one_did_not = false;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    ByChance writer(3, seed);
    const std::vector<Ids> written = greedy(writer, 3, up_to(6));
    REQUIRE(written.size() == 3);
    for (std::int64_t row = 0; row < 3; ++row) {
      Ids expected;
      while (expected.size() < 6) {
        const std::vector<double> log_p = log_probabilities(row, expected, seed);
        const auto best = std::max_element(log_p.begin(), log_p.end()) - log_p.begin();
        if (best == end_id) break;
        expected.push_back(best);
      }
      CHECK(written[static_cast<std::size_t>(row)] == expected);
      (expected.size() < 6 ? one_ended : one_did_not) = true;
    }
  }
  CHECK((one_ended && one_did_not));
}

TEST_CASE("rows that have ended cost greedy no more calls", "[model]") {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    ByChance writer(4, seed);
    std::int64_t needed = 0;
    for (const Ids& ids : greedy(writer, 4, up_to(6)))
      needed += std::min<std::int64_t>(static_cast<std::int64_t>(ids.size()) + 1, 6);
    CHECK(writer.asked == needed);
  }
}

TEST_CASE("a beam of width 1 is greedy, whatever the length penalty", "[model]") {
  const double penalty = GENERATE(0.0, 0.6, 3.0);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    ByChance one(3, seed), other(3, seed);
    const std::vector<Ids> expected = greedy(one, 3, up_to(6));
    const auto found = beam_search(other, 3, {.decode = up_to(6), .width = 1, .length_penalty = penalty});
    for (std::size_t row = 0; row < 3; ++row) {
      REQUIRE(found[row].size() == 1);
      CHECK(found[row][0].ids == expected[row]);
    }
  }
}

TEST_CASE("a beam that leaves nothing out finds all sequences in the order of their scores", "[model]") {
  const double penalty = GENERATE(0.0, 0.6, 1.5);
  ByChance writer(2, 1);
  const auto found = beam_search(writer, 2, {.decode = up_to(4), .width = 200, .length_penalty = penalty});
  for (std::int64_t row = 0; row < 2; ++row) {
    std::vector<Hypothesis> all;
    every_sequence(row, 1, 4, penalty, {}, 0, all);
    REQUIRE(all.size() == 1 + 3 + 9 + 27 * 4);  // those that end after 0 to 2 ids, and the others
    sort_by_score(all);
    check_same(found[static_cast<std::size_t>(row)], all);
  }
}

TEST_CASE("beam search, which stops early, finds what a search to the last step finds", "[model]") {
  const double penalty = GENERATE(0.0, 0.6, 2.0);
  const std::int64_t width = GENERATE(2, 3, 5);
  std::int64_t asked = 0, in_full = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    ByChance writer(3, seed);
    const auto found =
        beam_search(writer, 3, {.decode = up_to(7), .width = width, .length_penalty = penalty});
    for (std::int64_t row = 0; row < 3; ++row)
      check_same(found[static_cast<std::size_t>(row)],
                 plain_beam(row, seed, 7, static_cast<std::size_t>(width), penalty));
    asked += writer.asked;
    in_full += 3 * (1 + 6 * width);
  }
  CHECK(asked < in_full);
}

TEST_CASE("without a length penalty a score is the logarithm of the probability", "[model]") {
  ByChance writer(1, 5);
  const auto found = beam_search(writer, 1, {.decode = up_to(5), .length_penalty = 0});
  for (const Hypothesis& one : found[0]) {
    CHECK(one.score == one.log_probability);
    double total = 0;
    Ids ids;
    for (const std::int64_t id : one.ids) {
      total += log_probabilities(0, ids, 5)[static_cast<std::size_t>(id)];
      ids.push_back(id);
    }
    if (ids.size() < 5) total += log_probabilities(0, ids, 5)[end_id];
    CHECK(one.log_probability == Approx(total).epsilon(1e-12));
  }
}

TEST_CASE("what is impossible is never written", "[model]") {
  Constant writer({-infinity, 1, -infinity, 0});
  const auto found = beam_search(writer, 1, {.decode = up_to(4)});
  CHECK(found[0].size() == 4);
  for (const Hypothesis& one : found[0])
    CHECK(std::all_of(one.ids.begin(), one.ids.end(), [](std::int64_t id) { return id == 1; }));
}

TEST_CASE("decoding refuses what it cannot do", "[model][error]") {
  ByChance writer(2, 0);
  CHECK(message_of([&] { greedy(writer, -1, up_to(3)); }) ==
        "[greedy] cannot write -1 rows. How many does the writer have?");
  CHECK(message_of([&] { greedy(writer, 2, up_to(0)); }) ==
        "[greedy] max_length must be above 0, not 0. 64?");
  CHECK(message_of([&] { greedy(writer, 2, {.begin = -1, .end = 3}); }) ==
        "[greedy] begin and end are ids from 0 on, not -1 and 3. Does the vocabulary have them?");
  CHECK(message_of([&] { greedy(writer, 2, {.begin = 0, .end = 4}); }) ==
        "[greedy] the end, 4, is none of the writer's 4 tokens. Another tokenizer's?");
  CHECK(message_of([&] { beam_search(writer, 2, {.decode = up_to(3), .width = 0}); }) ==
        "[beam_search] the width must be above 0, not 0. 1 for greedy?");
  CHECK(message_of([&] { beam_search(writer, 2, {.decode = up_to(3), .length_penalty = -1}); }) ==
        "[beam_search] length_penalty must be a number from 0 on, not -1. 0 for none?");
  Constant broken({std::nan(""), 1, 2, 0});
  CHECK(message_of([&] { beam_search(broken, 1, {.decode = up_to(3)}); }) ==
        "[beam_search] the writer's logits for row 0 are not numbers. Did its training diverge?");
  CHECK(greedy(writer, 0, up_to(3)).empty());
}
