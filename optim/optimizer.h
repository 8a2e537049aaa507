// Optimizer: what all update rules have in common. The loop is the user's:
//
//   optim::AdamW optimiser(model, {.lr = 1e-3});
//   for (std::int64_t step = 0; step < 1000; ++step) {
//     optimiser.zero_grad();
//     loss_of(model(x), y).backward();
//     optimiser.step();
//   }
//
// backward() adds to the gradients that are there, so several calls before a step() accumulate.
//
// Parameters that want another learning rate or weight decay form a group, chosen by name or shape:
//
//   optim::AdamW optimiser(model, {.lr = 1e-3, .weight_decay = 0.1}, {optim::no_decay()});
//
// Each rule is written twice: readably in `definition`, in its paper's symbols, and as a pass over memory
// (core/kernels/optimise.h) that makes the same weights up to rounding.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <gradus/core/kernels/optimise.h>
#include <gradus/optim/parameters.h>

namespace gradus::optim {

// Parameters that differ from the rest.
struct Group {
  std::string name;  // for errors
  std::function<bool(const NamedTensor&)>
      chosen;                               // [](const NamedTensor& p) { return p.name.ends_with("bias"); }
  double lr_ratio = 1;                      // of the optimiser's learning rate, whatever the schedule
  std::optional<double> weight_decay = {};  // instead of the optimiser's
};

// Refuse, naming the rule and the setting, what is not a finite number from 0 up; what is not in [0, 1).
void check_at_least_0(const char* op, const char* what, double value, const char* usual);
void check_fraction(const char* op, const char* what, double value, const char* usual);

// Biases and the weights of normalisation, which are what has fewer than two axes: decay would pull them to 0
// without making the model any simpler.
Group no_decay();

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(Optimizer&&) = default;
  Optimizer& operator=(Optimizer&&) = default;

  // One update of every parameter that has a gradient; refused where none has. The gradients stay.
  void step();
  void zero_grad() const;

  double lr() const { return *lr_.data<double>(); }
  void set_lr(double lr);  // each step, for a schedule

  const Parameters& parameters() const { return parameters_; }

  // All that the next steps depend on besides the weights: "adamw.lr", so that no other rule's state fits,
  // and, for each parameter, what the rule remembers ("m.encoder.0.weight") and the count of its updates
  // where that matters ("steps.encoder.0.weight"). The tensors are the optimiser's own, and change with it.
  const std::vector<NamedTensor>& state() const { return state_; }
  // Copies a state in: training goes on to the same bits. Refuses one of other names, shapes or dtypes, and
  // then nothing has changed.
  void load_state(const std::vector<NamedTensor>& state);

 protected:
  struct Settings {
    const char* name;  // of the rule, for errors
    double lr, weight_decay;
    std::vector<const char*> memory = {};  // names of what the rule remembers, zeros at first
    bool counts_steps = false;
  };
  Optimizer(const Settings& settings, Parameters parameters, const std::vector<Group>& groups);

  // The rule, on the parameters that have gradients.
  virtual void update(std::span<kernels::Update> updates) const = 0;

 private:
  struct Slot {
    Tensor w;
    std::array<Tensor, 2> memory;
    Tensor steps;  // i64, a single number; undefined where the rule does not count
    double lr_ratio, weight_decay;
  };

  const char* name_;
  Parameters parameters_;
  Tensor lr_;  // f64, a single number
  std::vector<Slot> slots_;
  std::vector<NamedTensor> state_;
  std::vector<kernels::Update> updates_;  // of the step that runs; kept for its memory
};

}  // namespace gradus::optim
