#include <gradus/optim/optimizer.h>

#include <cmath>
#include <utility>

#include <gradus/core/create.h>
#include <gradus/optim/state.h>

namespace gradus::optim {
namespace {

// The group that each parameter is in; -1 for none.
std::vector<int> membership(const char* op, const Parameters& parameters, const std::vector<Group>& groups) {
  std::vector<int> of;
  std::vector<int> sizes(groups.size());
  for (const NamedTensor& parameter : parameters) {
    of.push_back(-1);
    for (std::size_t k = 0; k < groups.size(); ++k) {
      if (!groups[k].chosen(parameter)) continue;
      check(of.back() < 0, op, "'", parameter.name, "' is in two groups, '",
            groups[static_cast<std::size_t>(of.back() < 0 ? 0 : of.back())].name, "' and '", groups[k].name,
            "'. Let one leave it out?");
      of.back() = static_cast<int>(k);
      ++sizes[k];
    }
  }
  for (std::size_t k = 0; k < groups.size(); ++k)
    check(sizes[k] > 0, op, "the group '", groups[k].name, "' has none of the ", parameters.size(),
          " parameters. Their names are full ones, such as '", parameters.begin()->name,
          "'; is its .chosen right?");
  return of;
}

}  // namespace

void check_at_least_0(const char* op, const char* what, double value, const char* usual) {
  check(std::isfinite(value) && value >= 0, op, what, " must be a number from 0 up, not ", value, ". ", usual,
        "?");
}

void check_fraction(const char* op, const char* what, double value, const char* usual) {
  check(value >= 0 && value < 1, op, what, " must be at least 0 and less than 1, not ", value, ". ", usual,
        "?");
}

Group no_decay() {
  return {.name = "no decay",
          .chosen = [](const NamedTensor& parameter) { return parameter.value.rank() < 2; },
          .weight_decay = 0};
}

Optimizer::Optimizer(const Settings& settings, Parameters parameters, const std::vector<Group>& groups)
    : name_(settings.name), parameters_(std::move(parameters)) {
  check_at_least_0(name_, "lr", settings.lr, "1e-3");
  check_at_least_0(name_, "weight_decay", settings.weight_decay, "0");
  for (const Group& group : groups) {
    check(group.chosen != nullptr, name_, "the group '", group.name,
          "' does not say which parameters are its own. Set .chosen?");
    check_at_least_0(name_, "lr_ratio", group.lr_ratio, "1");
    check_at_least_0(name_, "weight_decay", group.weight_decay.value_or(0), "0");
  }
  parameters_.check(name_);
  const std::vector<int> group_of = membership(name_, parameters_, groups);

  lr_ = full({}, settings.lr, f64);
  state_.push_back({std::string(name_) + ".lr", lr_});  // no other rule's state fits
  for (const NamedTensor& parameter : parameters_) {
    const int k = group_of[slots_.size()];
    const Group group = k < 0 ? Group{} : groups[static_cast<std::size_t>(k)];
    Slot& slot = slots_.emplace_back();
    slot.w = parameter.value;
    slot.lr_ratio = group.lr_ratio;
    slot.weight_decay = group.weight_decay.value_or(settings.weight_decay);
    if (settings.counts_steps) {
      slot.steps = zeros({}, i64);
      state_.push_back({"steps." + parameter.name, slot.steps});
    }
    for (std::size_t i = 0; i < settings.memory.size(); ++i) {
      slot.memory[i] = zeros_like(slot.w);
      state_.push_back({std::string(settings.memory[i]) + "." + parameter.name, slot.memory[i]});
    }
  }
  updates_.reserve(slots_.size());
}

void Optimizer::step() {
  updates_.clear();
  const double lr = this->lr();
  for (const Slot& slot : slots_) {
    const Tensor* const g = gradient_of(slot.w);
    if (g == nullptr) continue;
    updates_.push_back({.w = &slot.w,
                        .g = g,
                        .memory = {&slot.memory[0], &slot.memory[1]},
                        .lr = lr * slot.lr_ratio,
                        .weight_decay = slot.weight_decay,
                        .steps = slot.steps.defined() ? ++*slot.steps.data<std::int64_t>() : 0});
  }
  check(!updates_.empty(), "step", "none of the ", slots_.size(),
        " parameters has a gradient, so none would change. Call backward() before it, and make the optimiser "
        "after model.to()?");
  update(updates_);
  for (const kernels::Update& updated : updates_) updated.w->count_change();
}

void Optimizer::zero_grad() const {
  for (const Slot& slot : slots_) slot.w.zero_grad();
}

void Optimizer::set_lr(double lr) {
  check_at_least_0("set_lr", "lr", lr, "1e-3");
  *lr_.data<double>() = lr;
}

void Optimizer::load_state(const std::vector<NamedTensor>& state) { load_strictly(state_, state, name_); }

}  // namespace gradus::optim
