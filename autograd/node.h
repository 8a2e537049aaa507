// Node: one recorded operation on the tape. It knows where each gradient goes (edges), what its outputs look
// like (slots, where their gradients gather during a backward pass), what it saved, and its rule.
//
// record() in record.h makes nodes; engine.cpp walks them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <gradus/autograd/scope.h>
#include <gradus/core/allocator.h>
#include <gradus/core/tensor.h>

namespace gradus {

class Node;
class Backward;

// Where the gradient of one input goes: to an output of the node that made it, or to a leaf.
struct Edge {
  Node* node = nullptr;  // counted; null where the input needs no gradient
  std::uint32_t output = 0;
};

// One output of a node: its gradient while a backward pass gathers it, and what that gradient must look like.
struct Slot {
  Tensor gradient;
  Shape shape;
  DType dtype = f32;
};

// A tensor kept for the backward pass, with the version it had. The output of the node itself is held by its
// memory only: a handle would keep the node alive that keeps it.
class Saved {
 public:
  Saved() = default;
  Saved(const Tensor& x, bool is_own_output)
      : block_(&x.block()), version_(x.version()), is_own_output_(is_own_output) {
    if (is_own_output_)
      block_->add_holder();
    else
      block_->add_handle();
  }
  Saved(const Saved&) = delete;
  Saved& operator=(const Saved&) = delete;
  ~Saved() { release(); }

  // The tensor again, produced by `owner` where it is its output. Refuses one that was changed in place
  // meanwhile. Where it need not be kept for another pass, the handle itself is handed over.
  Tensor get(Node& owner, bool keep);
  const Block* block() const { return block_; }
  void release() noexcept {
    if (block_ == nullptr) return;
    Block* const gone = std::exchange(block_, nullptr);
    if (is_own_output_)
      gone->drop_holder();
    else
      gone->drop_handle();
  }

 private:
  Block* block_ = nullptr;
  std::uint32_t version_ = 0;
  bool is_own_output_ = false;
};

using Hook = std::function<Tensor(const Tensor&)>;

class Node : public TapeEntry {
 public:
  // Runs the rule: takes the slots' gradients, gives each wanted input its own.
  virtual void run(Backward& back) = 0;
  virtual std::span<const Saved> saved() const = 0;

  const char* name = "";
  const ScopePath* scope = nullptr;
  double cost_in_flops = -1;  // of the forward pass; negative: one for each element of the output
  double product_flops = 0;   // of products of matrices, in both passes
  // Larger than that of every node whose output this one uses, so that walking from large to small meets each
  // node after all who use it. A Lamport clock: no counter is shared between threads.
  std::uint64_t sequence = 0;
  std::span<Edge> edges;
  std::span<Slot> slots;
  std::unique_ptr<std::vector<std::pair<std::uint32_t, Hook>>> hooks;  // each with the output it watches
  void* walk = nullptr;   // the backward pass that has gradients waiting here
  bool released = false;  // its saved tensors are gone
  bool is_leaf = false;

  // Lets go of what was saved; a further backward through here is refused.
  void release() noexcept;

  static void* operator new(std::size_t bytes);
  static void operator delete(void* piece, std::size_t bytes);

 protected:
  void expire() noexcept override;
  virtual void release_saved() noexcept {}
};

inline Node* node_of(const Tensor& x) { return static_cast<Node*>(x.block().node); }

// The node of a tensor that the user marked with requires_grad_(): keeps its gradient between passes.
class Leaf final : public Node {
 public:
  Leaf(const Shape& shape, DType dtype);
  void run(Backward&) override {}
  std::span<const Saved> saved() const override { return {}; }

  // Adds to the gradient what a pass has gathered. Called by the walk that owns this leaf.
  void put_gradient(Tensor dx);

  Tensor gradient;
  // The backward pass that owns the leaf while it runs: it alone touches `gradient` and what follows here.
  std::atomic<void*> walker{nullptr};
  Tensor gathered;
  Leaf* next_owned = nullptr;

 private:
  Slot slot_;
};

// The clock behind Node::sequence.
namespace detail {
inline thread_local constinit std::uint64_t clock = 0;
}

}  // namespace gradus
