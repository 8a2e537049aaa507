// Random numbers from a counter instead of a state that is stepped: number i is a function of (seed, counter
// + i), so threads draw any part of a sequence without waiting for each other, and the same seed gives the
// same numbers whatever their number. What draws tensors from here is in create.h.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gradus {

// A place in the random numbers of a seed. Whatever is drawn there can be drawn again from it: a dropout
// keeps its place for the backward pass instead of its mask.
struct RandomState {
  std::uint64_t seed = 0;
  std::uint64_t counter = 0;  // in blocks of 128 bits
  friend bool operator==(const RandomState&, const RandomState&) = default;
};

// Hands out places, each once. Several threads may share a generator; which of
// them gets which place is then chance.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // The next place to be handed out; setting it back draws the same numbers again.
  // Not while other threads draw.
  RandomState state() const;
  void set_state(const RandomState& state);

  // Where the next `blocks` blocks of 128 bits begin, which from now on are the caller's.
  RandomState reserve(std::int64_t blocks);

  // f(the place of the next `blocks` blocks). Where f throws, nothing was drawn, unless another
  // draw came after.
  template <class F>
  auto draw(std::int64_t blocks, const F& f) {
    const RandomState from = reserve(blocks);
    try {
      return f(from);
    } catch (...) {
      std::uint64_t next = from.counter + static_cast<std::uint64_t>(blocks);
      counter_.compare_exchange_strong(next, from.counter, std::memory_order_relaxed);
      throw;
    }
  }

 private:
  std::atomic<std::uint64_t> seed_;
  std::atomic<std::uint64_t> counter_{0};
};

// Where random tensors come from unless told otherwise. It begins with seed 0,
// so that programs repeat themselves.
Generator& default_generator();
void manual_seed(std::uint64_t seed);  // the default generator's, from the start of its numbers

// One block of Philox 4x32-10: a bijection on 128 bits chosen by the key, ten rounds of multiplying and
// mixing. Passes all of BigCrush, a battery of statistical tests.
// Salmon, Moraes, Dror & Shaw 2011, "Parallel Random Numbers: As Easy as 1, 2, 3"
std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                    const std::array<std::uint32_t, 2>& key);

}  // namespace gradus
