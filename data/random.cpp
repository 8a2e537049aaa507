#include <gradus/data/random.h>

#include <cmath>

#include <gradus/core/check.h>
#include <gradus/core/random.h>

namespace gradus::data {
namespace {

// Block `block` of a stream: a bijection of (block, stream) for each seed.
std::array<std::uint32_t, 4> block_of(std::uint64_t seed, std::uint64_t stream, std::uint64_t block) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  return philox({low(block), high(block), low(stream), high(stream)}, {low(seed), high(seed)});
}

}  // namespace

Random::Random(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

// Each number of the place leads on to another seed and stream.
Random::Random(std::uint64_t seed, std::initializer_list<std::int64_t> place)
    : Random(seed, std::uint64_t{place.size()}) {
  for (const std::int64_t number : place) {
    const std::array<std::uint32_t, 4> next = block_of(seed_, stream_, static_cast<std::uint64_t>(number));
    seed_ = std::uint64_t{next[1]} << 32 | next[0];
    stream_ = std::uint64_t{next[3]} << 32 | next[2];
  }
}

std::uint32_t Random::bits() {
  if (left_ == 0) {
    drawn_ = block_of(seed_, stream_, block_);
    ++block_;
    left_ = drawn_.size();
  }
  return drawn_[--left_];
}

std::int64_t Random::below(std::int64_t n) {
  check(n > 0 && n <= std::int64_t{1} << 32, "random", "below(", n,
        ") has nothing to choose from, or more than 2^32");
  // The upper half of bits * n. The first 2^32 mod n values of its lower half are refused, and each result is
  // left with equally many.   Lemire 2019, "Fast Random Integer Generation in an Interval"
  const auto bound = static_cast<std::uint64_t>(n);
  const std::uint64_t refused = (std::uint64_t{1} << 32) % bound;
  std::uint64_t product = 0;
  do product = bits() * bound;
  while ((product & 0xffffffff) < refused);
  return static_cast<std::int64_t>(product >> 32);
}

double Random::uniform() {
  const std::uint64_t upper = bits() >> 5, lower = bits() >> 6;  // 27 and 26 bits
  return static_cast<double>(upper << 26 | lower) * 0x1p-53;
}

std::size_t Random::weighted(std::span<const double> weights) {
  double total = 0;
  for (const double weight : weights) {
    check(weight >= 0, "random", "a weight is ", weight, ": none may be below 0");
    total += weight;
  }
  check(total > 0 && std::isfinite(total), "random", "weights that sum to ", total, " choose nothing");
  double left = uniform() * total;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] == 0) continue;
    if (left < weights[i]) return i;
    left -= weights[i];
    last = i;
  }
  return last;  // sums round
}

}  // namespace gradus::data
