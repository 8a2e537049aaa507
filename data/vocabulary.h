// The tokens of a tokenizer, and their numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/text_map.h>

namespace gradus::data {

// Token i is the i-th of the list. It never changes.
class Vocabulary {
 public:
  // Refuses an empty list, and a token that comes twice.
  explicit Vocabulary(std::vector<std::string> tokens);

  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  const std::vector<std::string>& tokens() const { return tokens_; }
  const std::string& token(std::int64_t id) const;
  std::optional<std::int64_t> find(std::string_view token) const;
  std::int64_t id(std::string_view token) const;  // or an error

  friend bool operator==(const Vocabulary& a, const Vocabulary& b) { return a.tokens_ == b.tokens_; }

 private:
  std::vector<std::string> tokens_;
  TextMap<std::int64_t> ids_;
};

// vocab.txt: a token a line, the first line's has id 0. Reading takes lines that end in LF or CRLF, a byte
// order mark in front, and refuses, with the line, empty ones, tokens that come twice, other carriage returns
// and what is not UTF-8.
Vocabulary read_vocabulary(const std::string& path);
Vocabulary vocabulary_of_lines(std::string_view text,
                               const std::string& name);  // a file's text; its name, for errors
void write_vocabulary(const std::string& path, const Vocabulary& vocabulary);

}  // namespace gradus::data
