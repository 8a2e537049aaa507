#include <gradus/optim/ema.h>

#include <gradus/core/kernels/copy.h>
#include <gradus/optim/optimizer.h>
#include <gradus/optim/state.h>

namespace gradus::optim {

Ema::Ema(Parameters parameters, const Options& o) : options_(o), parameters_(std::move(parameters)) {
  check_fraction("ema", "decay", o.decay, "0.999");
  parameters_.check("ema");
  for (const auto& [name, w] : parameters_) averages_.push_back({name, kernels::clone(w)});
  updates_.reserve(averages_.size());
}

void Ema::update() {
  check_apart();
  updates_.clear();
  auto average = averages_.begin();
  for (const auto& [name, w] : parameters_) updates_.push_back({.w = &(average++)->value, .g = &w});
  kernels::average(updates_, options_.decay);
}

void Ema::copy_to(const Parameters& parameters) const {
  check_apart();
  load_strictly({parameters.begin(), parameters.end()}, averages_, "model");
}

void Ema::load_state(const std::vector<NamedTensor>& state) {
  check_apart();
  load_strictly(averages_, state, "ema");
}

void Ema::check_apart() const {
  check(!swapped_, "ema", "the averages are in the weights' place. Call it after with_average has returned?");
}

// Allocates nothing, so that it cannot fail on the way back.
void Ema::swap() {
  swapped_ = !swapped_;
  updates_.clear();
  auto average = averages_.begin();
  for (const auto& [name, w] : parameters_)
    updates_.push_back({.w = &w, .g = &w, .memory = {&(average++)->value}});
  kernels::exchange(updates_);
  for (const auto& [name, w] : parameters_) w.count_change();
}

}  // namespace gradus::optim
