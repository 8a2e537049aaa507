#include <gradus/core/wrap.h>

#include <algorithm>

namespace gradus {
namespace {

// Columns of UTF-8: bytes but those that go on with a character.
std::size_t columns_of(std::string_view word) {
  return static_cast<std::size_t>(
      std::ranges::count_if(word, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void WordWrap::put_word(std::string& out) {
  if (word_.empty()) return;
  const std::size_t size = columns_of(word_);
  if (column_ > indent_ && column_ + spaces_ + size > width_) {
    out.append("\n").append(indent_, ' ');
    column_ = indent_;
  } else {
    out.append(spaces_, ' ');
    column_ += spaces_;
  }
  out += word_;
  column_ += size;
  spaces_ = 0;
  word_.clear();
}

std::string WordWrap::operator()(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    if (c != ' ' && c != '\n') {
      word_ += c;
      continue;
    }
    put_word(out);
    if (c == ' ') {
      ++spaces_;
    } else {
      out += '\n';
      column_ = spaces_ = 0;
    }
  }
  return out;
}

std::string WordWrap::rest() {
  std::string out;
  put_word(out);
  return out;
}

std::string wrapped(std::string_view text, std::size_t width) {
  WordWrap wrap(width);
  std::string lines = wrap(text);
  return lines += wrap.rest();
}

std::string labelled(std::string label, std::string_view text, std::size_t indent) {
  label.resize(std::max(indent, label.size() + 2), ' ');
  WordWrap wrap(80, indent, label.size());
  label += wrap(text);
  return label += wrap.rest();
}

}  // namespace gradus
