// Shape: the sizes of a tensor's axes, outermost first.
// The same small vector serves for strides and axis lists.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>

#include <gradus/core/check.h>

namespace gradus {

// Up to eight axes, kept inline: a shape is copied with every tensor and must not allocate.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;  // rank 0: a single number
  Shape(std::initializer_list<std::int64_t> sizes) { assign(sizes.begin(), sizes.end()); }
  explicit Shape(std::span<const std::int64_t> sizes) { assign(sizes.begin(), sizes.end()); }
  Shape(int rank, std::int64_t value) : rank_(checked_rank(rank)) { std::fill(begin(), end(), value); }

  int rank() const { return rank_; }
  std::int64_t operator[](int axis) const { return sizes_[axis]; }
  std::int64_t& operator[](int axis) { return sizes_[axis]; }
  const std::int64_t* begin() const { return sizes_; }
  const std::int64_t* end() const { return sizes_ + rank_; }
  std::int64_t* begin() { return sizes_; }
  std::int64_t* end() { return sizes_ + rank_; }
  std::int64_t back() const { return sizes_[rank_ - 1]; }

  void push_back(std::int64_t size) {
    checked_rank(rank_ + 1);
    sizes_[rank_++] = size;
  }
  void resize(int rank) { rank_ = checked_rank(rank); }
  void insert(int axis, std::int64_t size) {
    push_back(size);
    std::rotate(begin() + axis, end() - 1, end());
  }
  void erase(int axis) {
    std::copy(begin() + axis + 1, end(), begin() + axis);
    --rank_;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.sizes_[i] != b.sizes_[i]) return false;
    return true;
  }

 private:
  static int checked_rank(std::int64_t rank) {
    check(rank <= max_rank, "shape", "a tensor has at most ", max_rank, " axes, not ", rank,
          ". Join some with reshape?");
    return static_cast<int>(rank);
  }
  template <class Iterator>
  void assign(Iterator first, Iterator last) {
    rank_ = checked_rank(last - first);
    std::copy(first, last, begin());
  }

  int rank_ = 0;
  std::int64_t sizes_[max_rank] = {};  // copied whole: one vector move instead of a loop over the axes in use
};

using Strides = Shape;  // in elements, not bytes

std::ostream& operator<<(std::ostream& out, const Shape& shape);  // (2, 3), (4,), ()

// The number of elements; refuses negative sizes and products past 2^63, naming `op`.
std::int64_t numel_of(const Shape& shape, const char* op);

// Row-major: the last axis is adjacent in memory. A size of zero counts as one, so that an empty tensor's
// strides are those of its shape's order.
inline void set_contiguous(Strides& strides, const Shape& shape) {
  strides.resize(shape.rank());
  std::int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i] == 0 ? 1 : shape[i];
  }
}

inline Strides contiguous_strides(const Shape& shape) {
  Strides strides;
  set_contiguous(strides, shape);
  return strides;
}

// Where in a tensor of this shape the element stands that comes `flat`-th, counted row by row from 0.
Shape position_of(std::int64_t flat, const Shape& shape);

// An axis counted from the end when negative, as in NumPy; refuses what is not an axis of `rank`.
int normalised_axis(std::int64_t axis, int rank, const char* op);

// The shape that both expand to under NumPy's rule: aligned at the end, sizes equal or 1.
Shape broadcast_shapes(const Shape& a, const Shape& b, const char* op);

}  // namespace gradus
