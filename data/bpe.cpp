#include <gradus/data/bpe.h>

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/byte_characters.h>
#include <gradus/data/pre_split.h>

namespace gradus::data {

// Joins the bytes of one piece after another. The parts of a piece are a linked list in an array, each at the
// place of its first byte.
class Bpe::Merger {
 public:
  explicit Merger(const Bpe& bpe) : bpe_(bpe) {}

  // f(id, begin, end) for each token of the piece, its bytes counted from the piece's first.
  template <class F>
  void tokens(std::string_view piece, const F& f) {
    split(piece);
    if (is_long())
      join_listed();
    else
      join_in_turns();
    for (std::uint32_t at = 0; at < parts_.size(); at = parts_[at].next)
      f(parts_[at].id, at, parts_[at].next);
  }

 private:
  static constexpr std::int32_t no_rank = std::numeric_limits<std::int32_t>::max();
  struct Part {
    std::uint32_t previous,
        next;  // where those parts begin; before the first 0, behind the last the piece's size
    std::int32_t id;
    std::int32_t rank;  // of the merge that joins it with the next part
  };

  void split(std::string_view piece) {
    check(piece.size() < std::numeric_limits<std::uint32_t>::max(), "bpe", "a word of ", piece.size(),
          " bytes is longer than 4 GB. Is it text?");
    const auto size = static_cast<std::uint32_t>(piece.size());
    parts_.resize(size);
    for (std::uint32_t at = 0; at < size; ++at)
      parts_[at] = {at - (at > 0), at + 1, bpe_.byte_ids_[static_cast<unsigned char>(piece[at])], no_rank};
    if (is_long()) places_.resize(bpe_.joined_.size());
    for (std::uint32_t at = 0; at < size; ++at) rank(at);
  }

  // The definition, with n^2 steps at most: all pairs of the earliest merge, then again.
  void join_in_turns() {
    while (true) {
      std::int32_t earliest = no_rank;
      for (std::uint32_t at = 0; at < parts_.size(); at = parts_[at].next)
        earliest = std::min(earliest, parts_[at].rank);
      if (earliest == no_rank) return;
      for (std::uint32_t at = 0; at < parts_.size(); at = parts_[at].next)
        if (parts_[at].rank == earliest) join(at);
    }
  }

  // The same for long pieces, where each merge has a list of its places. They stand from left to right where
  // that matters, for two equal tokens: whatever becomes a token does so in the same turn everywhere, since
  // nothing from outside has touched it, so that all pairs of equals were listed in one turn.
  void join_listed() {
    std::vector<std::uint32_t> places;
    while (!ranks_.empty()) {
      const std::int32_t earliest = ranks_.top();
      ranks_.pop();
      places.clear();
      places.swap(places_[static_cast<std::size_t>(earliest)]);
      for (const std::uint32_t at : places)
        if (parts_[at].rank == earliest) join(at);  // or its pair has changed since
    }
  }

  void join(std::uint32_t at) {
    Part& part = parts_[at];
    Part& gone = parts_[part.next];
    part.id = bpe_.joined_[static_cast<std::size_t>(part.rank)];
    part.next = gone.next;
    gone.rank = no_rank;
    if (part.next < parts_.size()) parts_[part.next].previous = at;
    rank(at);
    if (at > 0) rank(part.previous);
  }

  // Which merge joins the part with its next; it is never the one whose places are being joined, since a
  // token is longer than what it is made of.
  void rank(std::uint32_t at) {
    Part& part = parts_[at];
    part.rank = no_rank;
    if (part.next == parts_.size()) return;
    const std::int32_t* const found = bpe_.ranks_.find(part.id, parts_[part.next].id);
    if (found == nullptr) return;
    part.rank = *found;
    if (!is_long()) return;
    std::vector<std::uint32_t>& places = places_[static_cast<std::size_t>(part.rank)];
    if (places.empty()) ranks_.push(part.rank);
    places.push_back(at);
  }

  bool is_long() const { return parts_.size() > 256; }

  const Bpe& bpe_;
  std::vector<Part> parts_;
  // Of long pieces: where each merge may be, and which merges have a place.
  std::vector<std::vector<std::uint32_t>> places_;
  std::priority_queue<std::int32_t, std::vector<std::int32_t>, std::greater<>> ranks_;
};

Bpe::Bpe(Vocabulary vocabulary, std::vector<Merge> merges)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)) {
  std::vector<bool> is_special(vocabulary_.tokens().size(), true);
  const auto known = [&](std::string_view token) {
    const std::int64_t id = vocabulary_.id(token);
    is_special[static_cast<std::size_t>(id)] = false;
    return static_cast<std::int32_t>(id);
  };
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
    byte_ids_[byte] = known(character_of(static_cast<unsigned char>(byte)));
  for (const Merge& merge : merges_) {
    ranks_.emplace(static_cast<std::int32_t>(merge.left), static_cast<std::int32_t>(merge.right),
                   static_cast<std::int32_t>(joined_.size()));
    joined_.push_back(known(vocabulary_.token(merge.left) + vocabulary_.token(merge.right)));
  }
  std::map<std::string, std::int64_t, std::less<>> special;
  for (const std::string& token : vocabulary_.tokens()) {
    const std::size_t id = bytes_.size();
    bytes_.push_back(is_special[id] ? token : *bytes_of_characters(token));
    if (is_special[id]) special.emplace(token, id);
  }
  special_ = SpecialTokens(std::move(special));
}

Encoding Bpe::encode(std::string_view text) const {
  Encoding encoding;
  Merger merger(*this);
  const auto add = [&](std::int64_t id, std::size_t begin, std::size_t end) {
    encoding.ids.push_back(id);
    encoding.spans.push_back({static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)});
  };
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Found special = special_.find(text, at);
    while (at < special.begin) {
      const std::size_t end = piece_end(text.substr(0, special.begin), at);
      merger.tokens(text.substr(at, end - at),
                    [&](std::int32_t id, std::size_t from, std::size_t to) { add(id, at + from, at + to); });
      at = end;
    }
    if (special.begin < special.end) add(special.id, special.begin, special.end);
    at = special.end;
  }
  return encoding;
}

std::string Bpe::decode(std::span<const std::int64_t> ids) const {
  std::string text;
  for (const std::int64_t id : ids) {
    vocabulary_.token(id);  // refuses what is none
    text += bytes_[static_cast<std::size_t>(id)];
  }
  return text;
}

}  // namespace gradus::data
