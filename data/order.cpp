#include <gradus/data/order.h>

#include <algorithm>
#include <functional>
#include <mutex>
#include <numeric>
#include <span>

#include <gradus/core/check.h>
#include <gradus/data/random.h>
#include <gradus/data/streams.h>

namespace gradus::data {
namespace {

using Numbers = std::vector<std::int64_t>;

std::int64_t at(const Numbers& numbers, std::int64_t i) { return numbers[static_cast<std::size_t>(i)]; }
std::int64_t count_of(const Numbers& numbers) { return static_cast<std::int64_t>(numbers.size()); }

Numbers first_numbers(std::int64_t count) {
  Numbers numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

// Batches that a window holds: the more, the more sequences may meet, and the wider their lengths are spread.
// Little data has small windows, since its lengths lie further apart.
std::int64_t batches_in_window(std::int64_t batches) { return std::clamp<std::int64_t>(batches / 32, 1, 8); }

void check_lengths(const Numbers& lengths, const BatchSize& size) {
  check((size.sequences > 0 && size.tokens == 0) || (size.tokens > 0 && size.sequences == 0), "order",
        "a batch has a number of sequences or of tokens, above 0; got ", size.sequences, " sequences and ",
        size.tokens, " tokens. Set one of them?");
  check(!lengths.empty(), "order", "there are no items to make batches of. Is the corpus empty?");
  for (std::size_t item = 0; item < lengths.size(); ++item) {
    check(lengths[item] > 0, "order", "item ", item, " has length ", lengths[item],
          ". Leave out what is empty?");
    check(size.tokens == 0 || lengths[item] <= size.tokens, "order", "item ", item, " has ", lengths[item],
          " tokens, and a batch takes no more than ", size.tokens,
          ". Raise that, or leave out what is longer?");
  }
}

}  // namespace

struct Order::Epochs {
  struct Epoch {
    std::int64_t number;
    Numbers items;    // batch after batch, as cut
    Numbers batches;  // of these, in the order in which they come
  };

  // Where windows and batches begin among the items sorted by length is the same in each epoch.
  Epochs(Numbers all_lengths, const BatchSize& size, std::uint64_t with_seed)
      : seed(with_seed), lengths(std::move(all_lengths)) {
    Numbers sorted = lengths;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    const std::int64_t items = count_of(lengths);
    const std::int64_t in_window =
        batches_in_window(size.tokens > 0 ? tokens / size.tokens : items / size.sequences);
    for (std::int64_t begin = 0; begin < items;) {
      window_begins.push_back(begin);
      const std::int64_t longest = at(sorted, begin);
      const std::int64_t sequences =
          std::min(size.tokens > 0 ? size.tokens / longest : size.sequences, items);
      for (std::int64_t batch = 0; batch < in_window && begin < items; ++batch) {
        batch_begins.push_back(begin);
        begin = std::min(begin + sequences, items);
      }
    }
    window_begins.push_back(items);
    batch_begins.push_back(items);
  }

  std::int64_t batches_per_epoch() const { return count_of(batch_begins) - 1; }

  Epoch make(std::int64_t number) const {
    Random random(seed, {streams::order, number});
    Epoch epoch{.number = number,
                .items = first_numbers(count_of(lengths)),
                .batches = first_numbers(batches_per_epoch())};
    random.shuffle(epoch.items);
    std::stable_sort(epoch.items.begin(), epoch.items.end(),
                     [this](std::int64_t a, std::int64_t b) { return at(lengths, a) > at(lengths, b); });
    for (std::size_t w = 0; w + 1 < window_begins.size(); ++w)
      random.shuffle(
          std::span(epoch.items.begin() + window_begins[w], epoch.items.begin() + window_begins[w + 1]));
    random.shuffle(epoch.batches);
    return epoch;
  }

  // Two are kept, since some threads may have begun the next one.
  std::shared_ptr<const Epoch> epoch(std::int64_t number) {
    const std::lock_guard lock(mutex);
    std::shared_ptr<const Epoch>& kept = last[number % 2];
    if (!kept || kept->number != number) kept = std::make_shared<const Epoch>(make(number));
    return kept;
  }

  std::uint64_t seed;
  Numbers lengths, window_begins, batch_begins;  // and where the last ones end
  std::mutex mutex;
  std::shared_ptr<const Epoch> last[2];
};

Order::Order(std::int64_t items, std::int64_t batch_size, std::uint64_t seed)
    : Order(Numbers(static_cast<std::size_t>(std::max<std::int64_t>(items, 0)), 1), {.sequences = batch_size},
            seed) {}

Order::Order(std::vector<std::int64_t> lengths, const BatchSize& size, std::uint64_t seed) {
  check_lengths(lengths, size);
  facts_ = {{"seed", static_cast<std::int64_t>(seed)},
            {"items", count_of(lengths)},
            {"tokens", std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0})},
            {"batch_sequences", size.sequences},
            {"batch_tokens", size.tokens}};
  epochs_ = std::make_shared<Epochs>(std::move(lengths), size, seed);
}

std::int64_t Order::batches_per_epoch() const { return epochs_->batches_per_epoch(); }

std::vector<std::int64_t> Order::items(const Place& place) const {
  check(place.epoch >= 0 && place.batch >= 0 && place.batch < batches_per_epoch(), "order",
        "there is no batch ", place.batch, " of epoch ", place.epoch, ": an epoch has ", batches_per_epoch(),
        ". Count from 0?");
  const auto epoch = epochs_->epoch(place.epoch);
  const std::int64_t batch = at(epoch->batches, place.batch);
  return {epoch->items.begin() + at(epochs_->batch_begins, batch),
          epoch->items.begin() + at(epochs_->batch_begins, batch + 1)};
}

double padding_share(const Order& order, const std::vector<std::int64_t>& lengths, std::int64_t epoch) {
  std::int64_t tokens = 0, places = 0;
  for (std::int64_t batch = 0; batch < order.batches_per_epoch(); ++batch) {
    const Numbers items = order.items({epoch, batch});
    std::int64_t longest = 0;
    for (const std::int64_t item : items) {
      check(item < count_of(lengths), "padding_share", "the order has an item ", item, ", and there are ",
            lengths.size(), " lengths. Of another corpus?");
      tokens += at(lengths, item);
      longest = std::max(longest, at(lengths, item));
    }
    places += longest * count_of(items);
  }
  return 1 - static_cast<double>(tokens) / static_cast<double>(places);
}

}  // namespace gradus::data
