// From pairs of token ids to values, where a std::unordered_map would be most of an encoder's time: one block
// of memory, mostly a single access for each question.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gradus::data {

template <class Value>
class PairMap {
 public:
  // The pair's value, or nullptr.
  const Value* find(std::int32_t left, std::int32_t right) const {
    const Slot& slot = slots_[slot_of(key_of(left, right))];
    return slot.key == no_key ? nullptr : &slot.value;
  }

  // The pair's value, and whether it is new and is `value`.
  std::pair<Value*, bool> emplace(std::int32_t left, std::int32_t right, Value value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const std::uint64_t key = key_of(left, right);
    Slot& slot = slots_[slot_of(key)];
    const bool is_new = slot.key == no_key;
    if (is_new) {
      slot = {key, std::move(value)};
      ++size_;
    }
    return {&slot.value, is_new};
  }

 private:
  static constexpr std::uint64_t no_key = ~std::uint64_t{0};  // ids are not negative
  struct Slot {
    std::uint64_t key = no_key;
    Value value{};
  };

  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
  }

  // Where the key is, or the empty slot where it belongs. Multiplied by 2^64 / the golden ratio, a key's bits
  // all reach the upper half (Knuth, The Art of Computer Programming, 6.4).
  std::size_t slot_of(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (key * 0x9e3779b97f4a7c15 >> 32) & mask;
    while (slots_[at].key != key && slots_[at].key != no_key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old)
      if (slot.key != no_key) slots_[slot_of(slot.key)] = std::move(slot);
  }

  std::vector<Slot> slots_ = std::vector<Slot>(16);  // a power of two of them, at most half of them full
  std::size_t size_ = 0;
};

}  // namespace gradus::data
