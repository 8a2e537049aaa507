// A process that answers lines with lines.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace gradus::bench {

class Child {
 public:
  // Starts command[0] with the rest as arguments, in this program's environment with `settings` put in.
  Child(const std::vector<std::string>& command, const std::map<std::string, std::string>& settings);
  ~Child();  // closes its stdin and waits for it
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  std::string line();  // its next one; throws if it ended without, and says how
  std::string ask(const std::string& question);

 private:
  std::string end();  // waits for it: "exit code 1" or "signal 9 (Killed)"

  std::string name_;
  pid_t pid_ = -1;
  std::FILE *to_ = nullptr, *from_ = nullptr;
};

}  // namespace gradus::bench
