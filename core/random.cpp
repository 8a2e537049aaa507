#include <gradus/core/random.h>

#include <gradus/core/kernels/random.h>

namespace gradus {

RandomState Generator::state() const {
  return {seed_.load(std::memory_order_relaxed), counter_.load(std::memory_order_relaxed)};
}

void Generator::set_state(const RandomState& state) {
  seed_.store(state.seed, std::memory_order_relaxed);
  counter_.store(state.counter, std::memory_order_relaxed);
}

RandomState Generator::reserve(std::int64_t blocks) {
  const std::uint64_t first =
      counter_.fetch_add(static_cast<std::uint64_t>(blocks), std::memory_order_relaxed);
  return {seed_.load(std::memory_order_relaxed), first};
}

Generator& default_generator() {
  static Generator instance;
  return instance;
}

void manual_seed(std::uint64_t seed) { default_generator().set_state({seed, 0}); }

std::array<std::uint32_t, 4> philox(const std::array<std::uint32_t, 4>& counter,
                                    const std::array<std::uint32_t, 2>& key) {
  std::array<std::uint32_t, 4> x = counter;
  for (std::uint32_t round = 0; round < kernels::philox_rounds; ++round)
    kernels::philox_round(x[0], x[1], x[2], x[3], key[0] + round * kernels::philox_steps[0],
                          key[1] + round * kernels::philox_steps[1]);
  return x;
}

}  // namespace gradus
