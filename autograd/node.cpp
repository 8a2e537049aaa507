#include <gradus/autograd/node.h>

#include <gradus/autograd/profile.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>

namespace gradus {

Tensor Saved::get(Node& owner, bool keep) {
  if (block_ == nullptr) return Tensor();
  const std::uint32_t now = block_->owner->version.load(std::memory_order_relaxed);
  check(now == version_, owner.name, "a tensor of shape ", block_->shape,
        " that was saved for the backward pass has been changed in place: it was at version ", version_,
        ", now it is at ", now, ". Change a clone() instead?");
  if (is_own_output_ && block_->handles.load(std::memory_order_acquire) == 0) {
    // The last handle took the output off the tape; as long as its memory is held it can be put back.
    block_->handles.store(1, std::memory_order_relaxed);
    block_->add_holder();
    owner.hold();
    block_->node = &owner;
    return Tensor(block_);
  }
  if (!keep && !is_own_output_) return Tensor(std::exchange(block_, nullptr));
  block_->add_handle();
  return Tensor(block_);
}

void* Node::operator new(std::size_t bytes) {
  std::uint8_t size_class;
  return memory::allocate(bytes, size_class, memory::Fit::exact);
}

void Node::operator delete(void* piece, std::size_t bytes) {
  memory::deallocate(piece, memory::class_of(bytes));
}

void Node::release() noexcept {
  released = true;
  release_saved();
}

// A node's death may end the one before it, and so on through a million: they wait in a list instead of
// nesting.
void Node::expire() noexcept {
  static thread_local constinit Node* waiting = nullptr;
  static thread_local constinit bool emptying = false;
  walk = waiting;  // no pass can reach this node any more, so the field serves as the link
  waiting = this;
  if (emptying) return;
  emptying = true;
  while (waiting != nullptr) {
    Node* const gone = waiting;
    waiting = static_cast<Node*>(gone->walk);
    if (!gone->released) gone->release();
    for (const Edge& edge : gone->edges)
      if (edge.node != nullptr) edge.node->let_go();
    delete gone;
  }
  emptying = false;
}

Leaf::Leaf(const Shape& shape, DType dtype) {
  name = "leaf";
  is_leaf = true;
  slot_.shape = shape;
  slot_.dtype = dtype;
  slots = {&slot_, 1};
}

void Leaf::put_gradient(Tensor dx) {
  if (gradient.defined()) dx = kernels::add(gradient, dx);
  // A view or a shared tensor as gradient would change under the user's hands, so the leaf gets memory of its
  // own.
  const bool own = dx.requires_grad() || (dx.is_sole_owner() && dx.is_contiguous());
  gradient = own ? std::move(dx) : kernels::clone(dx);
}

void detail::attach(Node* node, const OpInfo& op, std::span<const Tensor> outputs) {
  if (profile != nullptr) [[unlikely]]
    profile->recorded(op.name);
  node->name = op.name;
  node->cost_in_flops = op.flops;
  node->product_flops = op.product_flops;
  node->scope = current_scope;
  node->sequence = ++clock;
  bool first = true;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined() || !is_floating(outputs[i].dtype())) continue;
    Block& block = outputs[i].block();
    if (block.node != nullptr) [[unlikely]] {
      if (first) node->let_go();  // else the outputs before this one own it
      fail(op.name, "its output is on the tape already, as the output of '",
           static_cast<Node*>(block.node)->name, "'. Compute it under no_grad, or detach() it?");
    }
    node->slots[i].shape = block.shape;
    node->slots[i].dtype = block.dtype;
    block.node = node;
    block.output_index = static_cast<std::uint32_t>(i);
    if (!first) node->hold();
    first = false;
  }
}

}  // namespace gradus
