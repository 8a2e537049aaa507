#include <gradus/data/text_file.h>

#include <utility>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs parse(std::string_view bytes) {
  const TsvPairs lines((TextFile(bytes, "the file")));
  Pairs pairs;
  for (std::int64_t i = 0; i < lines.size(); ++i) pairs.emplace_back(lines[i].first, lines[i].second);
  return pairs;
}

// A second text may end in CR, which another one behind it keeps.
std::string format(const Pairs& pairs) {
  std::string text = "\xef\xbb\xbf";  // or a mark in the first line would be taken for the file's
  for (const auto& [first, second] : pairs) text += first + '\t' + second + "\r\n";
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(data, size, parse, format, [](const Pairs& a, const Pairs& b) { return a == b; });
}
