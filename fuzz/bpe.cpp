#include <gradus/data/bpe.h>

#include "round_trip.h"

using namespace gradus;

namespace {

// vocab.json up to a line's end behind a brace, and then merges.txt.
data::Bpe parse(std::string_view bytes) {
  const std::size_t brace = std::min(bytes.find("}\n"), bytes.size());
  const std::size_t end = std::min(brace + 2, bytes.size());
  const data::Bpe read = data::parse_bpe({std::string(bytes.substr(0, end)), std::string(bytes.substr(end))});
  if (read.decode(read.encode(bytes).ids) != bytes) std::abort();  // any bytes are a text
  return read;
}

std::string format(const data::Bpe& read) {
  const data::BpeFiles files = data::format_bpe(read);
  return files.vocabulary + "\n" + files.merges;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(data, size, parse, format, [](const data::Bpe& a, const data::Bpe& b) {
    return a.vocabulary() == b.vocabulary() && a.merges() == b.merges();
  });
}
