#include "measure.h"

#include <thread>

namespace gradus::bench {
namespace {

constexpr double settling = 0.012;

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
    if (pause > 0) {
      std::this_thread::sleep_for(std::chrono::duration<double>(pause));
      // Threads that wake up may share a core until the system's next ticks move one of them.
      for (const double start = now(); now() - start < settling;) work();
    } else if (turn_seconds < 0.01) {
      seconds_for(work, (calls + 3) / 4);  // back into the caches
    }
    per_call.push_back(seconds_for(work, calls) / static_cast<double>(calls));
  }
  double seconds_of_play(double pause) const { return turn_seconds + (pause > 0 ? pause + settling : 0); }
};

}  // namespace

Medians by_turns(const Work& ours, const Work& ceiling, const Turns& turns) {
  constexpr double turn = 0.002;
  std::vector<Player> players{Player(ours, turn)};
  if (ceiling) players.emplace_back(ceiling, turn);
  double round = 0;
  for (const Player& player : players) round += player.seconds_of_play(turns.pause);
  const int rounds = std::max(turns.at_least, static_cast<int>(turns.seconds / round));
  for (int i = 0; i < rounds; ++i)
    for (Player& player : players) player.play(turns.pause);
  return {median(players[0].per_call), ceiling ? median(players[1].per_call) : 0};
}

}  // namespace gradus::bench
