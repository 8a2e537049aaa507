#include <gradus/cli/guarded.h>

#include <unistd.h>

#include <csignal>
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

std::string last_words;

// A handler may call little more than these two.
void end_interrupted(int) {
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, last_words.data(), last_words.size());
  _exit(interrupted);
}

}  // namespace

void end_when_interrupted(const std::string& text) {
  last_words = text + "\n";
  struct sigaction end = {};
  end.sa_handler = end_interrupted;
  sigemptyset(&end.sa_mask);
  sigaction(SIGINT, &end, nullptr);
  sigaction(SIGTERM, &end, nullptr);
}

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
