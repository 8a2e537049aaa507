#include <gradus/cli/guarded.h>

#include <exception>
#include <iostream>
#include <string>

#include <gradus/core/check.h>

namespace gradus::cli {
namespace {

// What is said of bad input is one line, also where a list of names stands in lines of its own.
std::string on_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == ' ' && line.ends_with(' ')) continue;
    line += c == '\n' ? ' ' : c;
  }
  return line;
}

}  // namespace

int guarded(const std::function<int()>& run) {
  try {
    const int status = run();
    std::cout.flush();
    check(std::cout.good(), "gradus", "what was printed could not be written. Is the disk full?");
    return status;
  } catch (const Error& error) {
    std::cerr << on_one_line(error.what()) << std::endl;
    return bad_input;
  } catch (const std::exception& error) {
    std::cerr << "gradus: " << error.what() << std::endl;
    return failed;
  }
}

}  // namespace gradus::cli
