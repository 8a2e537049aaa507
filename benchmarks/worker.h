// The side of a training step that is measured: one model, in a process of its own, told by lines on stdin
// when to run. Shared by our program and the peer's (C++17), so that both are timed by the same code.
//
//   program -> worker   run SECONDS
//   worker  -> program  MS MS MS ...                 one number for each batch of steps: ms for a step
//   program -> worker   end
//   worker  -> program  PEAK_MB ALLOCATIONS          -1 where allocations are not counted
//
// The worker's first line: PARAMETERS FINGERPRINT PRODUCTS BLAS, the last for people. PRODUCTS are the
// operations of matrix products in a step, 0 where they are not counted.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "measure.h"

namespace gradus::bench {

// A line of /proc/self/status in MB: VmRSS, resident now; VmHWM, the most so far.
inline double resident_mb(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(key + ":", 0) == 0) return std::strtod(line.c_str() + key.size() + 1, nullptr) / 1024;
  return 0;
}

// A model in training on a batch that stays the same.
struct Step {
  Work run;                                    // forward, loss, backward, update
  std::int64_t parameters;                     // how many numbers are trained
  std::function<std::uint64_t()> fingerprint;  // of their bits; may be empty
  double products = 0;                         // operations of matrix products, all passes together
  // Of each kind of op: what it has to do, in operations or elements, and how much of it is in products.
  struct Cost {
    double all = 0, products = 0;
  };
  std::map<std::string, Cost> ops = {};
  // Nothing for an op on which the loss does not depend.
  Cost cost_of(const std::string& op) const { return ops.count(op) ? ops.at(op) : Cost{}; }
};

class Worker {
 public:
  // `make` builds the model. What was resident before is not the model's. The fingerprint is taken after two
  // steps: Adam's first goes by the gradients' signs alone.
  Worker(const std::string& blas, const std::function<Step()>& make, std::int64_t (*allocations)())
      : allocations_(allocations), resident_before_(resident_mb("VmRSS")) {
    const Step made = make();
    step_ = made.run;
    std::uint64_t fingerprint = 0;
    if (made.fingerprint) {
      step_(), step_();
      fingerprint = made.fingerprint();
    }
    std::cout << made.parameters << ' ' << fingerprint << ' ' << made.products << ' ' << blas << std::endl;
  }

  void serve() {
    for (std::string line, command; std::getline(std::cin, line);) {
      std::istringstream words(line);
      double seconds = 0;
      words >> command >> seconds;
      if (command == "end") break;
      run(seconds);
    }
    std::cout << resident_mb("VmHWM") - resident_before_ << ' '
              << (allocations_ ? static_cast<double>(calls_) / static_cast<double>(steps_) : -1) << std::endl;
  }

 private:
  // Batches long enough for the clock, as many as fit. The allocator's calls are those of the last run: by
  // then the steady state is reached.
  void run(double seconds) {
    if (batch_ == 0) find_batch();
    for (std::int64_t i = 0; i < std::max<std::int64_t>(1, batch_ / 4); ++i) step_();
    std::vector<double> each;
    each.reserve(100'000);
    const std::int64_t calls_before = allocations_ ? allocations_() : 0;
    const double start = now();
    for (double last = start; last - start < seconds;) {
      for (std::int64_t i = 0; i < batch_; ++i) step_();
      const double after = now();
      each.push_back(1e3 * (after - last) / static_cast<double>(batch_));
      last = after;
    }
    calls_ = (allocations_ ? allocations_() : 0) - calls_before;
    steps_ = batch_ * static_cast<std::int64_t>(each.size());
    for (const double ms : each) std::cout << ms << ' ';
    std::cout << std::endl;
  }

  void find_batch() {
    constexpr double enough = 0.0005;
    step_();
    double took = 0;
    for (batch_ = 1;; batch_ *= 2) {
      const double start = now();
      for (std::int64_t i = 0; i < batch_; ++i) step_();
      took = now() - start;
      if (took >= enough) return;
    }
  }

  std::int64_t (*allocations_)();
  double resident_before_;
  Work step_;
  std::int64_t batch_ = 0, calls_ = 0, steps_ = 1;
};

}  // namespace gradus::bench
