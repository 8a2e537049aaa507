// How the time of a training step grows with its sizes:   ./gradus bench growth [--filter TEXT] [--json FILE]
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <gradus/autograd/profile.h>
#include <gradus/core/parallel.h>

#include "report.h"
#include "steps_models.h"

namespace gradus::bench {
namespace {

struct Net {
  const char* name;
  Step (*make)(const Sizes& sizes);
  Sizes smallest;
};
constexpr Net nets[] = {
    {"lstm", lstm_step, {.tokens = 1000, .width = 128, .layers = 1, .batch = 16, .steps = 32}},
    {"seq2seq", seq2seq_step, {.tokens = 1000, .width = 128, .layers = 1, .batch = 16, .steps = 16}},
    {"gpt", gpt_step, {.tokens = 1000, .width = 128, .layers = 2, .batch = 4, .steps = 64}},
    {"transformer", transformer_step, {.tokens = 1000, .width = 128, .layers = 1, .batch = 8, .steps = 32}},
};

struct Size {
  const char* name;
  std::int64_t Sizes::*value;
};
constexpr Size sizes[] = {
    {"T", &Sizes::steps}, {"d", &Sizes::width}, {"layers", &Sizes::layers}, {"batch", &Sizes::batch}};

constexpr int doublings = 3;

// e, where y grows as 2^(e i): the slope of the line that fits the logarithms best.
double exponent(const std::vector<double>& y) {
  const double middle = 0.5 * static_cast<double>(y.size() - 1);
  double above = 0, below = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double x = static_cast<double>(i) - middle;
    above += x * std::log2(y[i]), below += x * x;
  }
  return above / below;
}

// The ms of each step, by turns.
std::vector<double> measured(const std::vector<Step>& steps) {
  constexpr int rounds = 7;
  constexpr double turn = 0.03;
  std::vector<std::vector<double>> ms(steps.size());
  for (int round = -1; round < rounds; ++round)  // the first is for memory and caches
    for (std::size_t i = 0; i < steps.size(); ++i) {
      std::int64_t calls = 0;
      const double start = now();
      while (now() - start < turn) steps[i].run(), ++calls;
      if (round >= 0) ms[i].push_back(1e3 * (now() - start) / static_cast<double>(calls));
    }
  std::vector<double> medians;
  for (const std::vector<double>& each : ms) medians.push_back(median(each));
  return medians;
}

// The share that each kind of op has in the time of a step.
std::map<std::string, double> shares(const Step& step) {
  Profile timed;
  for (int i = 0; i < 20; ++i) {
    step.run();
    timed.lap(update_of_weights);
  }
  double all = 0;
  for (const Profile::Op& op : timed.ops()) all += op.seconds();
  std::map<std::string, double> shares;
  for (const Profile::Op& op : timed.ops()) shares[op.name] = op.seconds() / all;
  return shares;
}

// How many times as long the large step would take if each kind of op took so many times as long as it has
// more to do.
double explained(const Step& large, const Step& small, const std::map<std::string, double>& shares_of_small) {
  double times = 0;
  for (const auto& [op, share] : shares_of_small) {
    const double before = small.cost_of(op).all;
    times += share * (before > 0 ? large.cost_of(op).all / before : 1);
  }
  return times;
}

JsonObject measure(const Net& net, const Size& size) {
  std::vector<Step> steps;
  Sizes now = net.smallest;
  for (int i = 0; i <= doublings; ++i, now.*size.value *= 2) steps.push_back(net.make(now));
  const std::vector<double> ms = measured(steps);
  const std::map<std::string, double> shares_of_small = shares(steps.front());
  std::vector<double> most;
  for (const Step& step : steps) most.push_back(explained(step, steps.front(), shares_of_small));
  std::printf("%-12s %-7s", net.name, size.name);
  for (const double each : ms) std::printf(" %7s", brief(each, 3).c_str());
  std::printf("   %5.2f %9.2f\n", exponent(ms), exponent(most));
  std::fflush(stdout);
  return JsonObject()
      .add("name", net.name)
      .add("size", size.name)
      .add("from", static_cast<double>(net.smallest.*size.value))
      .add("time_exponent", exponent(ms))
      .add("explained_exponent", exponent(most));
}

void body(int count, char** words) {
  const Arguments arguments(
      count, words, "Doubles the sizes of nets three times and says how a training step's time grows.",
      {{"--filter", "TEXT", "only nets whose name holds TEXT"},
       {"--json", "FILE", "also write the table to FILE, as an array of objects"}});
  const JsonFile json(arguments.value("--json"));
  const std::string filter = arguments.value("--filter").value_or("");
  set_threads(1);
  std::vector<JsonObject> rows;
  for (const Net& net : nets) {
    if (std::string(net.name).find(filter) == std::string::npos) continue;
    if (rows.empty()) {
      std::printf("%20s %31s   %15s\n", "", "ms of a step at", "grows as n^");
      std::printf("%-12s %-7s %7s %7s %7s %7s   %5s %9s\n", "net", "n", "n", "2 n", "4 n", "8 n", "time",
                  "explained");
    }
    for (const Size& size : sizes) {
      rows.push_back(measure(net, size));
      json.write(rows);
    }
  }
  if (rows.empty()) throw Misuse("no net has '" + filter + "' in its name. Leave --filter out?");
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
