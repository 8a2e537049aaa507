// Text files that a user has: lines, pairs of texts, JSON objects. Mapped and not streamed: batches draw
// lines in any order, and of a file larger than memory the system keeps what is used. Views are of the file
// itself, nothing is copied; an index takes 8 bytes a line. What is not right is refused with the file and
// the line, counted from 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>

namespace gradus::data {

// Lines of UTF-8 that end in LF or CRLF, which the last one may lack; a byte order mark in front is left out.
// All of it is looked through once, at the start; empty files are refused. Views are good as long as this is.
class TextFile {
 public:
  explicit TextFile(const std::string& path);
  // The same of a text in memory, which must stay there; `name` is for errors.
  TextFile(std::string_view text, const std::string& name);

  std::int64_t size() const { return static_cast<std::int64_t>(begins_.size()) - 1; }
  std::string_view operator[](std::int64_t line) const;  // from 0
  std::string where(std::int64_t line) const;            // for errors: "corpus.txt line 1" of line 0

 private:
  void find_lines(std::string_view text);

  std::optional<MappedFile> file_;
  std::string name_;
  std::string_view text_;
  std::vector<std::uint64_t> begins_;  // and the end of the text
};

// Lines `begin` up to and without `end`.
struct LineRange {
  std::int64_t begin, end;
  friend bool operator==(const LineRange&, const LineRange&) = default;
};

// Documents are parted by empty lines, one or more; a line of spaces and tabs counts as empty. Refuses a file
// that has no others.
std::vector<LineRange> documents(const TextFile& file);

// Two texts a line, parted by a tab; neither is empty. Quotes and backslashes mean nothing.
class TsvPairs {
 public:
  struct Pair {
    std::string_view first, second;
    friend bool operator==(const Pair&, const Pair&) = default;
  };

  explicit TsvPairs(TextFile file);
  std::int64_t size() const { return file_.size(); }
  Pair operator[](std::int64_t line) const;

 private:
  TextFile file_;
};

// A JSON object a line. It is parsed when it is asked for, so that a large file opens quickly.
class JsonLines {
 public:
  // Members by name: a text, an integer, any number, or whatever there is.
  class Record {
   public:
    Record(std::string_view line, std::string where);
    const std::string& text(std::string_view field) const;
    std::int64_t integer(std::string_view field) const;
    double number(std::string_view field) const;
    const Json& operator[](std::string_view field) const;

   private:
    std::string where_;
    Json object_;
  };

  explicit JsonLines(TextFile file) : file_(std::move(file)) {}
  std::int64_t size() const { return file_.size(); }
  Record operator[](std::int64_t line) const { return {file_[line], file_.where(line)}; }

 private:
  TextFile file_;
};

}  // namespace gradus::data
