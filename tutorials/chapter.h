// What the chapters' programs share: how far a result depends on chance, and where their figures go.
#pragma once

#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>

namespace chapter {

constexpr int seeds = 5;

struct Spread {
  double mean = 0, low = std::numeric_limits<double>::max(), high = std::numeric_limits<double>::lowest();
};

// Of what `measure` returns where random numbers begin with the seeds 1 to 5; it is told which.
template <class Measure>
Spread over_seeds(const Measure& measure) {
  Spread spread;
  for (int seed = 1; seed <= seeds; ++seed) {
    gradus::manual_seed(seed);
    const double x = measure(seed);
    spread = {spread.mean + x / seeds, std::min(spread.low, x), std::max(spread.high, x)};
  }
  return spread;
}

inline void print(const Spread& s, int digits, int width = 0) {
  std::printf("%*.*f (%*.*f to %*.*f)", width, digits, s.mean, width, digits, s.low, width, digits, s.high);
}

// DIR, where the program was given the arguments --figures DIR; else "".
inline std::string figures_folder(int argc, char* argv[]) {
  return argc == 3 && argv[1] == std::string("--figures") ? argv[2] : "";
}

}  // namespace chapter
