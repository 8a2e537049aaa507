// What the benchmark programs share: command line, results, exit codes.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace gradus::bench {

// Something wrong with how the program was called: one line, and exit code 2.
class Misuse : public std::runtime_error {
 public:
  explicit Misuse(const std::string& sentence) : std::runtime_error("[bench] " + sentence) {}
};

// "--json", "FILE", "also write the table to FILE, as an array of objects"
struct Option {
  const char *flag, *value, *meaning;
};

// --flag VALUE or --flag=VALUE, each at most once. Refuses flags that are not in `known` and names the
// nearest; --help prints `summary` and the flags, and ends the program.
class Arguments {
 public:
  Arguments(int count, char** words, const std::string& summary, const std::vector<Option>& known);
  std::optional<std::string> value(const std::string& flag) const;

 private:
  std::map<std::string, std::string> values_;
};

// "1,2" as numbers; without it 1, and 2 where there are cores for it.
std::vector<int> thread_counts_in(const std::optional<std::string>& text);

// {"name": "add", "share": 0.91, ...}, in the order of the calls; a number that is missing or not finite is
// null.
class JsonObject {
 public:
  JsonObject& add(const std::string& key, const std::string& text);
  JsonObject& add(const std::string& key, const std::optional<double>& number);
  std::string text() const { return "{" + inside_ + "}"; }

 private:
  void begin(const std::string& key);
  std::string inside_;
};

// The file of --json, where there is one. It is refused if it cannot be written, before minutes are spent on
// what should go into it.
class JsonFile {
 public:
  explicit JsonFile(const std::optional<std::string>& path);
  // Replaces the file whole, or leaves it. Called after each row, so that a run which is cut short keeps
  // those.
  void write(const std::vector<JsonObject>& rows) const;

 private:
  std::optional<std::string> path_;
};

// About so many digits, such that 0.00173 and 50257 both read well; "-" for a missing number.
std::string brief(const std::optional<double>& number, int digits = 4);

// Runs a program's body; turns an exception into its line on stderr and the exit code.
int run_program(void (*body)(int, char**), int count, char** words);

}  // namespace gradus::bench
