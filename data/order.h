// In which order the items of a corpus come, epoch by epoch, and which of them share a batch. It is a
// function of (seed, epoch, number of the batch): any batch can be asked for alone, by any thread, now or
// after a resume.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gradus::data {

// A batch among all: batch `batch` of epoch `epoch`, both from 0.
struct Place {
  std::int64_t epoch = 0, batch = 0;
  friend bool operator==(const Place&, const Place&) = default;
};

// How many sequences a batch has: one of the two is given.
struct BatchSize {
  std::int64_t sequences = 0;
  std::int64_t tokens = 0;  // as many as keep (their number) * (the longest one's length) at this or below
};

// What a source's batches depend on besides the place, for its state to name: "seed", "items", ...
using Facts = std::vector<std::pair<std::string, std::int64_t>>;

// Shuffled items in batches; each comes once an epoch. Where lengths are given, a batch has sequences of
// similar length, so that little of it is padding:
//
//   shuffle all; sort by length, which leaves the equally long ones shuffled;
//   cut into windows of a few batches, shuffle each and cut it into batches;
//   shuffle the batches.
//
// Every epoch has the same number of batches, and one of them may have fewer items than its size says.
class Order {
 public:
  Order(std::int64_t items, std::int64_t batch_size, std::uint64_t seed);
  Order(std::vector<std::int64_t> lengths, const BatchSize& size, std::uint64_t seed);

  std::vector<std::int64_t> items(const Place& place) const;  // by their numbers
  std::int64_t batches_per_epoch() const;
  const Facts& facts() const { return facts_; }

 private:
  struct Epochs;  // those made last: copies share them, and so do threads
  std::shared_ptr<Epochs> epochs_;
  Facts facts_;
};

// The part of an epoch's batches that is padding, from 0 to 1.
double padding_share(const Order& order, const std::vector<std::int64_t>& lengths, std::int64_t epoch = 0);

}  // namespace gradus::data
