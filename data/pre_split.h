// Where GPT-2 splits a text before its tokens are made: into words, numbers, other signs and white space.
#pragma once

#include <cstddef>
#include <string_view>

namespace gradus::data {

// The end of the piece that begins at byte `begin` of the text, which is not its end. As the regular
// expression
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// matches it: an English contraction's ending; letters, or numbers, or other signs, with one space in front;
// white space, of which the last character is left to what follows. Bytes that are not UTF-8 are other signs.
// Radford et al. 2019
std::size_t piece_end(std::string_view text, std::size_t begin);

}  // namespace gradus::data
