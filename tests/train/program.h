// The program, run by tests of what its trainings reach.
#pragma once

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/core/io/json.h>

namespace gradus::test {

// The results that the program, given these words and --json, prints as its last line.
inline Json results_of_program(const std::string& words) {
  const std::string command = std::string(GRADUS_PROGRAM " ").append(words).append(" --json");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(popen(command.c_str(), "r"), pclose);
  check(output != nullptr, "test", "cannot start ", command);
  std::string line, last;
  for (int c; (c = std::fgetc(output.get())) != EOF;) {
    line += static_cast<char>(c);
    if (c == '\n') last = std::exchange(line, {});
  }
  std::cout << last << std::flush;
  return parse_json(last).at("results");
}

}  // namespace gradus::test
