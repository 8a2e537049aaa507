#include <gradus/data/trie.h>

#include <algorithm>
#include <cstring>
#include <numeric>

namespace gradus::data {

// A node stands for the tokens of one beginning, which are neighbours once all are sorted.
Trie::Trie(const std::vector<std::string>& tokens) {
  std::vector<std::size_t> sorted(tokens.size());
  std::iota(sorted.begin(), sorted.end(), std::size_t{0});
  std::sort(sorted.begin(), sorted.end(),
            [&](std::size_t a, std::size_t b) { return tokens[a] < tokens[b]; });
  struct Range {
    std::size_t begin, end, depth;
  };
  std::vector<Range> ranges{{0, tokens.size(), 0}};
  nodes_.emplace_back();
  bytes_.push_back(0);
  for (std::size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    const auto byte = [&, depth = depth](std::size_t i) { return tokens[sorted[i]][depth]; };
    if (begin < end && tokens[sorted[begin]].size() == depth)
      nodes_[node].token = static_cast<std::int32_t>(sorted[begin++]);
    nodes_[node].first = static_cast<std::int32_t>(nodes_.size());
    while (begin < end) {
      std::size_t next = begin + 1;
      while (next < end && byte(next) == byte(begin)) ++next;
      ranges.push_back({begin, next, depth + 1});
      nodes_.emplace_back();
      bytes_.push_back(byte(begin));
      ++nodes_[node].count;
      begin = next;
    }
  }
}

std::int32_t Trie::step(std::int32_t node, char byte) const {
  const auto [token, first, count] = nodes_[static_cast<std::size_t>(node)];
  if (count == 0) return none;
  const char* const children = bytes_.data() + first;
  const void* const found = std::memchr(children, byte, static_cast<std::size_t>(count));
  return found ? first + static_cast<std::int32_t>(static_cast<const char*>(found) - children) : none;
}

std::int32_t Trie::find(std::string_view text) const {
  std::int32_t node = root;
  for (std::size_t at = 0; at < text.size() && node != none; ++at) node = step(node, text[at]);
  return node;
}

}  // namespace gradus::data
