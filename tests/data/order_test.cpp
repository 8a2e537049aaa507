#include <gradus/data/order.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <thread>

#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

using Numbers = std::vector<std::int64_t>;

std::vector<Numbers> epoch_of(const Order& order, std::int64_t epoch) {
  std::vector<Numbers> batches;
  for (std::int64_t batch = 0; batch < order.batches_per_epoch(); ++batch)
    batches.push_back(order.items({epoch, batch}));
  return batches;
}

Numbers joined(const std::vector<Numbers>& batches) {
  Numbers all;
  for (const Numbers& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

bool has_each_once(Numbers items, std::size_t count) {
  std::sort(items.begin(), items.end());
  Numbers expected(count);
  std::iota(expected.begin(), expected.end(), 0);
  return items == expected;
}

Numbers some_lengths(std::int64_t count) {
  Random random(17, 0);
  Numbers lengths;
  for (std::int64_t i = 0; i < count; ++i) lengths.push_back(3 + random.below(30));
  return lengths;
}

std::int64_t longest_of(const Numbers& batch, const Numbers& lengths) {
  std::int64_t longest = 0;
  for (const std::int64_t item : batch) longest = std::max(longest, lengths[static_cast<std::size_t>(item)]);
  return longest;
}

}  // namespace

TEST_CASE("each place of a seed has random numbers of its own", "[data]") {
  std::set<Numbers> drawn;
  int places = 0;
  const auto draw = [&](Random random) {
    Numbers numbers;
    for (int i = 0; i < 6; ++i) numbers.push_back(random.bits());
    drawn.insert(numbers);
    ++places;
  };
  for (const std::uint64_t seed : {1, 2}) {
    draw(Random(seed, {}));
    for (std::int64_t a = -1; a < 20; ++a) {
      draw(Random(seed, {a}));
      for (std::int64_t b = 0; b < 20; ++b) draw(Random(seed, {a, b}));
    }
  }
  CHECK(drawn.size() == static_cast<std::size_t>(places));
  CHECK(Random(1, {5, 7}).bits() == Random(1, {5, 7}).bits());
}

TEST_CASE("every item comes exactly once an epoch", "[data]") {
  for (const std::int64_t count : {1, 2, 7, 64, 1000}) {
    const Numbers lengths = some_lengths(count);
    for (const Order& order : {Order(count, 1, 3), Order(count, 16, 3), Order(count, 5000, 3),
                               Order(lengths, {.sequences = 16}, 3), Order(lengths, {.tokens = 100}, 3)})
      for (std::int64_t epoch = 0; epoch < 3; ++epoch)
        CHECK(has_each_once(joined(epoch_of(order, epoch)), lengths.size()));
  }
}

TEST_CASE("all orders of a few items are equally likely", "[data]") {
  const Order order(4, 1, 11);
  std::map<Numbers, double> counts;
  for (std::int64_t epoch = 0; epoch < 24000; ++epoch) ++counts[joined(epoch_of(order, epoch))];
  REQUIRE(counts.size() == 24);
  double chi_square = 0;
  for (const auto& [items, count] : counts) chi_square += (count - 1000) * (count - 1000) / 1000;
  CHECK(std::abs(chi_square - 23) < 5 * std::sqrt(2 * 23.0));
}

TEST_CASE("a batch is the same whatever was asked for before it, and by however many threads", "[data]") {
  const Numbers lengths = some_lengths(500);
  const Order order(lengths, {.tokens = 256}, 5), another(lengths, {.tokens = 256}, 5);
  std::vector<std::vector<Numbers>> epochs;
  for (std::int64_t epoch = 0; epoch < 4; ++epoch) epochs.push_back(epoch_of(order, epoch));
  int different = 0;
  for (std::int64_t batch = another.batches_per_epoch(); batch-- > 0;)
    for (const std::size_t epoch : {2, 0, 3, 1})
      different += another.items({static_cast<std::int64_t>(epoch), batch}) !=
                   epochs[epoch][static_cast<std::size_t>(batch)];
  CHECK(different == 0);

  std::vector<std::vector<Numbers>> seen(4);
  std::vector<std::thread> threads;
  for (std::size_t epoch = 0; epoch < 4; ++epoch)
    threads.emplace_back([&, epoch] { seen[epoch] = epoch_of(another, static_cast<std::int64_t>(epoch)); });
  for (std::thread& thread : threads) thread.join();
  CHECK(seen == epochs);
}

TEST_CASE("epochs and seeds shuffle differently, and let other sequences meet", "[data]") {
  const Numbers lengths = some_lengths(600);
  const Order order(lengths, {.sequences = 8}, 1), other_seed(lengths, {.sequences = 8}, 2);
  const auto pairs_of = [](const std::vector<Numbers>& batches) {
    std::set<std::pair<std::int64_t, std::int64_t>> pairs;
    for (const Numbers& batch : batches)
      for (const std::int64_t a : batch)
        for (const std::int64_t b : batch)
          if (a < b) pairs.insert({a, b});
    return pairs;
  };
  const auto first = pairs_of(epoch_of(order, 0));
  for (const auto& batches : {epoch_of(order, 1), epoch_of(other_seed, 0)}) {
    std::size_t met_again = 0;
    for (const auto& pair : pairs_of(batches)) met_again += first.count(pair);
    CHECK(met_again < first.size() / 4);
  }
  // Neither the long nor the short ones come first.
  double first_half = 0, second_half = 0;
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const Numbers items = joined(epoch_of(order, epoch));
    for (std::size_t i = 0; i < items.size(); ++i)
      (i < items.size() / 2 ? first_half : second_half) +=
          static_cast<double>(lengths[static_cast<std::size_t>(items[i])]) / (20.0 * 300);
  }
  // Of 75 batches, whose mean lengths have a deviation of 8.7, in each half of 20 epochs.
  CHECK(std::abs(first_half - second_half) < 5 * 8.7 * std::sqrt(2 / (20 * 37.5)));
}

TEST_CASE("batches by length keep to their size, and all but one fill it", "[data]") {
  const Numbers lengths = some_lengths(2000);
  std::size_t smaller = 0;
  for (const Numbers& batch : epoch_of(Order(lengths, {.sequences = 32}, 1), 0)) {
    CHECK(batch.size() <= 32);
    smaller += batch.size() < 32;
  }
  CHECK(smaller == 1);  // 2000 = 62 * 32 + 16

  const Order by_tokens(lengths, {.tokens = 512}, 1);
  for (const Numbers& batch : epoch_of(by_tokens, 0))
    CHECK(longest_of(batch, lengths) * static_cast<std::int64_t>(batch.size()) <= 512);
  const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  CHECK(static_cast<double>(tokens) / static_cast<double>(by_tokens.batches_per_epoch() * 512) > 0.85);
}

TEST_CASE("sequences of similar length in a batch leave little padding", "[data]") {
  const Numbers lengths = some_lengths(2000);
  CHECK(padding_share(Order(2000, 32, 1), lengths) > 0.35);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    CHECK(padding_share(Order(lengths, {.sequences = 32}, 1), lengths, epoch) < 0.05);
    CHECK(padding_share(Order(lengths, {.tokens = 512}, 1), lengths, epoch) < 0.05);
  }
  // Lengths 4, 1 and 1 in one batch: 12 places for 6 tokens.
  CHECK(padding_share(Order(3, 3, 1), {4, 1, 1}) == 0.5);
  CHECK(padding_share(Order({4, 1, 1}, {.tokens = 4}, 1), {4, 1, 1}) == 0);
}

TEST_CASE("an order refuses what has none", "[data]") {
  CHECK(message_of([] { Order(0, 4, 1); }) ==
        "[order] there are no items to make batches of. Is the corpus empty?");
  CHECK(message_of([] { Order(10, 0, 1); }) ==
        "[order] a batch has a number of sequences or of tokens, above 0; got 0 sequences and 0 tokens. Set "
        "one "
        "of them?");
  CHECK(message_of([] { Order({3}, {.sequences = 2, .tokens = 5}, 1); }) ==
        "[order] a batch has a number of sequences or of tokens, above 0; got 2 sequences and 5 tokens. Set "
        "one "
        "of them?");
  CHECK(message_of([] {
          Order({3, 0}, {.sequences = 2}, 1);
        }) == "[order] item 1 has length 0. Leave out what is empty?");
  CHECK(message_of([] {
          Order({3, 9}, {.tokens = 8}, 1);
        }) ==
        "[order] item 1 has 9 tokens, and a batch takes no more than 8. Raise that, or leave out what is "
        "longer?");
  CHECK(message_of([] {
          Order(10, 4, 1).items({2, 3});
        }) == "[order] there is no batch 3 of epoch 2: an epoch has 3. Count from 0?");
  CHECK(message_of([] {
          Order(10, 4, 1).items({-1, 0});
        }) == "[order] there is no batch 0 of epoch -1: an epoch has 3. Count from 0?");
  CHECK(message_of([] {
          padding_share(Order(3, 3, 1), {4, 1});
        }).find("and there are 2 lengths") != std::string::npos);
}
