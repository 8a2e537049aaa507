#include <gradus/data/pair_batches.h>

#include <set>

#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

std::vector<IdsPair> some_pairs() {
  Random random(29, 0);
  std::vector<IdsPair> pairs(300);
  for (auto& [source, target] : pairs) {
    source.resize(static_cast<std::size_t>(1 + random.below(20)));
    target.resize(source.size() + static_cast<std::size_t>(random.below(3)));
    for (Ids* ids : {&source, &target})
      for (std::int64_t& id : *ids) id = 3 + random.below(50);
  }
  return pairs;
}

const DecoderIds ids{.begin = 1, .end = 2, .padding = 0};

// The first `count` ids of a row.
Ids row_of(const Tensor& x, std::int64_t row, const Tensor& count) {
  return x[row]
      .slice(0, 0, static_cast<std::int64_t>(count[row].item()))
      .contiguous()
      .to_vector<std::int64_t>();
}

}  // namespace

TEST_CASE("every pair comes whole, once an epoch, with the numbers it has in the corpus", "[data]") {
  const std::vector<IdsPair> pairs = some_pairs();
  for (const BatchSize size : {BatchSize{.sequences = 16}, BatchSize{.tokens = 200}}) {
    const Source<PairBatch> source = pair_batches(pairs, {.size = size, .ids = ids});
    std::set<std::int64_t> seen;
    std::int64_t places = 0, real = 0;
    for (std::int64_t i = 0; i < source.batches_per_epoch(); ++i) {
      const PairBatch batch = source.at({0, i});
      const Ids items = batch.items.to_vector<std::int64_t>();
      for (std::int64_t row = 0; row < batch.items.numel(); ++row) {
        const std::int64_t item = items[static_cast<std::size_t>(row)];
        const auto& [read, written] = pairs[static_cast<std::size_t>(item)];
        CHECK(seen.insert(item).second);
        CHECK(row_of(batch.source.ids, row, batch.source.lengths) == read);
        Ids input = row_of(batch.target.input, row, batch.target.lengths);
        Ids target = row_of(batch.target.target, row, batch.target.lengths);
        CHECK(input.front() == 1);
        CHECK(target.back() == 2);
        input.erase(input.begin());
        target.pop_back();
        CHECK(input == written);
        CHECK(target == written);
        real += static_cast<std::int64_t>(read.size() + written.size() + 1);
      }
      for (const Tensor& side : {batch.source.ids, batch.target.input}) {
        places += side.numel();
        if (size.tokens > 0) CHECK(side.numel() <= size.tokens);
      }
    }
    CHECK(seen.size() == pairs.size());
    CHECK(static_cast<double>(real) / static_cast<double>(places) > 0.8);  // little padding on either side
  }
}

TEST_CASE("pair batches refuse pairs that cannot be read", "[data]") {
  CHECK(message_of([] { pair_batches({}, {.size = {.sequences = 4}, .ids = ids}); }) ==
        "[order] there are no items to make batches of. Is the corpus empty?");
  CHECK(message_of([] {
          pair_batches({{{3}, {4}}, {{}, {4}}}, {.size = {.sequences = 4}, .ids = ids});
        }) == "[pair_batches] pair 1 has nothing to read. Leave it out?");
  CHECK(message_of([] {
          pair_batches({{{3}, {4, 5, 6}}}, {.size = {.tokens = 3}, .ids = ids});
        }) ==
        "[order] item 0 has 4 tokens, and a batch takes no more than 3. Raise that, or leave out what is "
        "longer?");
}
