#include <gradus/optim/schedule.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <gradus/core/create.h>
#include <gradus/optim/optimizer.h>
#include <gradus/optim/state.h>

namespace gradus::optim {
namespace {

void check_step(const char* op, double lr, std::int64_t step) {
  check_at_least_0(op, "lr", lr, "1e-3");
  check(step >= 0, op, "steps count from 0, and this one is ", step, ". Begin at 0?");
}

// From `from` at 0 to `to` at 1, and beyond that `to`.
double along_cosine(double from, double to, double progress) {
  return to + (from - to) * 0.5 * (1 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
}
double along_line(double from, double to, double progress) {
  return to + (from - to) * (1 - std::min(progress, 1.0));
}

template <class Schedule, class Fall>
double after_warmup(const char* op, const Schedule& s, std::int64_t step, const Fall& fall) {
  check_step(op, s.lr, step);
  check_at_least_0(op, "last", s.last, "0");
  check(s.warmup >= 0 && s.warmup < s.steps, op, "the warm-up must end before the last step; it takes ",
        s.warmup, " of ", s.steps, " steps. A tenth of them?");
  if (step < s.warmup) return s.lr * static_cast<double>(step + 1) / static_cast<double>(s.warmup);
  return fall(s.lr, s.last, static_cast<double>(step - s.warmup) / static_cast<double>(s.steps - s.warmup));
}

}  // namespace

double Constant::operator()(std::int64_t step) const {
  check_step("constant", lr, step);
  return lr;
}

double StepDecay::operator()(std::int64_t step) const {
  check_step("step_decay", lr, step);
  check(every > 0, "step_decay", "every must be above 0, not ", every, ". 1000?");
  check_at_least_0("step_decay", "factor", factor, "0.1");
  return lr * std::pow(factor, static_cast<double>(step / every));
}

double Cosine::operator()(std::int64_t step) const {
  return after_warmup("cosine", *this, step, along_cosine);
}
double LinearDecay::operator()(std::int64_t step) const {
  return after_warmup("linear", *this, step, along_line);
}

double Noam::operator()(std::int64_t step) const {
  check_step("noam", scale, step);
  check(width > 0 && warmup > 0, "noam", "width and warmup must be above 0, not ", width, " and ", warmup,
        ". The model's width and 4000?");
  const double t = static_cast<double>(step + 1), w = static_cast<double>(warmup);
  return scale / std::sqrt(static_cast<double>(width)) * std::min(1 / std::sqrt(t), t / (w * std::sqrt(w)));
}

double OneCycle::operator()(std::int64_t step) const {
  check_step("one_cycle", lr, step);
  const double end = static_cast<double>(steps - 1), top = rise * static_cast<double>(steps) - 1;
  check(top > 0 && top < end, "one_cycle", "a rise over ", rise, " of ", steps,
        " steps leaves no step to rise or to fall. 0.3 of some tens?");
  check(first_divisor > 0 && last_divisor > 0, "one_cycle", "divisors must be above 0, not ", first_divisor,
        " and ", last_divisor, ". 25 and 1e4?");
  const double first = lr / first_divisor, last = first / last_divisor, at = static_cast<double>(step);
  return at <= top ? along_cosine(first, lr, at / top) : along_cosine(lr, last, (at - top) / (end - top));
}

ReduceOnPlateau::ReduceOnPlateau(const Options& o)
    : options_(o),
      lr_(full({}, o.lr, f64)),
      best_(full({}, std::numeric_limits<double>::infinity(), f64)),
      waited_(zeros({}, i64)),
      state_{{"lr", lr_}, {"best", best_}, {"waited", waited_}} {
  check_at_least_0("reduce_on_plateau", "lr", o.lr, "1e-3");
  check_fraction("reduce_on_plateau", "factor", o.factor, "0.1");
  check(o.patience >= 0, "reduce_on_plateau", "patience must be 0 or more, not ", o.patience, ". 10?");
  check_at_least_0("reduce_on_plateau", "threshold", o.threshold, "1e-4");
  check_at_least_0("reduce_on_plateau", "least", o.least, "0");
}

double ReduceOnPlateau::operator()(double metric) {
  double &lr = *lr_.data<double>(), &best = *best_.data<double>();
  std::int64_t& waited = *waited_.data<std::int64_t>();
  const double margin = std::isfinite(best) ? options_.threshold * std::abs(best) : 0;
  if (metric < best - margin) {
    best = metric;
    waited = 0;
  } else if (++waited > options_.patience) {
    lr = std::max(lr * options_.factor, std::min(lr, options_.least));
    waited = 0;
  }
  return lr;
}

void ReduceOnPlateau::load_state(const std::vector<NamedTensor>& state) {
  load_strictly(state_, state, "reduce_on_plateau");
}

}  // namespace gradus::optim
