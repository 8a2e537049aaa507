// The message of the gradus::Error that a call throws, so that a test can hold its whole text.
#pragma once

#include <string>

#include <gradus/core/check.h>

namespace gradus::test {

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}

}  // namespace gradus::test
