// Text broken into lines that fit a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {

// Breaks text, which may come in pieces, at spaces. Lines that it has stay lines; a word that is longer than
// a line stays whole.
class WordWrap {
 public:
  // The text begins in `column`; each line that is broken off does in column `indent`.
  explicit WordWrap(std::size_t width = 80, std::size_t indent = 0, std::size_t column = 0)
      : width_(width), indent_(indent), column_(column) {}

  // What can be printed by now: all but the word that may go on.
  std::string operator()(std::string_view piece);
  // The last word.
  std::string rest();

 private:
  void put_word(std::string& out);

  std::size_t width_, indent_, column_;
  std::size_t spaces_ = 0;  // before the word
  std::string word_;
};

// A text that is whole.
std::string wrapped(std::string_view text, std::size_t width = 80);

// A label and what is said of it, from column `indent` on; two spaces or more are between them.
std::string labelled(std::string label, std::string_view text, std::size_t indent);

}  // namespace gradus
