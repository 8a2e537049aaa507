// Learning rates as functions of the step. `step` counts updates from 0:
//
//   const optim::Cosine schedule{.lr = 3e-4, .steps = 10000, .warmup = 500};
//   for (std::int64_t step = 0; step < 10000; ++step) {
//     optimiser.set_lr(schedule(step));
//     ...
//
// All but ReduceOnPlateau are plain values without state: what a step's rate is does not depend on the steps
// before. Past its last step a schedule stays where it ended.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::optim {

using Schedule = std::function<double(std::int64_t step)>;  // one of these, or a function of one's own

struct Constant {
  double lr;
  double operator()(std::int64_t step) const;
};

// lr, lr * factor, lr * factor^2, ... for `every` steps each.
struct StepDecay {
  double lr;
  std::int64_t every;
  double factor = 0.1;
  double operator()(std::int64_t step) const;
};

// The next two rise by equal steps through lr / warmup, 2 lr / warmup, ... to lr, and then fall over the
// remaining steps from lr to `last`: along half a cosine (Loshchilov & Hutter 2017), or along a line.
struct Cosine {
  double lr;
  std::int64_t steps, warmup = 0;
  double last = 0;
  double operator()(std::int64_t step) const;
};
struct LinearDecay {
  double lr;
  std::int64_t steps, warmup = 0;
  double last = 0;
  double operator()(std::int64_t step) const;
};

// scale / sqrt(width) * min(1 / sqrt(t), t / warmup^1.5) with t = step + 1: rises along a line for `warmup`
// steps and then falls as 1 / sqrt(t). Vaswani et al. 2017; called by the name of its second author
struct Noam {
  std::int64_t width, warmup = 4000;
  double scale = 1;
  double operator()(std::int64_t step) const;
};

// From lr / first_divisor up to lr over the first `rise` of the steps, then down to the first rate /
// last_divisor at the last step, both along half a cosine. Smith & Topin 2017
struct OneCycle {
  double lr;
  std::int64_t steps;
  double rise = 0.3, first_divisor = 25, last_divisor = 1e4;
  double operator()(std::int64_t step) const;
};

// Times `factor` when the metric has not improved for more than `patience` reports, down to `least`:
//
//   optimiser.set_lr(schedule(validation_loss));
//
// Smaller is better (negate an accuracy); to improve is to fall below the best by `threshold` of it. NaN is
// no improvement.
class ReduceOnPlateau {
 public:
  struct Options {
    double lr;
    double factor = 0.1;
    std::int64_t patience = 10;
    double threshold = 1e-4, least = 0;
  };
  explicit ReduceOnPlateau(const Options& options);
  ReduceOnPlateau(ReduceOnPlateau&&) = default;
  ReduceOnPlateau& operator=(ReduceOnPlateau&&) = default;

  double operator()(double metric);  // the rate from here on
  double lr() const { return *lr_.data<double>(); }

  const std::vector<NamedTensor>& state() const { return state_; }
  void load_state(const std::vector<NamedTensor>& state);

 private:
  Options options_;
  Tensor lr_, best_, waited_;  // single numbers
  std::vector<NamedTensor> state_;
};

}  // namespace gradus::optim
