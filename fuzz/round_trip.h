// What a reader promises of any bytes: it refuses them with a gradus::Error, or what it has read can be
// written, and is the same when it is read again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/io/bytes.h>

namespace gradus::fuzz {

// To the bit: NaNs too.
inline bool same(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() && bytes_of(a) == bytes_of(b);
}
inline bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  bool all = a.size() == b.size();
  for (std::size_t i = 0; all && i < a.size(); ++i)
    all = a[i].name == b[i].name && same(a[i].value, b[i].value);
  return all;
}

template <class Parse, class Format, class Same>
int round_trip(const std::uint8_t* data, std::size_t size, Parse parse, Format format, Same same) {
  std::optional<decltype(parse(std::string_view()))> read;
  try {
    read = parse(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {
    return 0;
  }
  const std::string written = format(*read);
  const auto again = parse(written);
  if (!same(*read, again) || format(again) != written) std::abort();
  return 0;
}

}  // namespace gradus::fuzz
