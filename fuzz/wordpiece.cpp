#include <gradus/data/wordpiece.h>

#include "round_trip.h"

using namespace gradus;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// vocab.txt up to an empty line, and then a text. Any bytes are a text: its spans are in order and inside,
// and with its letters kept, what is decoded has the same ids.
data::Vocabulary parse(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find("\n\n"), bytes.size());
  data::Vocabulary vocabulary = data::vocabulary_of_lines(bytes.substr(0, end), "vocab.txt");
  for (const bool lower_case : {true, false}) {
    const data::WordPiece wordpiece(vocabulary, {.lower_case = lower_case, .longest_word = 20});
    const std::string_view text = bytes.substr(end);
    const data::Encoding encoding = wordpiece.encode(text);
    require(encoding.ids.size() == encoding.spans.size());
    data::Span last{0, 0};
    for (const data::Span span : encoding.spans) {
      require(last.begin <= span.begin && last.end <= span.end && span.begin < span.end);
      last = span;
    }
    require(last.end <= static_cast<std::int64_t>(text.size()));
    const std::string decoded = wordpiece.decode(encoding.ids);
    require(lower_case || wordpiece.encode(decoded).ids == encoding.ids);
  }
  return vocabulary;
}

std::string format(const data::Vocabulary& vocabulary) {
  std::string lines = "\xef\xbb\xbf";  // or a first token's would be taken for it
  for (const std::string& token : vocabulary.tokens()) lines += token + "\n";
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::round_trip(data, size, parse, format,
                          [](const data::Vocabulary& a, const data::Vocabulary& b) { return a == b; });
}
