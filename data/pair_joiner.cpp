#include <gradus/data/pair_joiner.h>

#include <gradus/core/check.h>

namespace gradus::data {

void PairJoiner::add(std::span<const std::int32_t> symbols, std::int64_t count) {
  const std::size_t begin = symbols_.size(), end = begin + symbols.size();
  check(end < none, "tokenizer", "the texts have more than 4 GB of different words. Train on fewer?");
  for (const std::int32_t symbol : symbols) {
    const std::size_t at = symbols_.size();
    symbols_.push_back({symbol, at == begin ? none : static_cast<std::uint32_t>(at - 1),
                        at + 1 == end ? none : static_cast<std::uint32_t>(at + 1),
                        static_cast<std::uint32_t>(counts_.size())});
  }
  counts_.push_back(count);
  for (std::size_t at = begin; at + 1 < end; ++at) count_pair(static_cast<std::uint32_t>(at), +1);
}

bool PairJoiner::find_best() {
  for (; known_ < pairs_.size(); ++known_) push(known_);
  while (!candidates_.empty()) {
    const Candidate best = candidates_.top();
    candidates_.pop();
    if (best.count == pairs_[best.pair].count) {
      best_ = best.pair;
      return true;
    }
    push(best.pair);  // joining others has left fewer of it
  }
  return false;
}

// Places stand from left to right where that matters, for two equal symbols: all such pairs were made when
// their symbol was.
void PairJoiner::join_best(std::int32_t joined) {
  const auto [left, right] = best();
  const std::vector<std::uint32_t> places = std::move(pairs_[best_].places);
  for (const std::uint32_t at : places) {
    const std::uint32_t gone = symbols_[at].next;
    if (symbols_[at].id == left && gone != none && symbols_[gone].id == right) join(at, joined);
  }
}

void PairJoiner::push(std::size_t pair) {
  const auto& [left, right, count, places] = pairs_[pair];
  if (count >= 2) candidates_.push({count, left, right, pair});
}

// Adds the pair of `at` and its next to the counts, or takes it off.
void PairJoiner::count_pair(std::uint32_t at, int sign) {
  const Symbol& symbol = symbols_[at];
  const std::int32_t right = symbols_[symbol.next].id;
  const auto [index, is_new] = indices_.emplace(symbol.id, right, pairs_.size());
  if (is_new) pairs_.push_back({symbol.id, right});
  Pair& pair = pairs_[*index];
  pair.count += sign * counts_[symbol.word];
  if (sign > 0) pair.places.push_back(at);
}

void PairJoiner::join(std::uint32_t at, std::int32_t joined) {
  Symbol& symbol = symbols_[at];
  Symbol& gone = symbols_[symbol.next];
  if (symbol.previous != none) count_pair(symbol.previous, -1);
  count_pair(at, -1);
  if (gone.next != none) count_pair(symbol.next, -1);
  symbol.id = joined;
  symbol.next = gone.next;
  gone.id = -1;
  if (symbol.previous != none) count_pair(symbol.previous, +1);
  if (symbol.next == none) return;
  symbols_[symbol.next].previous = at;
  count_pair(at, +1);
}

}  // namespace gradus::data
