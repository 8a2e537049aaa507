#include <gradus/core/tensor.h>

#include <cmath>
#include <cstring>
#include <new>

#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/processor.h>

namespace gradus {
namespace {

// Ahead of every other static object's constructor; here because no program uses gradus without this file.
[[gnu::constructor(101)]] void require_this_processor() {
  detail::require_instruction_sets(detail::compiled_for(), detail::processor_has());
}

constexpr std::size_t offset_of_elements = sizeof(Block);  // a multiple of 64, as Block is aligned to that

Block* with_elements(std::int64_t numel, const Shape& shape, DType dtype, const char* op) {
  std::int64_t bytes;
  check(!__builtin_mul_overflow(numel, static_cast<std::int64_t>(size_of(dtype)), &bytes), op, "shape ",
        shape, " of ", dtype, " needs more than 2^63 bytes. Split the work?");
  std::uint8_t size_class;
  void* const piece = memory::allocate(offset_of_elements + static_cast<std::size_t>(bytes), size_class,
                                       memory::Fit::or_larger);
  Block* const block = new (piece) Block;
  block->dtype = dtype;
  block->size_class = size_class;
  block->contiguous = true;
  block->data = static_cast<std::byte*>(piece) + offset_of_elements;
  block->owner = block;
  block->numel = numel;
  block->shape = shape;
  return block;
}

}  // namespace

Block* Block::create(const Shape& shape, DType dtype, const char* op) {
  Block* const block = with_elements(numel_of(shape, op), shape, dtype, op);
  // In place: strides written one by one and then moved as a vector would wait for the stores.
  set_contiguous(block->strides, shape);
  return block;
}

Block* Block::create_like(const Block& other, DType dtype) {
  Block* const block = with_elements(other.numel, other.shape, dtype, "empty_like");
  // The strides of a view say nothing about those of a new tensor.
  if (other.owner == &other)
    block->strides = other.strides;
  else
    set_contiguous(block->strides, other.shape);
  return block;
}

Block* Block::view(Block* of, const Shape& shape, const Strides& strides, std::int64_t offset) {
  std::uint8_t size_class;
  Block* const block = new (memory::allocate(sizeof(Block), size_class, memory::Fit::exact)) Block;
  block->dtype = of->dtype;
  block->size_class = size_class;
  block->data = static_cast<std::byte*>(of->data) + offset * static_cast<std::int64_t>(size_of(of->dtype));
  block->owner = of->owner;
  block->owner->add_holder();
  block->numel = 1;
  block->contiguous = true;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    block->contiguous &= shape[i] == 1 || strides[i] == block->numel;
    block->numel *= shape[i];
  }
  block->contiguous |= block->numel == 0;
  block->shape = shape;
  block->strides = strides;
  return block;
}

void Block::destroy() noexcept {
  Block* const memory_of = owner;
  const std::uint8_t class_of_piece = size_class;
  this->~Block();
  memory::deallocate(this, class_of_piece);
  if (memory_of != this) memory_of->drop_holder();
}

void Tensor::undefined() {
  fail("tensor",
       "this tensor is undefined: made by Tensor() and never assigned, or the grad() of a leaf that no "
       "backward has reached. Make it with zeros, or call backward first?");
}

void Tensor::wrong_dtype(const char* op, DType asked) const {
  fail(op, "elements are ", dtype(), ", asked for as ", asked, ". Convert with .to(", asked, ")?");
}

double Tensor::item() const {
  check(numel() == 1, "item", "needs exactly one element; shape ", shape(), " has ", numel(),
        ". Select one with x[i], or reduce with sum or mean?");
  return dispatch_all(dtype(), [&]<class T>() { return static_cast<double>(*data<T>()); });
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Tensor flat = kernels::contiguous(*this);
  const T* const first = flat.data<T>();
  return std::vector<T>(first, first + flat.numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<std::int64_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

bool equal(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  const Tensor flat_a = kernels::contiguous(a), flat_b = kernels::contiguous(b);
  return dispatch_all(a.dtype(), [&]<class T>() {
    return std::equal(flat_a.data<T>(), flat_a.data<T>() + a.numel(), flat_b.data<T>());
  });
}

bool allclose(const Tensor& a, const Tensor& b, double rtol, double atol) {
  check_same_dtype("a", a.dtype(), "b", b.dtype(), "allclose");
  check(a.shape() == b.shape(), "allclose", "shapes differ: a is ", a.shape(), ", b is ", b.shape(),
        ". Reshape or expand one?");
  const Tensor flat_a = kernels::contiguous(a), flat_b = kernels::contiguous(b);
  return dispatch_all(a.dtype(), [&]<class T>() {
    for (std::int64_t i = 0; i < a.numel(); ++i) {
      const auto x = static_cast<double>(flat_a.data<T>()[i]), y = static_cast<double>(flat_b.data<T>()[i]);
      if (x != y && !(std::isfinite(y) && std::abs(x - y) <= atol + rtol * std::abs(y))) return false;
    }
    return true;
  });
}

}  // namespace gradus
