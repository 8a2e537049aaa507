// How every bad input is reported: `[op] what is wrong, with which values. The way out?`
#pragma once

#include <sstream>
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

// Throws Error("[op] part part ..."), each part as its operator<< prints it.
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(const char* op, const Parts&... parts) {
  std::ostringstream text;
  text << '[' << op << "] ";
  (text << ... << parts);
  throw Error(text.str());
}

// Formatting happens on failure only, so a passing check costs one comparison.
template <class... Parts>
inline void check(bool holds, const char* op, const Parts&... parts) {
  if (!holds) [[unlikely]]
    fail(op, parts...);
}

}  // namespace gradus
