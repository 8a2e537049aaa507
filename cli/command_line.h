// The words of a command line, divided into options and the rest.
//
// Divided here and not by a library: what is told of a wrong word, values' checks and the pages come from the
// options' own list (options.h), and that leaves a library this loop.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace gradus::cli {

struct Flag {
  std::string name;   // without dashes
  std::string shown;  // what stands for its value, --name N or --name=N; empty: it has none
};

struct CommandLine {
  std::map<std::string, std::vector<std::string>>
      values;                     // of each flag that is there; "true" without a value
  std::vector<std::string> rest;  // behind -- everything
};

// Refuses flags that are not in the list, with the nearest that is, and values that are missing; `verb` is
// for errors.
CommandLine read_command_line(const std::string& verb, const std::vector<Flag>& flags,
                              const std::vector<std::string>& words);

}  // namespace gradus::cli
