// Tensor: the one array type. A cheap handle on a Block; copying it shares the elements.
//
// What only moves or looks at memory is defined in core. What the tape must see (views of a tensor that
// records, changes in place, gradients) is declared here, because a user looks for it on the tensor, and
// defined in autograd/.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gradus/core/block.h>

namespace gradus {

class Tensor {
 public:
  Tensor() = default;  // undefined: any use but defined(), copying and assigning says so
  Tensor(const Tensor& other) noexcept : block_(other.block_) {
    if (block_ != nullptr) block_->add_handle();
  }
  Tensor(Tensor&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  // Not for what a call returned: x[0] = y would bind a handle that is gone on the next line, and x would
  // stay as it is. x[0].copy_(y) writes into x.
  Tensor& operator=(const Tensor& other) & noexcept {
    Tensor copy(other);
    std::swap(block_, copy.block_);
    return *this;
  }
  Tensor& operator=(Tensor&& other) & noexcept {
    Tensor taken(std::move(other));
    std::swap(block_, taken.block_);
    return *this;
  }
  ~Tensor() {
    if (block_ != nullptr) block_->drop_handle();
  }

  // Uninitialised elements: for kernels, which write every one of them. `op` names who asked, for the error.
  static Tensor empty(const Shape& shape, DType dtype, const char* op = "empty") {
    return Tensor(Block::create(shape, dtype, op));
  }
  static Tensor empty_like(const Tensor& x, DType dtype) {
    return Tensor(Block::create_like(x.block(), dtype));
  }
  // A window on this tensor's elements that the tape does not see.
  Tensor window(const Shape& shape, const Strides& strides, std::int64_t offset) const {
    return Tensor(Block::view(block_, shape, strides, offset));
  }
  // Takes over a handle that was counted for it.
  explicit Tensor(Block* block) noexcept : block_(block) {}

  // What it is.
  bool defined() const { return block_ != nullptr; }
  const Shape& shape() const { return block().shape; }
  const Strides& strides() const { return block().strides; }
  int rank() const { return block().shape.rank(); }
  std::int64_t size(std::int64_t axis) const { return shape()[normalised_axis(axis, rank(), "size")]; }
  std::int64_t numel() const { return block().numel; }
  DType dtype() const { return block().dtype; }
  bool is_contiguous() const { return block().contiguous; }
  std::int64_t bytes() const { return numel() * static_cast<std::int64_t>(size_of(dtype())); }
  std::uint32_t version() const { return block().owner->version.load(std::memory_order_relaxed); }

  // Elements, the first one's address. The tape does not see what is written through it.
  template <class T>
  [[gnu::always_inline]] T* data() const {
    if (dtype() != dtype_of<T>()) [[unlikely]]
      wrong_dtype("data", dtype_of<T>());
    return static_cast<T*>(block_->data);
  }
  double item() const;  // the only element, as a double
  template <class T>
  std::vector<T> to_vector() const;  // row-major; T must be the dtype's own type

  // The tape. Defined in autograd/.
  bool requires_grad() const { return block().node != nullptr; }
  Tensor& requires_grad_(bool value = true);  // makes a leaf, a tensor whose gradient backward() keeps
  bool is_leaf() const;
  Tensor grad() const;     // what backward() has added up for this leaf; undefined before
  void zero_grad() const;  // makes grad() undefined again
  void backward(bool retain_graph = false) const;
  void backward(const Tensor& gradient, bool retain_graph = false) const;
  Tensor detach() const;  // the same memory, off the tape
  // Called in each backward pass with this tensor's whole gradient; what it returns,
  // if defined, takes that one's place.
  void register_hook(std::function<Tensor(const Tensor&)> hook) const;

  // Views: they share memory with this tensor, and gradients flow through them.
  // Defined in autograd/ops/view.cpp. One size of reshape may be -1, and it copies
  // where the memory cannot be read that way.
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(std::int64_t from = 0, std::int64_t to = -1) const;
  Tensor transpose(std::int64_t a, std::int64_t b) const;
  Tensor t() const { return transpose(-2, -1); }
  Tensor permute(const Shape& axes) const;
  Tensor slice(std::int64_t axis, std::int64_t from, std::int64_t to, std::int64_t step = 1) const;
  Tensor select(std::int64_t axis, std::int64_t index) const;
  Tensor operator[](std::int64_t index) const { return select(0, index); }
  Tensor expand(const Shape& shape) const;
  Tensor squeeze(std::int64_t axis) const;
  Tensor unsqueeze(std::int64_t axis) const;
  Tensor contiguous() const;  // itself where it is contiguous already

  Tensor to(DType dtype) const;  // itself where the dtype is the same
  Tensor clone() const;          // a copy with memory of its own

  // Changes in place: refused while the tape records this tensor. Defined in autograd/ops/inplace.cpp.
  Tensor& add_(const Tensor& other);
  Tensor& sub_(const Tensor& other);
  Tensor& mul_(const Tensor& other);
  Tensor& div_(const Tensor& other);
  Tensor& add_(double number);
  Tensor& mul_(double number);
  Tensor& copy_(const Tensor& other);
  Tensor& fill_(double number);
  Tensor& zero_() { return fill_(0); }

  // For kernels and the tape.
  Block& block() const {
    if (block_ == nullptr) [[unlikely]]
      undefined();
    return *block_;
  }
  bool shares_handle_with(const Tensor& other) const { return block_ == other.block_; }
  // Follows a change in place, so that a backward pass refuses what it has saved of the elements before. Two
  // threads that change different parts may count as one: what was saved before is told from it all the same.
  void count_change() const {
    std::atomic<std::uint32_t>& version = block().owner->version;
    version.store(version.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // True where this handle is the only way to these elements, so that they may be overwritten: it is a
  // tensor's, or a view's of all that a tensor had which is gone.
  bool is_sole_owner() const {
    const auto alone = [](const Block& block, std::uint32_t handles) {
      return block.handles.load(std::memory_order_acquire) == handles &&
             block.holders.load(std::memory_order_acquire) == 1;
    };
    if (!alone(*block_, 1)) return false;
    return block_->owner == block_ || (block_->owner->numel == block_->numel && alone(*block_->owner, 0));
  }

 private:
  [[noreturn]] static void undefined();
  [[noreturn]] void wrong_dtype(const char* op, DType asked) const;

  Block* block_ = nullptr;
};

struct NamedTensor {
  std::string name;
  Tensor value;
};

std::ostream& operator<<(std::ostream& out, const Tensor& x);  // as NumPy prints; see print.h for options

// One bool for the whole: same dtype, same shape, same elements (NaN equals nothing).
bool equal(const Tensor& a, const Tensor& b);
// |a - b| <= atol + rtol * |b| everywhere; shapes and dtypes must agree.
bool allclose(const Tensor& a, const Tensor& b, double rtol = 1e-5, double atol = 1e-8);

}  // namespace gradus
