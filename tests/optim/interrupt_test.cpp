#include <gradus/optim/interrupt.h>

#include <csignal>

#include "support/catch.h"

using gradus::optim::Interrupt;

namespace {
volatile std::sig_atomic_t heard = 0;
}

TEST_CASE("while an Interrupt lives the first Ctrl-C is remembered, then all is as before", "[optim]") {
  struct sigaction own = {}, before = {};
  own.sa_handler = [](int) { heard = 1; };
  sigaction(SIGINT, &own, &before);
  {
    const Interrupt interrupt;
    CHECK(Interrupt::signal() == 0);
    std::raise(SIGINT);
    CHECK(Interrupt::signal() == SIGINT);
    CHECK(heard == 0);
    struct sigaction next = {};
    sigaction(SIGINT, nullptr, &next);
    CHECK(next.sa_handler == SIG_DFL);  // the second ends the program
  }
  std::raise(SIGINT);
  CHECK(heard == 1);
  sigaction(SIGINT, &before, nullptr);
  const Interrupt later;
  CHECK(Interrupt::signal() == 0);
}

TEST_CASE("an Interrupt inside another hears the same signal, and the outer one ends both", "[optim]") {
  struct sigaction own = {}, before = {}, after = {};
  own.sa_handler = [](int) { heard = 2; };
  sigaction(SIGINT, &own, &before);
  {
    const Interrupt outer;
    { const Interrupt inner; }
    std::raise(SIGINT);
    CHECK(Interrupt::signal() == SIGINT);
    const Interrupt later;
    CHECK(Interrupt::signal() == SIGINT);
  }
  sigaction(SIGINT, &before, &after);
  CHECK(after.sa_handler == own.sa_handler);
}
