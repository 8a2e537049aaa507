#include <gradus/core/io/safetensors.h>

#include "round_trip.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_safetensors(bytes); },
      [](const Safetensors& read) { return format_safetensors(read.tensors, read.metadata); },
      [](const Safetensors& a, const Safetensors& b) {
        return fuzz::same(a.tensors, b.tensors) && a.metadata == b.metadata;
      });
}
