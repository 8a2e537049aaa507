#include <algorithm>
#include <limits>
#include <queue>
#include <tuple>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/bpe.h>
#include <gradus/data/byte_characters.h>
#include <gradus/data/pre_split.h>

namespace gradus::data {
namespace {

// All different pieces, as linked lists of tokens in one array, and of each pair of neighbours how often it
// comes and where. A merge then costs as much as there are places to change, however long the pieces.
class Pieces {
 public:
  void add(std::string_view bytes, std::int64_t count, const std::array<std::int32_t, 256>& byte_ids) {
    const std::size_t begin = symbols_.size(), end = begin + bytes.size();
    check(end < none, "bpe", "the texts have more than 4 GB of different words. Train on fewer?");
    for (const char byte : bytes) {
      const std::size_t at = symbols_.size();
      symbols_.push_back({byte_ids[static_cast<unsigned char>(byte)],
                          at == begin ? none : static_cast<std::uint32_t>(at - 1),
                          at + 1 == end ? none : static_cast<std::uint32_t>(at + 1),
                          static_cast<std::uint32_t>(counts_.size())});
    }
    counts_.push_back(count);
    for (std::size_t at = begin; at + 1 < end; ++at) count_pair(static_cast<std::uint32_t>(at), +1);
  }

  // The pair that comes most often, where one comes twice.
  bool find_best() {
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
  Bpe::Merge best() const { return {pairs_[best_].left, pairs_[best_].right}; }

  // Puts the token `joined` in all places of the best pair. They stand from left to right where that matters,
  // for two equal tokens, of three of which the first two are joined: all such pairs were made when their
  // token was.
  void join_best(std::int32_t joined) {
    const auto [left, right] = std::pair(pairs_[best_].left, pairs_[best_].right);
    const std::vector<std::uint32_t> places = std::move(pairs_[best_].places);
    for (const std::uint32_t at : places) {
      const std::uint32_t gone = symbols_[at].next;
      if (symbols_[at].id == left && gone != none && symbols_[gone].id == right) join(at, joined);
    }
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
  struct Symbol {
    std::int32_t id;  // -1 where it is joined to the one before
    std::uint32_t previous, next, piece;
  };
  struct Pair {
    std::int32_t left, right;
    std::int64_t count = 0;
    std::vector<std::uint32_t> places{};  // of the left token; some may have changed since
  };
  struct Candidate {
    std::int64_t count;
    std::int32_t left, right;
    std::size_t pair;
    // The largest of a heap is the next: more often, then older tokens.
    friend bool operator<(const Candidate& a, const Candidate& b) {
      return std::tuple(-a.count, a.left, a.right) > std::tuple(-b.count, b.left, b.right);
    }
  };

  void push(std::size_t pair) {
    const auto& [left, right, count, places] = pairs_[pair];
    if (count >= 2) candidates_.push({count, left, right, pair});
  }

  // Adds the pair of `at` and its next to the counts, or takes it off.
  void count_pair(std::uint32_t at, int sign) {
    const Symbol& symbol = symbols_[at];
    const std::int32_t right = symbols_[symbol.next].id;
    const auto [index, is_new] = indices_.emplace(symbol.id, right, pairs_.size());
    if (is_new) pairs_.push_back({symbol.id, right});
    Pair& pair = pairs_[*index];
    pair.count += sign * counts_[symbol.piece];
    if (sign > 0) pair.places.push_back(at);
  }

  void join(std::uint32_t at, std::int32_t joined) {
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

  std::vector<Symbol> symbols_;
  std::vector<std::int64_t> counts_;  // of each piece
  std::vector<Pair> pairs_;
  PairMap<std::size_t> indices_;  // of pairs_
  std::size_t known_ = 0;         // of pairs_, that have been candidates
  std::priority_queue<Candidate> candidates_;
  std::size_t best_ = 0;
};

}  // namespace

BpeTrainer::BpeTrainer(std::vector<std::string> special_tokens) : special_tokens_(std::move(special_tokens)) {
  std::map<std::string, std::int64_t, std::less<>> ids;
  for (const std::string& token : special_tokens_) {
    const bool is_new = ids.emplace(token, ids.size()).second;
    check(is_new, "bpe", "the special token '", token, "' is named twice");
  }
  special_ = SpecialTokens(std::move(ids));
}

void BpeTrainer::add(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Found special = special_.find(text, at);
    while (at < special.begin) {
      const std::size_t end = piece_end(text.substr(0, special.begin), at);
      const std::string_view piece = text.substr(at, end - at);
      const auto known = counts_.find(piece);
      ++(known != counts_.end() ? known : counts_.emplace(piece, 0).first)->second;
      at = end;
    }
    at = special.end;
  }
}

Bpe BpeTrainer::train(std::int64_t vocabulary_size) const {
  check(!counts_.empty(), "bpe", "there is no text to learn from. Add one before training");
  const std::int64_t least = 256 + static_cast<std::int64_t>(special_tokens_.size());
  check(vocabulary_size >= least, "bpe", "a vocabulary of ", vocabulary_size,
        " has no room for the 256 bytes and ", special_tokens_.size(), " special tokens. ", least,
        " or more?");
  std::vector<std::string> tokens;
  std::array<std::int32_t, 256> byte_ids{};
  for (const unsigned char byte : bytes_by_character()) {
    byte_ids[byte] = static_cast<std::int32_t>(tokens.size());
    tokens.push_back(character_of(byte));
  }
  Pieces pieces;
  for (const auto& [piece, count] : counts_)
    pieces.add(piece, count, byte_ids);  // their order changes no count
  std::vector<Bpe::Merge> merges;
  const auto room = static_cast<std::size_t>(vocabulary_size) - special_tokens_.size();
  while (tokens.size() < room && pieces.find_best()) {
    const Bpe::Merge merge = pieces.best();
    merges.push_back(merge);
    pieces.join_best(static_cast<std::int32_t>(tokens.size()));
    tokens.push_back(tokens[static_cast<std::size_t>(merge.left)] +
                     tokens[static_cast<std::size_t>(merge.right)]);
  }
  for (const std::string& token : special_tokens_) {
    check(std::find(tokens.begin(), tokens.end(), token) == tokens.end(), "bpe", "the special token '", token,
          "' is spelled as another token is. Put it in brackets?");
    tokens.push_back(token);
  }
  return {Vocabulary(std::move(tokens)), std::move(merges)};
}

}  // namespace gradus::data
