#include <gradus/nn/gradcheck.h>

#include <gradus/autograd/grad_mode.h>

namespace gradus::nn::detail {

ModuleCheck::ModuleCheck(const Module& module, const std::vector<NamedTensor>& inputs)
    : random_(default_generator().state()) {
  for (const NamedTensor& entry : module.state())
    check(entry.value.dtype() != f32, "gradcheck", "'", entry.name, "' of this ", module.kind(),
          " is f32, and differences in f32 prove nothing. Call to(f64) on the module first?");
  for (const NamedTensor& parameter : module.parameters())
    if (parameter.value.requires_grad()) leaves_.push_back(parameter);
  for (const NamedTensor& buffer : module.buffers())
    buffers_.emplace_back(buffer.value, buffer.value.clone());
  for (const NamedTensor& input : inputs) {
    if (!is_floating(input.value.dtype())) continue;
    leaves_.push_back(input);
    if (input.value.requires_grad()) continue;
    lent_.push_back(input.value);
    lent_.back().requires_grad_();
  }
}

ModuleCheck::~ModuleCheck() {
  for (Tensor& x : lent_) x.requires_grad_(false);
  no_grad([&] {
    for (auto& [buffer, contents] : buffers_) buffer.copy_(contents);
  });
  default_generator().set_state(random_);
}

void check_one_input(const Module& module, std::size_t count) {
  check(
      count == 1, "gradcheck", "a ", module.kind(), " is called with one tensor here, and ", count,
      " are named. Say how to call it: gradcheck(module, [&] { return module(a, b); }, {{\"a\", a}, ...})?");
}

}  // namespace gradus::nn::detail
