// JSON (RFC 8259), read strictly: what two readers might take for two things is refused.
//
// Parsed here and not by a library: what is strict (no key twice, integers exact, depth bounded, the byte
// that is wrong) would have to be built around one just the same, and that would leave it little to do.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace gradus {

// A value. Integers and fractions are two kinds: 1 is an integer, 1.0 and 1e0 are fractions.
class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;  // in the order of the text

  Json() = default;  // null
  template <std::same_as<bool> T>
  Json(T truth) : value_(truth) {}
  template <std::integral T>
  requires(!std::same_as<T, bool> && (sizeof(T) < 8 || std::is_signed_v<T>)) Json(T integer)
      : value_(static_cast<std::int64_t>(integer)) {}
  template <std::floating_point T>
  Json(T fraction) : value_(static_cast<double>(fraction)) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(std::string text) : value_(std::move(text)) {}
  Json(Array array) : value_(std::move(array)) {}
  Json(Object object) : value_(std::move(object)) {}

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  // The value as what it is; asked for as something else, it says what it is.
  bool boolean() const { return as<bool>("true or false"); }
  std::int64_t integer() const { return as<std::int64_t>("an integer"); }
  double number() const;  // an integer or a fraction
  const std::string& text() const { return as<std::string>("text"); }
  const Array& array() const { return as<Array>("an array"); }
  const Object& object() const { return as<Object>("an object"); }
  // An object's member: nullptr, or an error, where there is none.
  const Json* find(std::string_view key) const;
  const Json& at(std::string_view key) const;

  friend bool operator==(const Json&, const Json&) = default;
  friend std::string format_json(const Json& value);

 private:
  template <class T>
  const T& as(const char* wanted) const {
    if (const T* const value = std::get_if<T>(&value_)) return *value;
    wrong_kind(wanted);
  }
  [[noreturn]] void wrong_kind(const char* wanted) const;

  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

// Refused, with the byte where it is seen: keys that come twice, values in more than 64 layers, integers past
// 2^63 and fractions past what a double holds, invalid UTF-8, anything behind the value. `name` is the
// text's, for errors.
Json parse_json(std::string_view text, const std::string& name = "the text");

// One line without spaces, the same for the same value; reading it gives that value back, fractions to the
// last bit. Refuses NaN and infinity, which JSON has no words for, and text that is not UTF-8.
std::string format_json(const Json& value);

// The first byte that does not belong to valid UTF-8, or the size of the text.
std::size_t valid_utf8_prefix(std::string_view text);

}  // namespace gradus
