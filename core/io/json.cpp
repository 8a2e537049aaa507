#include <gradus/core/io/json.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include <gradus/core/check.h>

namespace gradus {
namespace {

constexpr int max_depth = 64;

// What may stand behind a backslash, and what it stands for.
constexpr std::string_view escape_letters = "\"\\bfnrt/", escape_meanings = "\"\\\b\f\n\r\t/";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(std::string& to, std::uint32_t code) {
  const auto add = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
  if (code < 0x80) return add(code);
  if (code < 0x800)
    add(0xC0 | code >> 6);
  else if (code < 0x10000)
    add(0xE0 | code >> 12), add(0x80 | (code >> 6 & 0x3F));
  else
    add(0xF0 | code >> 18), add(0x80 | (code >> 12 & 0x3F)), add(0x80 | (code >> 6 & 0x3F));
  add(0x80 | (code & 0x3F));
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Json whole() {
    at_ = valid_utf8_prefix(text_);
    if (at_ != text_.size()) refuse("is not UTF-8. Save the text as that?");
    at_ = 0;
    Json value = this->value(1);
    skip_space();
    if (at_ != text_.size()) refuse("comes after the end. Remove the rest?");
    return value;
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... what) const {
    fail("json", name_, ": byte ", at_, " ", what...);
  }
  template <class... Parts>
  [[noreturn]] void expected(const Parts&... wanted) const {
    if (at_ == text_.size()) refuse("is the end, where ", wanted..., " should be. Was it cut short?");
    const std::string_view found = text_.substr(at_, 1);
    if (static_cast<unsigned char>(found[0]) - 0x21u < 0x5Eu)  // visible ASCII
      refuse("is '", found, "', where ", wanted..., " should be. Is it JSON?");
    refuse("is of value ", static_cast<int>(static_cast<unsigned char>(found[0])), ", where ", wanted...,
           " should be. Is it JSON?");
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && std::memchr(" \t\n\r", text_[at_], 4) != nullptr) ++at_;
  }

  Json value(int depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string();
      case 't':
        return word("true", true);
      case 'f':
        return word("false", false);
      case 'n':
        return word("null", Json());
      default:
        return number();
    }
  }

  Json word(std::string_view word, Json value) {
    for (const char c : word)
      if (!take(c)) expected("'", c, "' of ", word);
    return value;
  }

  void enter(int depth) {
    if (depth > max_depth) refuse("opens more than ", max_depth, " layers of values. Make it flatter?");
    ++at_;
    skip_space();
  }

  Json array(int depth) {
    enter(depth);
    Json::Array entries;
    if (take(']')) return entries;
    while (true) {
      entries.push_back(value(depth + 1));
      skip_space();
      if (take(']')) return entries;
      if (!take(',')) expected("',' or ']'");
    }
  }

  Json object(int depth) {
    enter(depth);
    Json::Object members;
    std::set<std::string> keys;
    if (take('}')) return members;
    while (true) {
      skip_space();
      if (peek() != '"') expected("a key in quotes");
      const std::size_t begin = at_;
      std::string key = string();
      if (!keys.insert(key).second) {
        at_ = begin;
        refuse("begins the key ", format_json(key), " for the second time. Keep one of them?");
      }
      skip_space();
      if (!take(':')) expected("':'");
      members.emplace_back(std::move(key), value(depth + 1));
      skip_space();
      if (take('}')) return members;
      if (!take(',')) expected("',' or '}'");
    }
  }

  std::string string() {
    std::string out;
    ++at_;
    while (true) {
      const std::size_t begin = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out += text_.substr(begin, at_ - begin);
      if (take('"')) return out;
      if (!take('\\')) expected("a character or '\"'");
      escaped(out);
    }
  }

  void escaped(std::string& out) {
    if (take('u')) return append_utf8(out, code_point());
    const std::size_t which = escape_letters.find(peek());
    if (which == std::string_view::npos) expected("one of ", escape_letters, "u");
    out += escape_meanings[which];
    ++at_;
  }

  // Past 0xFFFF a character is written as two: \ud83d\ude00.
  std::uint32_t code_point() {
    const std::uint32_t high = four_digits();
    if (high < 0xD800 || high > 0xDFFF) return high;
    if (high < 0xDC00 && take('\\') && take('u')) {
      const std::uint32_t low = four_digits();
      if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    }
    refuse("ends half of a pair \\ud8xx\\udcxx. Write both halves?");
  }

  std::uint32_t four_digits() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char* const begin = text_.data() + at_;
      std::uint32_t digit = 0;
      if (at_ == text_.size() || std::from_chars(begin, begin + 1, digit, 16).ptr == begin)
        expected("a hexadecimal digit");
      code = code << 4 | digit;
      ++at_;
    }
    return code;
  }

  Json number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      if (!is_digit(peek())) expected(at_ == begin ? "a value" : "a digit");
      while (is_digit(peek())) ++at_;
    };
    if (take('-') && !is_digit(peek())) expected("a digit");
    if (!take('0')) digits();
    bool integer = true;
    if (take('.')) integer = false, digits();
    if (take('e') || take('E')) {
      integer = false;
      if (!take('+')) take('-');
      digits();
    }
    const char* const first = text_.data() + begin;
    const char* const last = text_.data() + at_;
    std::int64_t whole = 0;
    double fraction = 0;
    const std::errc error =
        integer ? std::from_chars(first, last, whole).ec : std::from_chars(first, last, fraction).ec;
    if (error != std::errc()) {
      at_ = begin;
      refuse("begins the number ",
             std::string_view(first, static_cast<std::size_t>(last - first)).substr(0, 40), ", which ",
             integer ? "an i64 cannot hold" : "a double cannot hold", ". Write it as text?");
    }
    return integer ? Json(whole) : Json(fraction);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

void format_text(std::string& to, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  const std::size_t valid = valid_utf8_prefix(text);
  check(valid == text.size(), "json", "a text is not UTF-8 from its byte ", valid, " on. Convert it?");
  to += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t which = escape_meanings.find(c); which < escape_meanings.size() && c != '/')
      (to += '\\') += escape_letters[which];
    else if (byte < 0x20)
      ((to += "\\u00") += hex[byte >> 4]) += hex[byte & 15];
    else
      to += c;
  }
  to += '"';
}

void format_fraction(std::string& to, double fraction) {
  check(std::isfinite(fraction), "json", fraction,
        " is no number in JSON. Write it as text, or leave it out?");
  char digits[32];
  const std::string_view shortest(
      digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, fraction).ptr - digits));
  to += shortest;
  if (shortest.find_first_of(".e") == std::string_view::npos) to += ".0";  // or it would be an integer
}

}  // namespace

Json parse_json(std::string_view text, const std::string& name) { return Parser(text, name).whole(); }

std::string format_json(const Json& value) {
  struct Format {
    std::string to;
    void operator()(std::monostate) { to += "null"; }
    void operator()(bool truth) { to += truth ? "true" : "false"; }
    void operator()(std::int64_t integer) { to += std::to_string(integer); }
    void operator()(double fraction) { format_fraction(to, fraction); }
    void operator()(const std::string& text) { format_text(to, text); }
    void operator()(const Json::Array& array) {
      char before = '[';
      for (const Json& entry : array) {
        to += std::exchange(before, ',');
        std::visit(*this, entry.value_);
      }
      to += array.empty() ? "[]" : "]";
    }
    void operator()(const Json::Object& object) {
      char before = '{';
      for (const auto& [key, member] : object) {
        to += std::exchange(before, ',');
        format_text(to, key);
        to += ':';
        std::visit(*this, member.value_);
      }
      to += object.empty() ? "{}" : "}";
    }
  } format;
  std::visit(format, value.value_);
  return std::move(format.to);
}

double Json::number() const {
  if (const auto* const whole = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*whole);
  return as<double>("a number");
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, member] : object())
    if (name == key) return &member;
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  const Json* const member = find(key);
  check(member != nullptr, "json", "an object has no ", format_json(std::string(key)),
        ". Is the name right?");
  return *member;
}

void Json::wrong_kind(const char* wanted) const {
  static constexpr const char* kinds[] = {"null", "true or false", "an integer", "a fraction",
                                          "text", "an array",      "an object"};
  fail("json", "a value is ", kinds[value_.index()], ", not ", wanted, ". Is it the right one?");
}

std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || length > text.size() - at) return at;
    // Shorter ways to write a character, surrogates, and what is past 0x10FFFF.
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(1) < low || byte(1) > high) return at;
    for (std::size_t i = 2; i < length; ++i)
      if ((byte(i) & 0xC0) != 0x80) return at;
    at += length;
  }
  return at;
}

}  // namespace gradus
