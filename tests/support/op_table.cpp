#include "support/op_table.h"

#include <cmath>
#include <random>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/view.h>

namespace gradus::test {

Array::Array(const Tensor& x) : Array(x.shape()) { values = kernels::cast(x, f64).to_vector<double>(); }

std::size_t Array::flat_index(const std::vector<std::int64_t>& index) const {
  std::int64_t flat = 0;
  for (int axis = 0; axis < shape.rank(); ++axis)
    flat = flat * shape[axis] + index[static_cast<std::size_t>(axis)];
  return static_cast<std::size_t>(flat);
}

double Array::broadcast_at(const std::vector<std::int64_t>& index) const {
  std::vector<std::int64_t> own(index.end() - shape.rank(), index.end());
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (shape[axis] == 1) own[static_cast<std::size_t>(axis)] = 0;
  return at(own);
}

void for_each_index(const Shape& shape, const std::function<void(const std::vector<std::int64_t>&)>& f) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()), 0);
  const std::int64_t count = numel_of(shape, "for_each_index");
  for (std::int64_t i = 0; i < count; ++i) {
    f(index);
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      auto& at = index[static_cast<std::size_t>(axis)];
      if (++at < shape[axis]) break;
      at = 0;
    }
  }
}

namespace {

std::vector<double> numbers(const Input& input, std::mt19937_64& random) {
  if (!input.values.empty()) return input.values;
  std::vector<double> drawn(static_cast<std::size_t>(numel_of(input.shape, "draw")));
  std::uniform_real_distribution<double> uniform(input.low, input.high);
  std::uniform_int_distribution<std::int64_t> whole(static_cast<std::int64_t>(input.low),
                                                    static_cast<std::int64_t>(input.high));
  for (double& number : drawn) {
    if (input.dtype == i64) {
      number = static_cast<double>(whole(random));
      continue;
    }
    if (input.dtype == boolean) {
      number = static_cast<double>(random() % 2);
      continue;
    }
    bool near_kink;
    do {
      number = static_cast<float>(uniform(random));
      near_kink = false;
      for (const double kink : input.kinks) near_kink |= std::abs(number - kink) < 0.05;
    } while (near_kink);
  }
  return drawn;
}

// A window of the wanted shape on memory twice as large along each axis, and laid out with the axes in
// reverse order.
Tensor strided_window(const Tensor& x) {
  Shape larger, reversed;
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    larger.push_back(2 * x.shape()[axis] + 1);
    reversed.push_back(axis);
  }
  Tensor window = views::permute(kernels::full(larger, x.dtype() == boolean ? 1 : 77, x.dtype()), reversed);
  for (int axis = 0; axis < x.rank(); ++axis)
    window = views::slice(window, axis, 1, 2 * x.shape()[axis] + 1, 2);
  kernels::copy_into(window, x);
  return window;
}

}  // namespace

Tensors draw(const Inputs& inputs, DType floating, std::uint64_t seed, bool strided) {
  std::mt19937_64 random(seed);
  Tensors tensors;
  for (const Input& input : inputs) {
    Tensor x = Tensor::empty(input.shape, f64);
    const std::vector<double> values = numbers(input, random);
    std::copy(values.begin(), values.end(), x.data<double>());
    x = kernels::cast(x, is_floating(input.dtype) ? floating : input.dtype);
    if (strided) x = strided_window(x);
    if (is_floating(x.dtype()) && input.differentiable) x.requires_grad_();
    tensors.push_back(x);
  }
  return tensors;
}

}  // namespace gradus::test
