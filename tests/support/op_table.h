// The op table: one row for each public op. From a row come all the tests that every op must pass
// (op_table_test.cpp):
//
//   value           the f64 op against a scalar reference, written here with plain loops
//   gradients       gradcheck and second-order gradcheck in f64, at the default tolerances
//   definition      a fused op against its definition: value, gradient, second gradient
//   strides         the same result from inputs that are windows on larger or transposed memory
//   empty           an axis of size zero gives an empty result and gradient, or is refused
//   f32             the f32 op (value and gradient) against the f64 definition, else against the f64 op
//   threads         the same bits at 1, 2 and 3 threads, forward and backward, where it does run in parallel
//   no record       an op without a derivative records none
//   errors          the text of each refusal
//
// A row chooses its inputs, never the tolerance.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::test {

using Tensors = std::vector<Tensor>;

// What references compute with: a shape and its elements as doubles, row-major. Ids and booleans are doubles
// too.
struct Array {
  Shape shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(const Shape& sizes)
      : shape(sizes), values(static_cast<std::size_t>(numel_of(sizes, "array"))) {}
  explicit Array(const Tensor& x);

  std::int64_t size(int axis) const { return shape[axis < 0 ? axis + shape.rank() : axis]; }
  double& operator[](std::int64_t flat) { return values[static_cast<std::size_t>(flat)]; }
  double operator[](std::int64_t flat) const { return values[static_cast<std::size_t>(flat)]; }
  double& at(const std::vector<std::int64_t>& index) { return values[flat_index(index)]; }
  double at(const std::vector<std::int64_t>& index) const { return values[flat_index(index)]; }
  // The element that broadcasting puts at `index` of a larger shape.
  double broadcast_at(const std::vector<std::int64_t>& index) const;

  std::size_t flat_index(const std::vector<std::int64_t>& index) const;
};
using Arrays = std::vector<Array>;

// Calls f(index) for each index of the shape, in row-major order.
void for_each_index(const Shape& shape, const std::function<void(const std::vector<std::int64_t>&)>& f);

// How an input is drawn: uniform in [low, high], rounded to f32 so that both precisions see the same numbers.
struct Input {
  Shape shape;
  double low = -2, high = 2;
  DType dtype = f64;  // f64 inputs are also run as f32; i64 draws whole numbers low .. high, boolean 0 or 1
  bool differentiable = true;       // false: a floating input that gets no gradient
  std::vector<double> kinks = {};   // the drawn numbers keep 0.05 away from these
  std::vector<double> values = {};  // the elements themselves, where chance will not do
};
using Inputs = std::vector<Input>;

// Accepts callables that return one or several results.
template <class T>
struct Call {
  std::function<std::vector<T>(const std::vector<T>&)> call;
  Call() = default;
  template <class F>
  requires std::is_invocable_v < F, const std::vector<T>
  & > Call(F f) {
    if constexpr (std::is_convertible_v<std::invoke_result_t<F, const std::vector<T>&>, T>)
      call = [f](const std::vector<T>& x) { return std::vector<T>{f(x)}; };
    else
      call = [f](const std::vector<T>& x) {
        auto results = f(x);
        return std::vector<T>(results.begin(), results.end());
      };
  }
  explicit operator bool() const { return static_cast<bool>(call); }
  std::vector<T> operator()(const std::vector<T>& x) const { return call(x); }
};

struct Refusal {
  std::function<void()> call;
  std::string text;  // the whole message
};

struct OpRow {
  std::string name;             // the function's name; several rows may stand for one op with other options
  Call<Tensor> op;              // on tensors
  Call<Array> reference;        // on plain arrays
  std::vector<Inputs> samples;  // each a list of inputs; include odd sizes, size 1, broadcasting
  Inputs empty = {};            // with an axis of size zero
  bool refuses_empty = false;   // the op throws for `empty`
  Inputs large = {};  // enough for two chunks; required where the op has a kernel that runs in parallel
  Call<Tensor> definition = {};  // of a fused op
  bool differentiable = true;    // false: nothing is recorded
  bool second_order =
      true;  // false only where the second derivative is zero everywhere and so cannot be checked
  std::vector<Refusal> refusals = {};
};

// Each family's rows, from tests/autograd/ops/FAMILY_rows.cpp. op_table_test.cpp puts them together.
std::vector<OpRow> attention_rows();
std::vector<OpRow> compare_rows();
std::vector<OpRow> conv_rows();
std::vector<OpRow> elementwise_rows();
std::vector<OpRow> index_rows();
std::vector<OpRow> join_rows();
std::vector<OpRow> loss_rows();
std::vector<OpRow> matmul_rows();
std::vector<OpRow> norm_rows();
std::vector<OpRow> random_rows();
std::vector<OpRow> recurrent_rows();
std::vector<OpRow> reduce_rows();
std::vector<OpRow> softmax_rows();
std::vector<OpRow> sort_rows();
std::vector<OpRow> view_rows();

// Tensors for a sample: the same numbers for the same seed, in f64 or f32; floating ones that are
// differentiable require gradients. With `strided` each is a window that skips elements of larger memory, its
// axes in reverse order.
Tensors draw(const Inputs& inputs, DType floating, std::uint64_t seed, bool strided = false);

}  // namespace gradus::test
