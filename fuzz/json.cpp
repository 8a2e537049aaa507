#include <gradus/core/io/json.h>

#include "round_trip.h"

using namespace gradus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_json(bytes); },
      [](const Json& read) { return format_json(read); },
      [](const Json& a, const Json& b) { return a == b; });
}
