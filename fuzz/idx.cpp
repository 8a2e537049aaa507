#include <gradus/data/idx.h>

#include <utility>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

namespace {

// Plain, also of what was compressed.
std::string format_idx(const Idx& idx) {
  std::string bytes{0, 0, 8, static_cast<char>(idx.sizes.size())};
  for (const std::int64_t size : idx.sizes)
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(size >> shift);
  return bytes.append(idx.elements.begin(), idx.elements.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::size_t axes : {1, 3})
    fuzz::round_trip(
        data, size, [&](std::string_view bytes) { return parse_idx(bytes, axes); },
        [](const Idx& read) { return format_idx(read); },
        [](const Idx& a, const Idx& b) { return a.sizes == b.sizes && a.elements == b.elements; });
  return 0;
}
