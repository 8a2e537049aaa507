// A module's gradients against central differences: of all its parameters, under their names, and of the
// inputs that are named. For the library's own layers, and for yours in CI:
//
//   nn::FeedForward layer({.width = 4, .hidden = 8});
//   layer.to(f64);
//   const GradcheckResult result = nn::gradcheck(layer, {{"x", randn({3, 4}, f64)}});
//   if (!result) std::cerr << result.report;
//
// and with a callable where a module is called in another way than with one tensor:
//
//   nn::gradcheck(layer, [&] { return mse_loss(layer(x), target); }, {{"x", x}});
//
// A parameter that is frozen and inputs that are ids or masks are left out. Each call draws the same numbers
// from the default generator, so that dropout may stay on; afterwards that and the buffers are as they were.
#pragma once

#include <concepts>
#include <utility>
#include <vector>

#include <gradus/autograd/gradcheck.h>
#include <gradus/core/random.h>
#include <gradus/nn/module.h>

namespace gradus::nn {

namespace detail {
// What is checked, and what is put back.
class ModuleCheck {
 public:
  ModuleCheck(const Module& module, const std::vector<NamedTensor>& inputs);
  ~ModuleCheck();
  ModuleCheck(const ModuleCheck&) = delete;
  ModuleCheck& operator=(const ModuleCheck&) = delete;

  const std::vector<NamedTensor>& leaves() const { return leaves_; }
  void begin_call() const { default_generator().set_state(random_); }

 private:
  std::vector<NamedTensor> leaves_;
  std::vector<Tensor> lent_;                        // inputs that are leaves for the time of the check
  std::vector<std::pair<Tensor, Tensor>> buffers_;  // and their contents
  RandomState random_;
};

void check_one_input(const Module& module, std::size_t count);
}  // namespace detail

template <std::derived_from<Module> M, std::invocable Callable>
GradcheckResult gradcheck(const M& module, const Callable& call, const std::vector<NamedTensor>& inputs = {},
                          const GradcheckOptions& options = {}) {
  const detail::ModuleCheck check(module, inputs);
  const auto repeated = [&] {
    check.begin_call();
    return call();
  };
  return gradus::gradcheck(repeated, check.leaves(), options);
}

// A module that is not const is called as such, as batch norm must be in training.
template <std::derived_from<Module> M>
GradcheckResult gradcheck(M& module, const std::vector<NamedTensor>& inputs,
                          const GradcheckOptions& options = {}) {
  detail::check_one_input(module, inputs.size());
  return gradcheck(
      module, [&] { return module(inputs[0].value); }, inputs, options);
}

}  // namespace gradus::nn
