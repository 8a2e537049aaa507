// Where the time of a training step goes, op by op:
//
//   Profile profile;
//   loss_of(model, batch).backward();
//   profile.lap("backward's end");
//   optimiser.step();
//   profile.lap("adamw step");
//   std::cout << profile.table();
//
// An op's forward time runs from the op recorded before it to its own recording, so that what is computed
// between two ops without being recorded counts with the later one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gradus {

// Times what this thread records and walks back, for as long as it lives. One inside another pauses that.
class Profile {
 public:
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  struct Op {
    std::string name;
    std::int64_t calls = 0;            // forward, or of lap
    double forward = 0, backward = 0;  // seconds, all calls together
    double seconds() const { return forward + backward; }
  };
  // What has run since the last op or lap, under a name of the caller's; forward.
  void lap(const char* name) { count(name, 1, &Op::forward); }
  std::vector<Op> ops() const;  // those that took longest first
  std::string table() const;    // for people, 80 columns wide

  // For the tape.
  void recorded(const char* op) { count(op, 1, &Op::forward); }
  void walked(const char* op) { count(op, 0, &Op::backward); }

 private:
  void count(const char* name, int calls, double Op::*time);

  Profile* outer_;
  double last_;
  std::map<std::string, Op> ops_;
};

namespace detail {
inline thread_local constinit Profile* profile = nullptr;
}

}  // namespace gradus
