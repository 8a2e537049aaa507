#include <gradus/optim/interrupt.h>

#include <csignal>
#include <mutex>

namespace gradus::optim {
namespace {

volatile std::sig_atomic_t received = 0;
std::mutex counting;
int alive = 0;
struct sigaction before_interrupt, before_terminate;

}  // namespace

Interrupt::Interrupt() {
  const std::lock_guard lock(counting);
  if (alive++ > 0) return;
  received = 0;
  struct sigaction remember = {};
  remember.sa_handler = [](int signal) { received = signal; };
  sigemptyset(&remember.sa_mask);
  // What is being read or written goes on; the second signal finds the default action.
  remember.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGINT, &remember, &before_interrupt);
  sigaction(SIGTERM, &remember, &before_terminate);
}

Interrupt::~Interrupt() {
  const std::lock_guard lock(counting);
  if (--alive > 0) return;
  sigaction(SIGINT, &before_interrupt, nullptr);
  sigaction(SIGTERM, &before_terminate, nullptr);
}

int Interrupt::signal() { return received; }

}  // namespace gradus::optim
