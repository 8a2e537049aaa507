// What BPE and WordPiece learn by: of all pairs of neighbours in some words, the one that comes most often
// becomes one symbol, in every word at once, again and again. Sennrich, Haddow & Birch 2016
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <queue>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include <gradus/data/pair_map.h>

namespace gradus::data {

// The words are linked lists of symbols in one array, and for each pair it is known how often it comes and
// where. To join one costs as much as there are places to change, however long the words.
class PairJoiner {
 public:
  // A word, and how often it comes.
  void add(std::span<const std::int32_t> symbols, std::int64_t count);

  // Finds the pair that comes most often, where one comes twice; of equals the one whose left, then right
  // symbol is the smaller.
  bool find_best();
  std::pair<std::int32_t, std::int32_t> best() const { return {pairs_[best_].left, pairs_[best_].right}; }

  // Puts a new symbol, larger than all before, in all places of the best pair; of three equal symbols the
  // first two are joined.
  void join_best(std::int32_t joined);

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  struct Symbol {
    std::int32_t id;  // -1 where it is joined to the one before
    std::uint32_t previous, next, word;
  };
  struct Pair {
    std::int32_t left, right;
    std::int64_t count = 0;
    std::vector<std::uint32_t> places{};  // of the left symbol; some may have changed since
  };
  struct Candidate {
    std::int64_t count;
    std::int32_t left, right;
    std::size_t pair;
    // The largest of a heap is the next: more often, then smaller symbols.
    friend bool operator<(const Candidate& a, const Candidate& b) {
      return std::tuple(-a.count, a.left, a.right) > std::tuple(-b.count, b.left, b.right);
    }
  };

  void push(std::size_t pair);
  void count_pair(std::uint32_t at, int sign);
  void join(std::uint32_t at, std::int32_t joined);

  std::vector<Symbol> symbols_;
  std::vector<std::int64_t> counts_;  // of each word
  std::vector<Pair> pairs_;
  PairMap<std::size_t> indices_;  // of pairs_
  std::size_t known_ = 0;         // of pairs_, that have been candidates
  std::priority_queue<Candidate> candidates_;
  std::size_t best_ = 0;
};

}  // namespace gradus::data
