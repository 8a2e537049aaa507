// A vocabulary as a tree of bytes: which tokens begin as a text does, without a look-up for each of its
// beginnings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

class Trie {
 public:
  static constexpr std::int32_t none = -1;
  static constexpr std::int32_t root = 0;

  // Token i is the i-th of the list. None comes twice, none is empty.
  explicit Trie(const std::vector<std::string>& tokens);

  // The node behind a byte, or behind all of a text, or none.
  std::int32_t step(std::int32_t node, char byte) const;
  std::int32_t find(std::string_view text) const;
  // The token that ends in a node, or none.
  std::int32_t token(std::int32_t node) const { return nodes_[static_cast<std::size_t>(node)].token; }

 private:
  struct Node {
    std::int32_t token = none;
    std::int32_t first = 0, count = 0;  // of its children, which stand together
  };
  std::vector<Node> nodes_;
  std::vector<char> bytes_;  // that lead to each node
};

}  // namespace gradus::data
