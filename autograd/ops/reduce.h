// Reductions: one number from each group of elements that differ only along the reduced axes.
//
//   sum(x)   sum(x, -1)   mean(x, {0, 2}, keep_dims)
//
// The reduced axes are dropped from the shape, or stay as 1 with keep_dims. x is (...); n counts the elements
// of a group.
#pragma once

#include <initializer_list>

#include <gradus/core/tensor.h>

namespace gradus {

// Which axes to reduce: one, several, or all of them where nothing is said (`{}` says nothing, too). Negative
// ones count from the end.
class Axes {
 public:
  Axes() = default;
  Axes(std::int64_t axis) : all_(false), listed_{axis} {}
  Axes(std::initializer_list<std::int64_t> axes) : all_(false), listed_(axes) {}
  Axes(const Shape& axes) : all_(false), listed_(axes) {}  // an empty list here reduces nothing

  // Counted from the start, each once; refuses what is not an axis of `rank`, and an axis named twice.
  Shape normalised(int rank, const char* op) const;

 private:
  bool all_ = true;
  Shape listed_;
};

enum class Dims { drop, keep };
inline constexpr Dims keep_dims = Dims::keep;

Tensor sum(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);   // of no elements: 0
Tensor mean(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);  // refuses no elements
// Of no elements: 1. The gradient, dy times the product of the others, is right where elements are 0.
Tensor prod(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);

// sum((x - mean(x))^2) / (n - correction). 0, the default, divides by n as normalisation layers do; 1 makes
// the variance of a sample unbiased (Bessel). Refuses n <= correction.
Tensor var(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop, int correction = 0);

// The largest and the smallest element, NaN if there is one; elements that tie share the gradient equally.
// Refuse no elements.
Tensor max(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);
Tensor min(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);

// Where it stands, i64: along one axis, or in the whole of x read row by row. The first of several; a NaN
// counts as the largest and as the smallest, as in NumPy. No gradient.
Tensor argmax(const Tensor& x);
Tensor argmax(const Tensor& x, std::int64_t axis, Dims dims = Dims::drop);
Tensor argmin(const Tensor& x);
Tensor argmin(const Tensor& x, std::int64_t axis, Dims dims = Dims::drop);

// Of booleans: whether one is true (of none: false), whether all are (of none: true).
Tensor any(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);
Tensor all(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);

// y_i = x_0 + ... + x_i along the axis; reversed: y_i = x_i + ... + x_last, the gradient of the other.
Tensor cumsum(const Tensor& x, std::int64_t axis);
Tensor cumsum_reversed(const Tensor& x, std::int64_t axis);

// log(sum(exp(x))), without overflow. Where every x is -infinity, so is the result, and the gradient is 0.
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);

namespace definition {
Tensor prod(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);
Tensor var(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop, int correction = 0);
Tensor logsumexp(const Tensor& x, const Axes& axes = {}, Dims dims = Dims::drop);
}  // namespace definition

}  // namespace gradus
