// Texts that no one would write.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/unicode.h>

namespace gradus::test {

// Pieces, code points of all planes and, where wanted, bytes that are no UTF-8.
inline std::string random_text(data::Random& random, const std::vector<std::string>& pieces, bool any_bytes) {
  std::string text;
  for (std::int64_t left = random.below(40); left > 0; --left) {
    const std::int64_t kind = random.below(8);
    if (kind == 0) {
      const auto c = static_cast<char32_t>(random.below(random.chance(0.5) ? 0x3000 : 0x110000));
      if (c < 0xd800 || c > 0xdfff) data::append_utf8(text, c);
    } else if (kind == 1 && any_bytes) {
      text += static_cast<char>(random.below(256));
    } else {
      text += random.pick(pieces);
    }
  }
  return text;
}

}  // namespace gradus::test
