// From text to numbers and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/vocabulary.h>

namespace gradus::data {

// Bytes of a text, from `begin` up to and without `end`.
struct Span {
  std::int64_t begin, end;
  friend bool operator==(const Span&, const Span&) = default;
};

inline std::string_view text_of(std::string_view text, Span span) {
  return text.substr(static_cast<std::size_t>(span.begin), static_cast<std::size_t>(span.end - span.begin));
}

struct Encoding {
  std::vector<std::int64_t> ids;
  std::vector<Span> spans;  // the bytes of the text that each id stands for
};

// A tokenizer adds no token that does not stand in the text: [CLS], [SEP] and ends of text are for the
// batches to set. A special token that is spelled out in the text, such as [MASK], is that token.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Encoding encode(std::string_view text) const = 0;
  // What an id adds to the end of the text depends on it and on the id before it, no more: a text can be
  // shown while it is written.
  virtual std::string decode(std::span<const std::int64_t> ids) const = 0;
  virtual const Vocabulary& vocabulary() const = 0;
  // Writes the files that load_tokenizer reads into the folder, which is made where it is not there.
  virtual void save(const std::filesystem::path& folder) const = 0;
};

// The tokenizer whose files are in the folder.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

}  // namespace gradus::data
