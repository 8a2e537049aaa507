#include <gradus/data/prefetch.h>

#include <atomic>
#include <latch>
#include <numeric>
#include <stdexcept>

#include <gradus/core/create.h>
#include <gradus/data/bert_batches.h>
#include <gradus/data/lm_batches.h>
#include <gradus/optim/training_state.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

Source<LmBatch> windows() {
  Ids text(500);
  std::iota(text.begin(), text.end(), 0);
  return window_batches(text, {.batch_size = 4, .block = 8, .seed = 3});
}

bool same(const LmBatch& a, const LmBatch& b) {
  return equal(a.input, b.input) && equal(a.target, b.target) && a.begins == b.begins;
}

// One batch after the other, from a state that is stepped: its batches have no places.
class Counter {
 public:
  std::int64_t next() {
    std::int64_t& count = *count_.data<std::int64_t>();
    if (count == fails_at) throw std::runtime_error("no more");
    return count++;
  }
  std::vector<NamedTensor> state() const { return {{"count", count_}}; }  // the tensor that goes on changing
  void load_state(const std::vector<NamedTensor>& state) {
    check(state.size() == 1 && state[0].name == "count", "counter", "refused");
    count_ = from_vector(state[0].value.to_vector<std::int64_t>());
  }

  std::int64_t fails_at = -1;

 private:
  Tensor count_ = zeros({1}, i64);
};

}  // namespace

TEST_CASE("batches made in advance are those made in turn, by any number of workers", "[data]") {
  for (const int workers : {1, 2, 3}) {
    Source<LmBatch> alone = windows();
    Prefetch batches(windows(), workers);
    CHECK(batches.batches_per_epoch() == alone.batches_per_epoch());
    int different = 0;
    for (std::int64_t i = 0; i < 5 * alone.batches_per_epoch(); ++i)
      different += !same(batches.next(), alone.next());
    CHECK(different == 0);
  }
}

TEST_CASE("BERT's masks and pairs are the same from three workers", "[data]") {
  std::vector<Document> documents(20, Document(5, Ids(9, 7)));
  const BertOptions options{
      .batch_size = 8, .longest = 64, .masking = {.vocabulary = 50, .special = {0, 1, 2, 3, 4}}, .seed = 2};
  Source<BertBatch> alone = bert_batches(documents, options);
  Prefetch batches(bert_batches(documents, options), 3);
  for (int i = 0; i < 40; ++i) {
    const BertBatch a = alone.next(), b = batches.next();
    CHECK((equal(a.ids, b.ids) && equal(a.segments, b.segments) && equal(a.mask, b.mask) &&
           equal(a.labels, b.labels) && equal(a.is_random, b.is_random)));
  }
}

TEST_CASE("the state is that of the last batch returned, whatever was made since", "[data]") {
  // It goes on only when the second batch has been made, which nobody has asked for.
  std::latch second(1);
  std::atomic<int> made = 0;
  const auto make = [&](const Place& place) {
    if (++made == 2) second.count_down();
    return place.batch;
  };
  Prefetch batches(Source<std::int64_t>(Bookmark(100, {}), make));
  CHECK(batches.next() == 0);
  second.wait();
  Source<std::int64_t> resumed(Bookmark(100, {}), [](const Place& place) { return place.batch; });
  resumed.load_state(batches.state());
  CHECK(resumed.place() == Place{0, 1});
}

TEST_CASE("resumed from any place, prefetched batches give the same rest", "[data]") {
  Prefetch batches(windows(), 2), resumed(windows(), 3);
  for (int passed = 0; passed < 30; ++passed) {
    Source<LmBatch> alone = windows();
    alone.load_state(batches.state());
    resumed.load_state(batches.state());
    for (int i = 0; i < 3; ++i) CHECK(same(resumed.next(), alone.next()));
    batches.next();
  }
}

TEST_CASE("a state that is refused changes nothing", "[data]") {
  Prefetch batches(windows(), 2);
  Source<LmBatch> alone = windows();
  for (int i = 0; i < 3; ++i) batches.next(), alone.next();
  const Source<LmBatch> other = sequential_batches({1, 2, 3}, {.batch_size = 1, .block = 1});
  CHECK(message_of([&] { batches.load_state(other.state()); }).find("[batches]") == 0);
  for (int i = 0; i < 3; ++i) CHECK(same(batches.next(), alone.next()));
}

TEST_CASE("what a worker throws comes out of next(), in its turn, and next() may be called again", "[data]") {
  for (const int workers : {1, 3}) {
    std::atomic<bool> broken = true;
    const auto make = [&](const Place& place) {
      if (place.batch == 4 && broken) throw std::runtime_error("no disk");
      return place.batch;
    };
    Prefetch batches(Source<std::int64_t>(Bookmark(100, {}), make), workers);
    for (std::int64_t i = 0; i < 4; ++i) CHECK(batches.next() == i);
    for (int again = 0; again < 2; ++again) CHECK_THROWS_WITH(batches.next(), "no disk");
    broken = false;
    for (std::int64_t i = 4; i < 12; ++i) CHECK(batches.next() == i);
  }
}

TEST_CASE("a source that makes one batch after the other has one worker", "[data]") {
  Prefetch batches{Counter()};
  for (std::int64_t i = 0; i < 10; ++i) {
    CHECK(batches.next() == i);
    CHECK(batches.state()[0].value.item() == static_cast<double>(i + 1));
  }
  Counter resumed;
  resumed.load_state(batches.state());
  CHECK(resumed.next() == 10);
  CHECK_THROWS_AS(batches.load_state({}), Error);
  CHECK(batches.next() == 10);

  Counter ends;
  ends.fails_at = 2;
  Prefetch few(ends);
  CHECK(few.next() == 0);
  CHECK(few.next() == 1);
  CHECK_THROWS_WITH(few.next(), "no more");
  CHECK(few.state()[0].value.item() == 2);

  CHECK(message_of([] { Prefetch<Counter>(Counter(), 2); }) ==
        "[prefetch] this source makes one batch after the other, which 2 workers cannot share. Use 1?");
  CHECK(message_of([] { Prefetch<Counter>(Counter(), 0); }) ==
        "[prefetch] needs a worker or more, not 0. 1?");
}

TEST_CASE("prefetched batches may be left at any time", "[data]") {
  { const Prefetch never_asked(windows(), 3); }
  for (int taken = 1; taken < 20; ++taken) {
    Prefetch batches(windows(), 1 + taken % 3);
    for (int i = 0; i < taken; ++i) batches.next();
  }
  Prefetch thrown(
      Source<int>(Bookmark(9, {}), [](const Place&) -> int { throw std::runtime_error("never"); }), 3);
  CHECK_THROWS(thrown.next());
}

TEST_CASE("a prefetched source is a part of a training", "[data]") {
  Prefetch batches(windows(), 2), other(windows());
  for (int i = 0; i < 7; ++i) batches.next();
  const optim::Part from = optim::part("batches", batches), to = optim::part("batches", other);
  to.load(from.state());
  CHECK(same(other.next(), batches.next()));
}
