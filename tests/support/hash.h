// A short name for a long text, so that a test can hold all of it.
#pragma once

#include <cstdint>
#include <string_view>

namespace gradus::test {

// 64-bit FNV-1a, of one piece of text after another.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace gradus::test
