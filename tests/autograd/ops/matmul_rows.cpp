#include <gradus/autograd/ops/matmul.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

// NumPy's matmul, one element at a time. A list on the left is one row, a list on the right one column; the
// axis that this added is taken out again at the end.
Array matmul_of(const Array& x, const Array& y) {
  Array a = x, b = y;
  if (x.shape.rank() == 1) a.shape.insert(0, 1);
  if (y.shape.rank() == 1) b.shape.push_back(1);
  const auto leading = [](const Shape& all) { return Shape(std::span(all.begin(), all.end() - 2)); };
  Shape shape = broadcast_shapes(leading(a.shape), leading(b.shape), "reference");
  shape.push_back(a.size(-2));
  shape.push_back(b.size(-1));
  Array c(shape);
  for_each_index(shape, [&](const Index& at) {
    // broadcast_at reads 0 along axes of size 1, so the inner axis is only walked where it is longer.
    Index of_a = at, of_b = at;
    double sum = 0;
    for (std::int64_t k = 0; k < a.size(-1); ++k) {
      of_a[at.size() - 1] = k;
      of_b[at.size() - 2] = k;
      sum += a.broadcast_at(of_a) * b.broadcast_at(of_b);
    }
    c.at(at) = sum;
  });
  if (x.shape.rank() == 1) c.shape.erase(c.shape.rank() - 2);
  if (y.shape.rank() == 1) c.shape.erase(c.shape.rank() - 1);
  return c;
}

Array linear_of(const Arrays& in) {
  const Array &x = in[0], &w = in[1];
  Shape shape = x.shape;
  shape[shape.rank() - 1] = w.size(0);
  Array y(shape);
  const std::int64_t depth = w.size(1), columns = w.size(0),
                     rows = columns == 0 ? 0 : numel_of(shape, "y") / columns;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      double sum = in.size() > 2 ? in[2][j] : 0;
      for (std::int64_t k = 0; k < depth; ++k) sum += x[i * depth + k] * w[j * depth + k];
      y[i * columns + j] = sum;
    }
  return y;
}

Array sum_outer_of(const Arrays& in) {
  const Array &a = in[0], &b = in[1];
  const std::int64_t m = a.size(-1), n = b.size(-1);
  Array y(Shape{m, n});
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::size_t row = 0; row * static_cast<std::size_t>(m) < a.values.size(); ++row)
        y[i * n + j] += a[static_cast<std::int64_t>(row) * m + i] * b[static_cast<std::int64_t>(row) * n + j];
  return y;
}

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

Inputs two(const Shape& a, const Shape& b) { return {{.shape = a}, {.shape = b}}; }
Inputs three(const Shape& a, const Shape& b, const Shape& c) {
  return {{.shape = a}, {.shape = b}, {.shape = c}};
}

OpRow matmul_row(std::vector<Inputs> samples, Inputs empty, Inputs large,
                 std::vector<Refusal> refusals = {}) {
  return {.name = "matmul",
          .op = [](const Tensors& x) { return matmul(x[0], x[1]); },
          .reference = [](const Arrays& x) { return matmul_of(x[0], x[1]); },
          .samples = std::move(samples),
          .empty = std::move(empty),
          .large = std::move(large),
          .refusals = std::move(refusals)};
}

OpRow linear_row(std::vector<Inputs> samples, Inputs empty, Inputs large,
                 std::vector<Refusal> refusals = {}) {
  const auto with = [](Tensor (*f)(const Tensor&, const Tensor&, const Tensor&)) {
    return [f](const Tensors& x) { return f(x[0], x[1], x.size() > 2 ? x[2] : Tensor()); };
  };
  return {.name = "linear",
          .op = with(linear),
          .reference = linear_of,
          .samples = std::move(samples),
          .empty = std::move(empty),
          .large = std::move(large),
          .definition = with(definition::linear),
          .refusals = std::move(refusals)};
}

std::vector<Refusal> matmul_refusals() {
  return {{[] {
             matmul(make({2, 3}), make({4, 5}));
           },
           "[matmul] inner dimensions must match: a is (2, 3), b is (4, 5), 3 != 4. Transpose b?"},
          {[] {
             matmul(make({3}), make({2, 4, 5}));
           },
           "[matmul] inner dimensions must match: a is (3,), b is (2, 4, 5), 3 != 4. Transpose b?"},
          {[] { matmul(make({}), make({2})); },
           "[matmul] needs at least one axis on each side: a is (), b is (2,). Multiply numbers with *?"},
          {[] {
             matmul(make({2, 3, 4}), make({5, 4, 2}));
           },
           "[matmul] leading axes must broadcast: a is (2, 3, 4), b is (5, 4, 2), 2 against 5 at axis -3. "
           "Insert an "
           "axis with unsqueeze?"},
          {[] {
             matmul(make({2, 2}, i64), make({2, 2}, i64));
           },
           "[matmul] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
          {[] {
             matmul(make({2, 2}, f32), make({2, 2}, f64));
           },
           "[matmul] dtypes do not mix: a is f32, b is f64. Convert one with .to(f64)?"}};
}

std::vector<Refusal> linear_refusals() {
  return {{[] {
             linear(make({2, 3}), make({3, 4}));
           },
           "[linear] the last axis of x must have size 4, as w is (out, in): x is (2, 3), w is (3, 4). "
           "Transpose w?"},
          {[] {
             linear(make({2, 3}), make({5, 4}));
           },
           "[linear] the last axis of x must have size 4, as w is (out, in): x is (2, 3), w is (5, 4). "
           "Give x 4 features?"},
          {[] {
             linear(make({2, 3}), make({3}));
           },
           "[linear] w must be (out, in), not of shape (3,). Reshape it to two axes?"},
          {[] {
             linear(make({2, 3}), make({4, 3}), make({3}));
           },
           "[linear] bias must have one element for each row of w: bias is (3,), w is (4, 3). Reshape it to "
           "(4,)?"},
          {[] {
             linear(make({2, 3}), make({4, 3}), make({4}, f64));
           },
           "[linear] dtypes do not mix: x is f32, bias is f64. Convert one with .to(f64)?"},
          {[] {
             linear(make({2, 3}, i64), make({4, 3}, i64));
           },
           "[linear] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}};
}

}  // namespace

std::vector<OpRow> matmul_rows() {
  return {
      matmul_row({two({3, 5}, {5, 4}), two({1, 1}, {1, 1}), two({4, 1}, {1, 3}), two({1, 6}, {6, 1}),
                  two({17, 9}, {9, 19})},
                 two({3, 0}, {0, 4}), two({300, 70}, {70, 130}), matmul_refusals()),
      // Lists.
      matmul_row(
          {two({5}, {5}), two({5}, {5, 3}), two({3, 5}, {5}), two({5}, {2, 5, 3}), two({2, 3, 5}, {5})},
          two({0}, {0}), two({900}, {900, 800})),
      // One matrix for all of a, and leading axes that broadcast.
      matmul_row({two({2, 3, 5}, {5, 4}), two({2, 3, 4, 5}, {5, 2}), two({2, 3, 5}, {1, 5, 4})},
                 two({0, 3, 5}, {5, 4}), two({8, 60, 40}, {40, 50})),
      matmul_row({two({2, 3, 5}, {2, 5, 4}), two({3, 5}, {2, 5, 4}), two({2, 1, 3, 5}, {4, 5, 2}),
                  two({1, 3, 5}, {2, 2, 5, 3})},
                 two({2, 0, 5}, {2, 5, 4}), two({40, 30, 32}, {40, 32, 30})),
      // Few matrices, each large enough for several tiles.
      matmul_row({two({2, 3, 5}, {2, 5, 4})}, two({2, 3, 5}, {2, 5, 0}), two({2, 90, 90}, {1, 90, 120})),
      linear_row({three({3, 5}, {4, 5}, {4}), three({2, 3, 5}, {4, 5}, {4}), three({1, 1}, {1, 1}, {1}),
                  three({5}, {4, 5}, {4}), three({2, 2, 3, 7}, {17, 7}, {17})},
                 three({0, 5}, {4, 5}, {4}), three({12, 50, 40}, {60, 40}, {60}), linear_refusals()),
      linear_row({two({3, 5}, {4, 5}), two({2, 3, 5}, {1, 5})}, two({3, 0}, {4, 0}),
                 two({1, 900}, {800, 900})),
      {.name = "sum_outer",
       .op = [](const Tensors& x) { return sum_outer(x[0], x[1]); },
       .reference = sum_outer_of,
       .samples = {two({3, 5}, {3, 4}), two({5}, {4}), two({2, 3, 5}, {2, 3, 1}), two({1, 1}, {1, 1})},
       .empty = two({0, 5}, {0, 4}),
       .large = two({12, 50, 40}, {12, 50, 60}),
       .refusals = {{[] {
                       sum_outer(make({2, 3}), make({3, 3}));
                     },
                     "[sum_outer] all axes but the last must agree: a is (2, 3), b is (3, 3). Expand one?"}}},
  };
}

}  // namespace gradus::test
