#include <gradus/data/vocabulary.h>

#include <utility>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/lines.h>

namespace gradus::data {

Vocabulary::Vocabulary(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  check(!tokens_.empty(), "vocabulary", "there is no token in it. Was the text empty?");
  ids_.reserve(tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const auto [first, is_new] = ids_.emplace(tokens_[i], static_cast<std::int64_t>(i));
    check(is_new, "vocabulary", "token '", tokens_[i], "' comes twice, as ", first->second, " and as ", i);
  }
}

const std::string& Vocabulary::token(std::int64_t id) const {
  check(id >= 0 && id < size(), "vocabulary", "there is no token ", id, ": they go from 0 to ", size() - 1,
        ". Another tokenizer's?");
  return tokens_[static_cast<std::size_t>(id)];
}

std::optional<std::int64_t> Vocabulary::find(std::string_view token) const {
  const auto found = ids_.find(token);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::int64_t Vocabulary::id(std::string_view token) const {
  const std::optional<std::int64_t> found = find(token);
  check(found.has_value(), "vocabulary", "'", token, "' is none of its ", size(), " tokens");
  return *found;
}

Vocabulary read_vocabulary(const std::string& path) { return vocabulary_of_lines(read_file(path), path); }

Vocabulary vocabulary_of_lines(std::string_view text, const std::string& name) {
  std::vector<std::string> tokens;
  std::unordered_map<std::string_view, std::size_t> lines;
  for_each_line(text, [&](std::string_view token, std::size_t line) {
    check(!token.empty(), "vocabulary", name, " line ", line, " is empty: a line is a token");
    check(token.find('\r') == std::string_view::npos, "vocabulary", name, " line ", line,
          " has a carriage return in it. Was LF made CRLF twice?");
    check(valid_utf8_prefix(token) == token.size(), "vocabulary", name, " line ", line,
          " is not UTF-8. Save the file as that?");
    const auto [first, is_new] = lines.emplace(token, line);
    check(is_new, "vocabulary", name, " line ", line, ": '", token, "' was on line ", first->second,
          " already");
    tokens.emplace_back(token);
  });
  check(!tokens.empty(), "vocabulary", name, " is empty. A vocabulary has a token on each line");
  return Vocabulary(std::move(tokens));
}

void write_vocabulary(const std::string& path, const Vocabulary& vocabulary) {
  for (const std::string& token : vocabulary.tokens()) {
    check(!token.empty() && token.find_first_of("\r\n") == std::string::npos, "vocabulary", "cannot write ",
          path, ": a token is empty or holds the end of a line, which a list of lines cannot say");
    check(valid_utf8_prefix(token) == token.size(), "vocabulary", "cannot write ", path,
          ": a token is not UTF-8");
  }
  write_atomically(path, [&](const Sink& sink) {
    for (const std::string& token : vocabulary.tokens()) sink(token), sink("\n");
  });
}

}  // namespace gradus::data
