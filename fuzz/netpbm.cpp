#include <gradus/data/netpbm.h>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_netpbm(bytes); }, format_netpbm,
      [](const Picture& a, const Picture& b) { return a == b; });
}
