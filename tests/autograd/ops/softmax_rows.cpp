#include <cmath>
#include <limits>

#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

using Index = std::vector<std::int64_t>;

// y_i = f(inputs at i, and the totals of g over the line along `axis` that i lies on).
template <class F, class G>
Call<Array> along(int axis, F f, G g) {
  return [=](const Arrays& x) {
    Array y(x[0].shape);
    for_each_index(y.shape, [&](const Index& i) {
      double total = 0;
      for (std::int64_t j = 0; j < y.shape[axis]; ++j) {
        Index at = i;
        at[static_cast<std::size_t>(axis)] = j;
        total += g(x, at);
      }
      y.at(i) = f(x, i, total);
    });
    return y;
  };
}

Call<Array> softmax_of(int axis) {
  return along(
      axis,
      [](const Arrays& x, const Index& i, double total) {
        return total == 0 ? 0 : std::exp(x[0].at(i)) / total;
      },
      [](const Arrays& x, const Index& i) { return std::exp(x[0].at(i)); });
}
Call<Array> log_softmax_of(int axis) {
  return along(
      axis,
      [](const Arrays& x, const Index& i, double total) {
        return total == 0 ? -inf : x[0].at(i) - std::log(total);
      },
      [](const Arrays& x, const Index& i) { return std::exp(x[0].at(i)); });
}
Call<Array> softmax_grad_of(int axis) {
  return along(
      axis, [](const Arrays& x, const Index& i, double total) { return x[1].at(i) * (x[0].at(i) - total); },
      [](const Arrays& x, const Index& i) { return x[0].at(i) * x[1].at(i); });
}
Call<Array> log_softmax_grad_of(int axis) {
  return along(
      axis,
      [](const Arrays& x, const Index& i, double total) { return x[0].at(i) - std::exp(x[1].at(i)) * total; },
      [](const Arrays& x, const Index& i) { return x[0].at(i); });
}

using Softmax = Tensor (*)(const Tensor&, std::int64_t);
using SoftmaxGrad = Tensor (*)(const Tensor&, const Tensor&, std::int64_t);

std::vector<OpRow> rows_of(const char* name, Softmax f, Call<Array> (*reference)(int), Softmax definition) {
  const auto row = [&](std::int64_t axis, int from_start, std::vector<Shape> shapes, const Shape& large) {
    OpRow row{.name = name,
              .op = [=](const Tensors& x) { return f(x[0], axis); },
              .reference = reference(from_start),
              .samples = {},
              .empty = {{.shape = Shape(large.rank(), 0)}},
              .large = {{.shape = large}},
              .definition = [=](const Tensors& x) { return definition(x[0], axis); }};
    for (const Shape& shape : shapes) row.samples.push_back({{.shape = shape}});
    return row;
  };
  return {row(-1, 1, {{3, 5}, {2, 40}, {4, 1}}, {170, 401}), row(0, 0, {{5, 3}, {7}, {1}}, {90, 200}),
          row(1, 1, {{2, 5, 3}}, {9, 31, 70})};
}

std::vector<OpRow> grad_rows_of(const char* name, SoftmaxGrad f, Call<Array> (*reference)(int), double low,
                                double high) {
  const auto row = [&](std::int64_t axis, int from_start, std::vector<Shape> shapes, const Shape& large) {
    const auto pair = [&](const Shape& shape) {
      return Inputs{{.shape = shape}, {.shape = shape, .low = low, .high = high}};
    };
    OpRow row{.name = name,
              .op = [=](const Tensors& x) { return f(x[0], x[1], axis); },
              .reference = reference(from_start),
              .samples = {},
              .empty = pair(Shape(large.rank(), 0)),
              .large = pair(large)};
    for (const Shape& shape : shapes) row.samples.push_back(pair(shape));
    return row;
  };
  return {row(-1, 1, {{3, 5}, {2, 40}, {4, 1}}, {170, 401}), row(0, 0, {{5, 3}, {1}}, {90, 200})};
}

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

}  // namespace

std::vector<OpRow> softmax_rows() {
  std::vector<OpRow> rows;
  const auto add = [&rows](std::vector<OpRow> more, std::vector<Refusal> refusals) {
    more.front().refusals = std::move(refusals);
    for (OpRow& row : more) rows.push_back(std::move(row));
  };
  add(rows_of("softmax", softmax, softmax_of, definition::softmax),
      {{[] {
          softmax(make({2, 3}), 2);
        },
        "[softmax] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."},
       {[] { softmax(make({2}, i64), 0); },
        "[softmax] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}});
  add(rows_of("log_softmax", log_softmax, log_softmax_of, definition::log_softmax),
      {{[] { log_softmax(make({2}), -2); },
        "[log_softmax] axis -2 is out of range for 1 axis. Valid axes run from -1 to 0."}});
  add(grad_rows_of("softmax_grad", softmax_grad, softmax_grad_of, 0, 1),
      {{[] { softmax_grad(make({2}), make({3}), 0); },
        "[softmax_grad] dy must have the shape of y: dy is (2,), y is (3,). Pass the gradient of y?"}});
  add(grad_rows_of("log_softmax_grad", log_softmax_grad, log_softmax_grad_of, -3, 0),
      {{[] { log_softmax_grad(make({2}), make({2}, f64), 0); },
        "[log_softmax_grad] dtypes do not mix: dy is f32, y is f64. Convert one with .to(f64)?"}});
  return rows;
}

}  // namespace gradus::test
