#include "measure.h"

#include <thread>

namespace gradus::bench {
namespace {

double seconds_for(const Work& work, std::int64_t calls) {
  const double start = now();
  for (std::int64_t i = 0; i < calls; ++i) work();
  return now() - start;
}

// One work with the number of calls that makes a turn long enough for the clock.
struct Player {
  const Work& work;
  std::int64_t calls = 1;
  double turn_seconds = 0;
  std::vector<double> per_call;

  explicit Player(const Work& what, double turn) : work(what) {
    seconds_for(work, 1);  // page faults, caches, thread starts
    while ((turn_seconds = seconds_for(work, calls)) < turn) {
      const double more = turn_seconds > 0 ? 1.2 * turn / turn_seconds : 1000;
      calls =
          std::max(calls + 1, static_cast<std::int64_t>(static_cast<double>(calls) * std::min(more, 1000.0)));
    }
  }
  void play(double pause) {
    if (pause > 0) std::this_thread::sleep_for(std::chrono::duration<double>(pause));
    if (turn_seconds < 0.01) seconds_for(work, (calls + 3) / 4);  // back into the caches
    per_call.push_back(seconds_for(work, calls) / static_cast<double>(calls));
  }
};

}  // namespace

Medians by_turns(const Work& ours, const Work& ceiling, const Turns& turns) {
  constexpr double turn = 0.002;
  Player us(ours, turn);
  if (!ceiling) {
    const int rounds = std::max(turns.at_least, static_cast<int>(turns.seconds / us.turn_seconds));
    for (int i = 0; i < rounds; ++i) us.play(turns.pause);
    return {median(us.per_call), 0};
  }
  Player them(ceiling, turn);
  const int rounds =
      std::max(turns.at_least, static_cast<int>(turns.seconds / (us.turn_seconds + them.turn_seconds)));
  for (int i = 0; i < rounds; ++i) {
    us.play(turns.pause);
    them.play(turns.pause);
  }
  return {median(us.per_call), median(them.per_call)};
}

}  // namespace gradus::bench
