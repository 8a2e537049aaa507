#include <gradus/core/io/npy.h>

#include "round_trip.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_npy(bytes); },
      [](const Tensor& read) { return format_npy(read); },
      [](const Tensor& a, const Tensor& b) { return fuzz::same(a, b); });
}
