// Block: what a Tensor points to. One 64-byte-aligned piece of memory holds the counts, the description
// (dtype, shape, strides) and, for a tensor with elements of its own, those elements right behind. One
// allocation per tensor instead of three saves about a tenth of a small network's training step.
//
// Two counts, because a tensor's place on the tape and its memory live for different times:
//   handles  Tensors that point here. At zero nobody can ask for a gradient any more, so the node goes.
//   holders  all handles together count as one; each view and each output saved for a backward pass counts as
//            one more. At zero the memory goes.
// A node may therefore keep the output it is recorded on without keeping itself alive.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <gradus/core/dtype.h>
#include <gradus/core/shape.h>

namespace gradus {

// The tape's share in a tensor, as far as core knows it: something counted that
// says when its last reference went.
class TapeEntry {
 public:
  void hold() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void let_go() noexcept {
    if (references_.load(std::memory_order_acquire) == 1 ||
        references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      expire();
  }

 protected:
  virtual ~TapeEntry() = default;
  virtual void expire() noexcept = 0;

 private:
  std::atomic<std::uint32_t> references_{1};
};
class Node;  // autograd/node.h; derives from TapeEntry

struct alignas(64) Block {
  std::atomic<std::uint32_t> handles{1};
  std::atomic<std::uint32_t> holders{1};
  std::atomic<std::uint32_t> version{0};  // counts changes in place; a view's are counted at its owner
  DType dtype;
  std::uint8_t size_class;
  bool contiguous;
  std::uint32_t output_index = 0;  // which of the node's outputs this is
  void* data;
  Block* owner;  // whose memory this shows: itself, or for a view the block that has the elements
  TapeEntry* node = nullptr;  // always a Node; null where no gradient flows
  std::int64_t numel;
  Shape shape;
  Strides strides;

  // Memory for elements of the block's own, uninitialised; and a window on another block's memory.
  static Block* create(const Shape& shape, DType dtype, const char* op);
  static Block* create_like(const Block& other, DType dtype);  // of the same shape
  static Block* view(Block* of, const Shape& shape, const Strides& strides, std::int64_t offset);

  void add_holder() noexcept { holders.fetch_add(1, std::memory_order_relaxed); }
  void drop_holder() noexcept {
    if (holders.load(std::memory_order_acquire) == 1 || holders.fetch_sub(1, std::memory_order_acq_rel) == 1)
      destroy();
  }
  void add_handle() noexcept { handles.fetch_add(1, std::memory_order_relaxed); }
  void drop_handle() noexcept {
    if (handles.load(std::memory_order_acquire) == 1 || handles.fetch_sub(1, std::memory_order_acq_rel) == 1)
      last_handle_gone();
  }

 private:
  void destroy() noexcept;
  void last_handle_gone() noexcept {
    handles.store(0, std::memory_order_relaxed);
    if (node != nullptr) {
      TapeEntry* const gone = node;
      node = nullptr;
      gone->let_go();
    }
    drop_holder();
  }
};

}  // namespace gradus
