#include <gradus/data/pad.h>

#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>
#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

const Ids one{5, 6, 7}, two{8};

std::vector<Ids> some_sequences() {
  Random random(23, 0);
  std::vector<Ids> sequences(20);
  for (Ids& ids : sequences) {
    ids.resize(static_cast<std::size_t>(1 + random.below(12)));
    for (std::int64_t& id : ids) id = random.below(9);
  }
  return sequences;
}

}  // namespace

TEST_CASE("sequences are filled up to the longest one, and the mask says with what", "[data]") {
  const Padded batch = pad({one, two}, 0);
  CHECK(equal(batch.ids, tensor({{5, 6, 7}, {8, 0, 0}}, i64)));
  CHECK(equal(batch.mask, tensor({{1, 1, 1}, {1, 0, 0}}, boolean)));
  CHECK(equal(batch.lengths, tensor({3, 1}, i64)));
  CHECK(equal(pad_targets({one, two}), tensor({{5, 6, 7}, {8, -100, -100}}, i64)));
}

TEST_CASE("a decoder reads from its beginning on and writes to its end", "[data]") {
  const Shifted batch = shift({one, two, IdsView()}, {.begin = 1, .end = 2, .padding = 0});
  CHECK(equal(batch.input, tensor({{1, 5, 6, 7}, {1, 8, 0, 0}, {1, 0, 0, 0}}, i64)));
  CHECK(equal(batch.target, tensor({{5, 6, 7, 2}, {8, 2, -100, -100}, {2, -100, -100, -100}}, i64)));
  CHECK(equal(batch.mask, tensor({{1, 1, 1, 1}, {1, 1, 0, 0}, {1, 0, 0, 0}}, boolean)));
  CHECK(equal(batch.lengths, tensor({4, 2, 1}, i64)));
}

TEST_CASE("masks agree with lengths, and targets are inputs shifted by one", "[data]") {
  const std::vector<Ids> sequences = some_sequences();
  const std::vector<IdsView> views(sequences.begin(), sequences.end());
  const Padded padded = pad(views, 0);
  const Shifted shifted = shift(views, {.begin = 10, .end = 11, .padding = 12});
  int wrong = 0;
  for (std::int64_t row = 0; row < 20; ++row) {
    const Ids& ids = sequences[static_cast<std::size_t>(row)];
    const auto length = static_cast<std::int64_t>(ids.size());
    wrong += padded.lengths[row].item() != static_cast<double>(length);
    wrong += shifted.lengths[row].item() != static_cast<double>(length + 1);
    for (std::int64_t t = 0; t < padded.ids.size(1); ++t) wrong += padded.mask[row][t].item() != (t < length);
    for (std::int64_t t = 0; t < shifted.input.size(1); ++t) {
      const double target = shifted.target[row][t].item();
      wrong += shifted.mask[row][t].item() != (t <= length);
      wrong += (target != -100) != (t <= length);
      if (t < length) wrong += target != shifted.input[row][t + 1].item();
      if (t == length) wrong += target != 11;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("cross_entropy takes the targets of a batch as those of its sequences apart", "[data]") {
  const DecoderIds ids{.begin = 9, .end = 10, .padding = 0};
  const Shifted both = shift({one, two}, ids);
  const Tensor logits = randn({2, both.input.size(1), 11}, f64);
  const Tensor apart = concat({logits[0].slice(0, 0, 4), logits[1].slice(0, 0, 2)}, 0);
  CHECK(cross_entropy(logits, both.target).item() ==
        Approx(cross_entropy(apart, tensor({5, 6, 7, 10, 8, 10}, i64)).item()).epsilon(1e-12));
}

TEST_CASE("padding refuses what it cannot fill up", "[data]") {
  const Ids none, negative{3, -1};
  CHECK(message_of([] { pad({}, 0); }) ==
        "[pad] there is no sequence to make a batch of. Is the corpus empty?");
  CHECK(message_of([&] { pad({one, none}, 0); }) == "[pad] sequence 1 has no ids. Leave it out?");
  CHECK(message_of([&] { pad({negative}, 0); }) ==
        "[pad] sequence 0 has an id -1. Ids are the rows of a table, from 0 up");
  CHECK(message_of([&] {
          shift({one, negative}, {.begin = 1, .end = 2, .padding = 0});
        }) == "[pad] sequence 1 has an id -1. Ids are the rows of a table, from 0 up");
}
