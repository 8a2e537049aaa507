#include <gradus/core/io/npz.h>

#include "round_trip.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_npz(bytes); },
      [](const std::vector<NamedTensor>& read) { return format_npz(read); },
      [](const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) { return fuzz::same(a, b); });
}
