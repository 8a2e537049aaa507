#include "report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include <gradus/core/io/file.h>
#include <gradus/core/parallel.h>

namespace gradus::bench {

namespace {

// How many letters must change to make a into b (Levenshtein).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);  // from the letters of a seen so far to each beginning of b
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (const char letter : a) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j < row.size(); ++j) {
      const std::size_t replaced = diagonal + (letter != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

void print_help(const std::string& summary, const std::vector<Option>& known) {
  std::printf("%s\n\n", summary.c_str());
  for (const Option& option : known)
    std::printf("  %-15s   %s\n", (std::string(option.flag) + ' ' + option.value).c_str(), option.meaning);
}

}  // namespace

Arguments::Arguments(int count, char** words, const std::string& summary, const std::vector<Option>& known) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--help" || word == "-h") {
      print_help(summary, known);
      std::exit(0);
    }
    const std::size_t equals = word.rfind("--", 0) == 0 ? word.find('=') : std::string::npos;
    const std::string flag = word.substr(0, equals);
    const auto nearest = std::min_element(known.begin(), known.end(), [&](const Option& a, const Option& b) {
      return distance(flag, a.flag) < distance(flag, b.flag);
    });
    if (flag != nearest->flag) {
      constexpr std::size_t typing_error = 3;
      const std::string guess = distance(flag, nearest->flag) <= typing_error
                                    ? std::string("; did you mean ") + nearest->flag + "?"
                                    : ".";
      throw Misuse("there is no option '" + word + "'" + guess + " --help lists them.");
    }
    if (values_.count(flag)) throw Misuse(flag + " is given twice. Leave one out?");
    if (equals != std::string::npos)
      values_[flag] = word.substr(equals + 1);
    else if (i + 1 < count)
      values_[flag] = words[++i];
    if (values_[flag].empty() || values_[flag].rfind("--", 0) == 0)
      throw Misuse(flag + " needs a value. " + flag + " VALUE?");
  }
}

std::optional<std::string> Arguments::value(const std::string& flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<int> thread_counts_in(const std::optional<std::string>& text) {
  std::vector<int> counts;
  std::istringstream words(text.value_or(threads() > 1 ? "1,2" : "1"));
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty() || word.size() > 4 || word.find_first_not_of("0123456789") != std::string::npos ||
        word.find_first_not_of('0') == std::string::npos)
      throw Misuse("--threads takes numbers above 0 such as 1,2 and not '" + *text + "'.");
    counts.push_back(std::stoi(word));
  }
  return counts;
}

void JsonObject::begin(const std::string& key) {
  inside_ += (inside_.empty() ? "\"" : ", \"") + key + "\": ";
}

JsonObject& JsonObject::add(const std::string& key, const std::string& text) {
  begin(key);
  inside_ += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') inside_ += '\\';
    inside_ += c;
  }
  inside_ += '"';
  return *this;
}

JsonObject& JsonObject::add(const std::string& key, const std::optional<double>& number) {
  begin(key);
  char digits[32];
  if (number && std::isfinite(*number)) std::snprintf(digits, sizeof digits, "%.6g", *number);
  inside_ += number && std::isfinite(*number) ? digits : "null";
  return *this;
}

JsonFile::JsonFile(const std::optional<std::string>& path) : path_(path) {
  if (!path) return;
  const bool was_there = std::filesystem::exists(*path);
  if (!std::ofstream(*path, std::ios::app))
    throw Misuse("'" + *path + "' cannot be written. Is there such a folder, and may you write in it?");
  if (!was_there) std::filesystem::remove(*path);  // until there is a row
}

void JsonFile::write(const std::vector<JsonObject>& rows) const {
  if (!path_) return;
  write_atomically(*path_, [&](const Sink& to) {
    for (std::size_t i = 0; i < rows.size(); ++i) to((i == 0 ? "[\n  " : ",\n  ") + rows[i].text());
    to(rows.empty() ? "[]\n" : "\n]\n");
  });
}

std::string brief(const std::optional<double>& number, int digits) {
  if (!number || !std::isfinite(*number)) return "-";
  const double size = std::abs(*number);
  const int before = size == 0 ? digits : static_cast<int>(std::floor(std::log10(size))) + 1;
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", std::clamp(digits - before, 0, digits + 1), *number);
  return text;
}

int run_program(void (*body)(int, char**), int count, char** words) {
  try {
    body(count, words);
    return 0;
  } catch (const Misuse& misuse) {
    std::fprintf(stderr, "%s\n", misuse.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}

}  // namespace gradus::bench
