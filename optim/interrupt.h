// Ctrl-C without losing work: while an Interrupt lives, the first Ctrl-C, or SIGTERM as a machine sends it before it goes
// down, is remembered instead of ending the program, and a loop asks between its steps. The second ends the program as
// usual.
#pragma once

namespace gradus::optim {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();  // signals do again what they did before
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The signal that came, 0 before any did.
  static int signal();
};

}  // namespace gradus::optim
