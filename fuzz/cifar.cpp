#include <gradus/data/cifar.h>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

namespace {

std::string format_cifar10(const PictureSet& set) {
  std::string bytes;
  for (std::int64_t i = 0; i < set.size(); ++i) {
    bytes += static_cast<char>(set.labels[static_cast<std::size_t>(i)]);
    const auto begin = set.pixels.begin() + i * set.pixels_each();
    bytes.append(begin, begin + set.pixels_each());
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(
      data, size, [](std::string_view bytes) { return parse_cifar10(bytes); }, format_cifar10,
      [](const PictureSet& a, const PictureSet& b) { return a.labels == b.labels && a.pixels == b.pixels; });
}
