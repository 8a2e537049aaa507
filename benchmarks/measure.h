// Clocks and turns: how every number of these benchmarks is taken.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

namespace gradus::bench {

using Work = std::function<void()>;

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

// Two works measured by turns, so that whatever slows the machine for a while slows both.
struct Turns {
  double seconds = 0.15;  // about how long all turns together may take
  int at_least = 7;
  // Idle time before each turn. A thread pool that has just worked keeps a core busy waiting for more for
  // some time; where the two works have pools of their own, each would run beside the other's.
  double pause = 0;
};
struct Medians {
  double ours, ceiling;  // seconds for one call; the ceiling's is 0 where there is none
};
Medians by_turns(const Work& ours, const Work& ceiling, const Turns& turns);

}  // namespace gradus::bench
