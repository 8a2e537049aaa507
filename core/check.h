// How every bad input is reported: `[op] what is wrong, with which values. The way out?`
#pragma once

#include <concepts>
#include <initializer_list>
#include <iosfwd>
#include <stdexcept>
#include <string>

namespace gradus {

// Thrown for anything a caller got wrong: shapes, dtypes, indices, options, a graph used twice.
class Error : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

// Thrown when memory for a tensor cannot be had, by size or by the system's refusal.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

// A part of an error's text: text, a number, or what has an operator<<. It refers to what it is made of. One
// type for all of them, or each combination of types would be a function of its own.
class ErrorPart {
 public:
  ErrorPart(const char* text) : kind_(Kind::text), value_(text) {}
  ErrorPart(const std::string& text) : ErrorPart(text.c_str()) {}
  ErrorPart(const char& letter) : kind_(Kind::letter), integer_(letter) {}
  template <std::signed_integral T>
  ErrorPart(const T& number) : kind_(Kind::integer), integer_(number) {}
  template <std::unsigned_integral T>
  ErrorPart(const T& number) : kind_(Kind::natural), natural_(number) {}
  template <std::floating_point T>
  ErrorPart(const T& number) : kind_(Kind::fraction), fraction_(static_cast<double>(number)) {}
  template <class T>
  ErrorPart(const T& value)
      : kind_(Kind::other),
        value_(&value),
        print_([](std::ostream& out, const void* self) { out << *static_cast<const T*>(self); }) {}

  friend std::ostream& operator<<(std::ostream& out, const ErrorPart& part);

 private:
  enum class Kind { text, letter, integer, natural, fraction, other } kind_;
  union {
    const void* value_;
    long long integer_;
    unsigned long long natural_;
    double fraction_;
  };
  void (*print_)(std::ostream&, const void*) = nullptr;
};

// Throws Error("[op] part part ...").
[[noreturn, gnu::cold]] void fail_with(const char* op, std::initializer_list<ErrorPart> parts);
template <class... Parts>
[[noreturn, gnu::always_inline]] inline void fail(const char* op, const Parts&... parts) {
  fail_with(op, {ErrorPart(parts)...});
}

// Formatting happens on failure only, so a passing check costs one comparison.
template <class... Parts>
[[gnu::always_inline]] inline void check(bool holds, const char* op, const Parts&... parts) {
  if (!holds) [[unlikely]]
    fail_with(op, {ErrorPart(parts)...});
}

}  // namespace gradus
