#include "speed_table.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include <gradus/core/check.h>
#include <gradus/core/io/json.h>

#include "report.h"

namespace gradus::bench {
namespace {

// What was measured of a step with some number of threads.
const Json& row_of(const Json::Array& rows, const std::string& step, std::int64_t threads) {
  for (const Json& row : rows)
    if (row.at("name").text() == step && row.at("threads").number() == static_cast<double>(threads))
      return row;
  fail("bench", "there is no row of ", step, " with ", threads, " threads. Measure it with --threads 1,2?");
}

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

}  // namespace

std::string speed_table(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Misuse("'" + path + "' cannot be read. A file that --json has written?");
  std::ostringstream text;
  text << file.rdbuf();
  const Json all = parse_json(text.str(), path);
  std::string table =
      "| step | ms | libtorch | ms, 2 threads | libtorch | of the floor | MB | libtorch |\n"
      "|---|---|---|---|---|---|---|---|\n";
  std::string name;
  for (const Json& row : all.array()) {
    if (row.at("name").text() == name) continue;  // a step's rows follow each other
    name = row.at("name").text();
    const auto number = [&](std::int64_t threads, const char* key) {
      const Json* const value = row_of(all.array(), name, threads).find(key);
      check(value != nullptr && !value->is_null(), "bench", path, " does not have ", key, " of ", name,
            ". Measure it with --against torch?");
      return value->number();
    };
    const auto times = [&](std::int64_t threads) {
      return brief(number(threads, "ours_ms"), 3) + " | " + brief(number(threads, "ratio"), 3) + " × | ";
    };
    table += "| `" + name + "` | " + times(1) + times(2) + percent(number(1, "floor_share")) + ", " +
             percent(number(2, "floor_share")) + " | " + brief(number(1, "peak_mb"), 3) + " | " +
             brief(number(1, "torch_peak_mb"), 3) + " |\n";
  }
  return table;
}

}  // namespace gradus::bench
