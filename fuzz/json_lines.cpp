#include <gradus/data/text_file.h>

#include "round_trip.h"

using namespace gradus;
using namespace gradus::data;

namespace {

using Texts = std::vector<std::string>;

Texts parse(std::string_view bytes) {
  const JsonLines lines(TextFile(bytes, "the file"));
  Texts texts;
  for (std::int64_t i = 0; i < lines.size(); ++i) texts.push_back(lines[i].text("text"));
  return texts;
}

std::string format(const Texts& texts) {
  std::string lines;
  for (const std::string& text : texts) lines += format_json(Json::Object{{"text", text}}) + '\n';
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(data, size, parse, format, [](const Texts& a, const Texts& b) { return a == b; });
}
