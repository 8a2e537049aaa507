// Random choices one after another, for what is generated and not computed: corpora, orders, masks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <utility>

namespace gradus::data {

// Each (seed, stream) is a sequence of its own. What gives item i of a corpus a stream of its own can make it
// alone, first or last, in any thread, and it is the same item. The same on every machine: nothing here
// rounds.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream);
  // The stream of a place of several numbers, such as item 7 of epoch 2.
  Random(std::uint64_t seed, std::initializer_list<std::int64_t> place);

  std::uint32_t bits();
  std::int64_t below(std::int64_t n);                     // 0 to n - 1, each as likely
  double uniform();                                       // from [0, 1), a multiple of 2^-53
  bool chance(double p) { return uniform() < p; }         // true with probability p
  std::size_t weighted(std::span<const double> weights);  // i with probability weights[i] / their sum

  template <class Container>
  const auto& pick(const Container& from) {
    return from[static_cast<std::size_t>(below(static_cast<std::int64_t>(std::size(from))))];
  }

  // Fisher & Yates: every order as likely.
  template <class Items>
  void shuffle(Items&& items) {
    for (std::size_t left = std::size(items); left > 1; --left) {
      std::swap(items[left - 1], items[static_cast<std::size_t>(below(static_cast<std::int64_t>(left)))]);
    }
  }

 private:
  std::uint64_t seed_, stream_, block_ = 0;
  std::array<std::uint32_t, 4> drawn_{};
  std::size_t left_ = 0;  // of drawn_
};

}  // namespace gradus::data
