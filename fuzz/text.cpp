#include <gradus/data/text_file.h>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

namespace {

using Documents = std::vector<std::vector<std::string>>;

Documents parse(std::string_view bytes) {
  const TextFile file(bytes, "the file");
  Documents all;
  for (const LineRange& range : documents(file)) {
    all.emplace_back();
    for (std::int64_t line = range.begin; line < range.end; ++line) all.back().emplace_back(file[line]);
  }
  return all;
}

std::string format(const Documents& documents) {
  std::string text = "\xef\xbb\xbf";  // or a mark in the first line would be taken for the file's
  for (const std::vector<std::string>& document : documents) {
    for (const std::string& line : document) text += line + "\r\n";
    text += '\n';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(data, size, parse, format,
                          [](const Documents& a, const Documents& b) { return a == b; });
}
