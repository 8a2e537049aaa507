// Ctrl-C without losing work: while an Interrupt lives, the first Ctrl-C, or SIGTERM as a machine sends it
// before it goes down, is remembered instead of ending the program, and a loop asks between its steps. The
// second of its kind ends the program as usual. Where several live, as when a loop around fit() has its own,
// all hear the same signal.
#pragma once

namespace gradus::optim {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // after the last of them signals do again what they did before the first
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The signal that came, 0 before any did.
  static int signal();
};

}  // namespace gradus::optim
