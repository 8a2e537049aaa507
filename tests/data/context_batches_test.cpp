// Word2vec's batches: windows against plain loops, how often words are kept and drawn against their laws.
#include <gradus/data/context_batches.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

constexpr Word2VecTask cbow = Word2VecTask::cbow, skip_gram = Word2VecTask::skip_gram;

Ids numbers(const Tensor& x) { return x.to_vector<std::int64_t>(); }

struct Row {
  Ids known;
  std::int64_t target;
  Ids negatives;
  friend auto operator<=>(const Row&, const Row&) = default;
};

std::vector<Row> rows_of(const ContextBatch& batch) {
  const Ids lengths = numbers(batch.known.lengths), targets = numbers(batch.target);
  std::vector<Row> rows;
  for (std::int64_t r = 0; r < batch.target.numel(); ++r) {
    Ids known = numbers(batch.known.ids[r].clone());
    known.resize(static_cast<std::size_t>(lengths[static_cast<std::size_t>(r)]));
    rows.push_back({known, targets[static_cast<std::size_t>(r)], numbers(batch.negatives[r].clone())});
  }
  return rows;
}

std::vector<Row> rows_of_epoch(const Source<ContextBatch>& source, std::int64_t epoch) {
  std::vector<Row> all;
  for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
    for (Row& row : rows_of(source.at({epoch, i}))) all.push_back(std::move(row));
  return all;
}

// Ids below `words`, of which id w has a share that falls as 1 / (w + 1).
Ids some_text(std::int64_t count, std::int64_t words) {
  std::vector<double> weights;
  for (std::int64_t w = 0; w < words; ++w) weights.push_back(1 / static_cast<double>(w + 1));
  Random random(5, 0);
  Ids text;
  for (std::int64_t i = 0; i < count; ++i)
    text.push_back(static_cast<std::int64_t>(random.weighted(weights)));
  return text;
}

bool is_near(std::int64_t count, std::int64_t of, double share) {
  const double n = static_cast<double>(of);
  return std::abs(static_cast<double>(count) - n * share) <= 5 * std::sqrt(n * share * (1 - share));
}

}  // namespace

TEST_CASE("where all words are kept, rows are the windows of the text, in each epoch", "[data]") {
  for (const std::int64_t window : {std::int64_t{1}, std::int64_t{2}, std::int64_t{5}, INT64_MAX})
    for (const bool is_cbow : {true, false}) {
      const Ids text = some_text(41, 12);
      const auto size = static_cast<std::int64_t>(text.size());
      std::vector<Row> expected;
      for (std::int64_t i = 0; i < size; ++i) {
        Row row{{}, text[static_cast<std::size_t>(i)], {}};
        for (std::int64_t j = 0; j < size; ++j) {
          if (j == i || std::abs(i - j) > window) continue;
          const std::int64_t other = text[static_cast<std::size_t>(j)];
          row.known.push_back(other);
          if (!is_cbow) expected.push_back({{row.target}, other, {}});
        }
        if (is_cbow) expected.push_back(row);
      }
      std::sort(expected.begin(), expected.end());
      const Source<ContextBatch> source = context_batches(text, {.task = is_cbow ? cbow : skip_gram,
                                                                 .window = window,
                                                                 .threshold = 1,
                                                                 .negatives = 0,
                                                                 .batch_size = 7});
      CHECK(source.batches_per_epoch() == 6);
      std::vector<Row> first = rows_of_epoch(source, 0), second = rows_of_epoch(source, 1);
      CHECK(first != second);
      std::sort(first.begin(), first.end());
      std::sort(second.begin(), second.end());
      CHECK(first == expected);
      CHECK(second == expected);
    }
}

TEST_CASE("of a word's places the share sqrt(threshold / f) is kept, and no place more often", "[data]") {
  const Ids text = some_text(20000, 30);
  std::map<std::int64_t, double> count, kept;
  for (const std::int64_t id : text) ++count[id];
  for (const Row& row :
       rows_of_epoch(context_batches(text, {.task = cbow, .threshold = 0.02, .negatives = 0}), 3))
    ++kept[row.target];
  bool some_whole = false, some_part = false;
  for (const auto& [id, n] : count) {
    const double share = std::min(1.0, std::sqrt(0.02 / (n / 20000)));
    CHECK(kept[id] >= n * share - 1e-6);
    CHECK(kept[id] < n * share + 1);
    (share < 1 ? some_part : some_whole) = true;
  }
  CHECK((some_whole && some_part));

  // 1 0 2 3 0 4 5 0 6 ...: a 0 that is taken out makes its neighbours each other's.
  Ids pairs;
  for (std::int64_t k = 1; k < 200; k += 2) pairs.insert(pairs.end(), {k, 0, k + 1});
  const Source<ContextBatch> source =
      context_batches(pairs, {.task = cbow, .window = 1, .threshold = 0.003, .negatives = 0});
  constexpr std::int64_t zeros = 10;  // 100 sqrt(0.003 / (1/3)) = 9.49, rounded up
  std::map<std::int64_t, std::int64_t> of_place;
  for (std::int64_t epoch = 0; epoch < 300; ++epoch) {
    std::int64_t found = 0, joined = 0;
    for (const Row& row : rows_of_epoch(source, epoch)) {
      if (row.target == 0) {
        ++found;
        ++of_place[row.known[0]];
        CHECK(row.known[1] == row.known[0] + 1);
      } else if (row.target % 2 == 1) {
        joined += row.known.back() == row.target + 1;
      }
    }
    CHECK(found == zeros);
    CHECK(joined == 100 - zeros);
  }
  CHECK(of_place.size() == 100);
  for (const auto& [place, times] : of_place) CHECK(is_near(times, 300, 0.1));
}

TEST_CASE("negatives come as often as count^(3/4) says, and are never the target", "[data]") {
  constexpr std::int64_t words = 20;
  const Ids text = some_text(4000, words);
  std::vector<double> weight(words);
  for (const std::int64_t id : text) ++weight[static_cast<std::size_t>(id)];
  for (double& count : weight) count = std::pow(count, 0.75);
  const double all = std::accumulate(weight.begin(), weight.end(), 0.0);

  const Source<ContextBatch> source = context_batches(text, {.window = 2, .threshold = 1, .negatives = 6});
  std::map<std::int64_t, std::vector<double>> drawn;  // by target
  for (const Row& row : rows_of_epoch(source, 0)) {
    CHECK(row.negatives.size() == 6);
    std::vector<double>& counts = drawn.try_emplace(row.target, words).first->second;
    for (const std::int64_t id : row.negatives) ++counts[static_cast<std::size_t>(id)];
  }
  for (const std::int64_t target : {0, 1, 19}) {
    const std::vector<double>& counts = drawn.at(target);
    const double draws = std::accumulate(counts.begin(), counts.end(), 0.0);
    double chi_squared = 0;
    for (std::size_t id = 0; id < words; ++id) {
      if (static_cast<std::int64_t>(id) == target) {
        CHECK(counts[id] == 0);
        continue;
      }
      const double expected = draws * weight[id] / (all - weight[static_cast<std::size_t>(target)]);
      chi_squared += (counts[id] - expected) * (counts[id] - expected) / expected;
    }
    CHECK(draws > 1000);
    const double freedom = words - 2;
    CHECK(std::abs(chi_squared - freedom) < 4 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("a word that the text does not have is never drawn", "[data]") {
  const Ids text = {7, 3, 7, 7, 3, 9};
  std::set<std::int64_t> seen;
  for (const Row& row : rows_of_epoch(context_batches(text, {.threshold = 1, .negatives = 50}), 0))
    seen.insert(row.negatives.begin(), row.negatives.end());
  CHECK(seen == std::set<std::int64_t>{3, 7, 9});
}

TEST_CASE("word2vec's batches are functions of their place", "[data]") {
  const Ids text = some_text(300, 10);
  for (const Word2VecTask task : {cbow, skip_gram}) {
    const ContextOptions options{.task = task, .threshold = 0.05, .batch_size = 16, .seed = 3};
    Source<ContextBatch> one = context_batches(text, options), other = context_batches(text, options);
    std::vector<std::vector<Row>> in_order;
    for (std::int64_t i = 0; i < 3 * one.batches_per_epoch(); ++i) in_order.push_back(rows_of(one.next()));
    for (std::size_t i = in_order.size(); i-- > 0;) {
      const auto batch = static_cast<std::int64_t>(i), size = other.batches_per_epoch();
      CHECK(rows_of(other.at({batch / size, batch % size})) == in_order[i]);
    }
    other.load_state(one.state());
    CHECK(rows_of(other.next()) == rows_of(one.next()));
    ContextOptions seeded = options;
    seeded.seed = 4;
    CHECK(rows_of(context_batches(text, seeded).next()) != in_order[0]);
  }
  const auto refused = [&](const ContextOptions& options) {
    return message_of([&] {
      Source<ContextBatch> source = context_batches(text, {});
      source.load_state(context_batches(text, options).state());
    });
  };
  CHECK(refused({.task = cbow}).find("skip_gram is 0 there and 1 here") != std::string::npos);
  CHECK(refused({.window = 4}).find("window is 4 there and 5 here") != std::string::npos);
  CHECK(refused({.negatives = 4}).find("negatives is 4 there and 5 here") != std::string::npos);
  CHECK(refused({.threshold = 1}).find("items is 300 there") != std::string::npos);
}

TEST_CASE("the first row of word2vec's batches is the same on every machine", "[data]") {
  const Ids text = some_text(1000, 50);
  const ContextOptions options{.task = cbow, .window = 2, .threshold = 5e-4, .seed = 8};
  const std::vector<Row> rows = rows_of(context_batches(text, options).next());
  CHECK(rows[0].known == Ids{3, 38});
  CHECK(rows[0].target == 25);
  CHECK(rows[0].negatives == Ids{12, 33, 3, 36, 0});
}

TEST_CASE("word2vec's batches refuse what has no contexts", "[data]") {
  const Ids text = {0, 1, 2, 1};
  const auto refused = [](const Ids& ids, const ContextOptions& options) {
    return message_of([&] { context_batches(ids, options); });
  };
  CHECK(refused({}, {}) ==
        "[context_batches] a text of 0 ids has no two that differ. Was the right file read?");
  CHECK(refused({4, 4, 4}, {}) ==
        "[context_batches] a text of 3 ids has no two that differ. Was the right file read?");
  CHECK(refused({4, -1}, {}) ==
        "[context_batches] id 1 of the text is -1. Ids are the rows of a table, from 0 up");
  CHECK(refused(text, {.window = 0}) == "[context_batches] window is 0 and batch_size 64. Set both above 0?");
  CHECK(refused(text, {.batch_size = -1}) ==
        "[context_batches] window is 5 and batch_size -1. Set both above 0?");
  CHECK(refused(text, {.negatives = -1}) == "[context_batches] a target has 0 or more negatives, not -1. 5?");
  for (const double threshold : {0.0, -1.0, 1.5, std::nan("")})
    CHECK(refused(text, {.threshold = threshold}).find("threshold is a part of the text, not ") !=
          std::string::npos);
}
