// The tape's side of Tensor: leaves, gradients, hooks.
#include <gradus/core/tensor.h>

#include <gradus/autograd/node.h>

namespace gradus {

Tensor& Tensor::requires_grad_(bool value) {
  check(!value || is_floating(dtype()), "requires_grad_",
        "only f32 and f64 tensors have gradients; this one holds ", dtype(), ". Convert with .to(f32)?");
  Block& own = block();
  check(own.node == nullptr || node_of(*this)->is_leaf, "requires_grad_", "this tensor of shape ", shape(),
        " is the output of '", own.node == nullptr ? "" : node_of(*this)->name,
        "', not a leaf. Use detach() to cut it off, or register_hook to see its gradient?");
  if (value && own.node == nullptr) own.node = new Leaf(own.shape, own.dtype);
  if (!value && own.node != nullptr) std::exchange(own.node, nullptr)->let_go();
  return *this;
}

bool Tensor::is_leaf() const { return block().node == nullptr || node_of(*this)->is_leaf; }

Tensor Tensor::grad() const {
  if (block().node == nullptr) return Tensor();
  check(node_of(*this)->is_leaf, "grad", "this tensor of shape ", shape(), " is the output of '",
        node_of(*this)->name, "'; only leaves keep their gradient. Use grad(outputs, {x}) or register_hook?");
  return static_cast<Leaf*>(node_of(*this))->gradient;
}

void Tensor::zero_grad() const {
  if (block().node != nullptr && node_of(*this)->is_leaf)
    static_cast<Leaf*>(node_of(*this))->gradient = Tensor();
}

Tensor Tensor::detach() const { return window(shape(), strides(), 0); }

void Tensor::register_hook(std::function<Tensor(const Tensor&)> hook) const {
  check(requires_grad(), "register_hook", "this tensor of shape ", shape(),
        " gets no gradient. Call requires_grad_() on it first?");
  auto& hooks = node_of(*this)->hooks;
  if (hooks == nullptr) hooks = std::make_unique<std::vector<std::pair<std::uint32_t, Hook>>>();
  hooks->emplace_back(block().output_index, std::move(hook));
}

}  // namespace gradus
