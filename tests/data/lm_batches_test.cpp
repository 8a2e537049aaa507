#include <gradus/data/lm_batches.h>

#include <map>
#include <numeric>
#include <set>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

// Ids that are their own places.
Ids counted(std::int64_t count) {
  Ids text(static_cast<std::size_t>(count));
  std::iota(text.begin(), text.end(), 0);
  return text;
}

Ids numbers(const Tensor& x) { return x.contiguous().to_vector<std::int64_t>(); }

bool is_shifted(const LmBatch& batch) {
  Ids next = numbers(batch.input);
  for (std::int64_t& id : next) ++id;
  return next == numbers(batch.target);
}

}  // namespace

TEST_CASE("in sequential batches each row goes on where it ended", "[data]") {
  for (const std::int64_t length : {13, 40, 41, 97, 100}) {
    Source<LmBatch> source = sequential_batches(counted(length), {.batch_size = 3, .block = 4});
    LmBatch before = source.next();
    CHECK(before.begins);
    for (std::int64_t i = 1; i < 3 * source.batches_per_epoch(); ++i) {
      const LmBatch batch = source.next();
      CHECK(is_shifted(batch));
      CHECK(batch.begins == (i % source.batches_per_epoch() == 0));
      if (!batch.begins)
        CHECK(equal(batch.input.select(1, 0), before.target.select(1, before.target.size(1) - 1)));
      before = batch;
    }
  }
}

TEST_CASE("sequential batches lose fewer targets than they have rows", "[data]") {
  for (const std::int64_t length : {13, 40, 41, 97, 100})
    for (const std::int64_t rows : {1, 3}) {
      const Source<LmBatch> source = sequential_batches(counted(length), {.batch_size = rows, .block = 4});
      std::multiset<std::int64_t> seen;
      for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i)
        for (const std::int64_t id : numbers(source.at({0, i}).target)) seen.insert(id);
      const std::int64_t kept = (length - 1) / rows * rows;
      const Ids targets = counted(kept + 1);
      CHECK(seen == std::multiset<std::int64_t>(targets.begin() + 1, targets.end()));
    }
}

TEST_CASE("windows lie side by side at another offset each epoch, and no target comes twice in one",
          "[data]") {
  const std::int64_t block = 8, length = 203;
  const Source<LmBatch> source =
      window_batches(counted(length), {.batch_size = 5, .block = block, .seed = 4});
  std::map<std::int64_t, int> in_how_many;
  std::set<std::int64_t> offsets;
  std::set<Ids> orders;
  for (std::int64_t epoch = 0; epoch < 120; ++epoch) {
    std::set<std::int64_t> targets;
    Ids firsts;
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i) {
      const LmBatch batch = source.at({epoch, i});
      CHECK(is_shifted(batch));
      CHECK(batch.begins);
      for (std::int64_t row = 0; row < batch.input.size(0); ++row) {
        const Ids window = numbers(batch.input[row]);
        CHECK(window.size() == static_cast<std::size_t>(block));
        for (std::size_t t = 1; t < window.size(); ++t) CHECK(window[t] == window[t - 1] + 1);
        firsts.push_back(window[0]);
        for (const std::int64_t id : numbers(batch.target[row])) CHECK(targets.insert(id).second);
      }
    }
    // One stretch of the text, without a hole, that leaves less than two blocks.
    const auto count = static_cast<std::int64_t>(targets.size());
    CHECK(*targets.rbegin() - *targets.begin() + 1 == count);
    CHECK(length - 1 - count < 2 * block);
    offsets.insert(*targets.begin());
    orders.insert(firsts);
    for (const std::int64_t id : targets) ++in_how_many[id];
  }
  CHECK(offsets.size() == 11);  // 202 targets are 24 windows and 10
  CHECK(orders.size() == 120);
  CHECK(in_how_many.size() == static_cast<std::size_t>(length - 1));  // every id but the first is a target
}

TEST_CASE("a text as long as it must be is one window, whole", "[data]") {
  for (const std::int64_t length : {9, 12, 16}) {
    Source<LmBatch> source = window_batches(counted(length), {.batch_size = 2, .block = 8, .seed = 1});
    CHECK(source.batches_per_epoch() == 1);
    for (int epoch = 0; epoch < 20; ++epoch) {
      const LmBatch batch = source.next();
      CHECK(batch.input.shape() == Shape{1, 8});
      CHECK(batch.target[0][7].item() < static_cast<double>(length));
    }
  }
}

TEST_CASE("language-model batches refuse texts without a batch", "[data]") {
  CHECK(message_of([] { window_batches({}, {.batch_size = 2, .block = 8}); }) ==
        "[lm_batches] the text is empty. Was the right file read?");
  CHECK(
      message_of([] { window_batches(counted(8), {.batch_size = 2, .block = 8}); }) ==
      "[lm_batches] a text of 8 ids is too short for 1 block of 8 and the id behind. Use smaller batches or "
      "blocks?");
  CHECK(message_of([] { sequential_batches(counted(16), {.batch_size = 2, .block = 8}); }) ==
        "[lm_batches] a text of 16 ids is too short for 2 blocks of 8 and the id behind. Use smaller batches "
        "or "
        "blocks?");
  CHECK(message_of([] { sequential_batches(counted(16), {.batch_size = 0, .block = 8}); }) ==
        "[lm_batches] a batch has rows of ids: batch_size is 0 and block 8. Set both above 0?");
  CHECK(message_of([] { window_batches(counted(16), {.batch_size = 2, .block = 0}); }) ==
        "[lm_batches] a batch has rows of ids: batch_size is 2 and block 0. Set both above 0?");
  CHECK(message_of([] {
          sequential_batches({1, -2, 3}, {.batch_size = 1, .block = 1});
        }) == "[lm_batches] id 1 of the text is -2. Ids are the rows of a table, from 0 up");
}

TEST_CASE("the state of language-model batches is that of their text and their blocks", "[data]") {
  Source<LmBatch> source = window_batches(counted(50), {.batch_size = 2, .block = 4});
  CHECK(message_of([&] {
          source.load_state(window_batches(counted(51), {.batch_size = 2, .block = 4}).state());
        }).find("text is 51 there and 50 here") != std::string::npos);
  Source<LmBatch> other = sequential_batches(counted(50), {.batch_size = 2, .block = 4});
  CHECK(message_of([&] {
          other.load_state(sequential_batches(counted(50), {.batch_size = 4, .block = 2}).state());
        }).find("batch_size is 4 there and 2 here") != std::string::npos);
}
