#include <algorithm>
#include <cmath>
#include <limits>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Group = std::vector<double>;
using Index = std::vector<std::int64_t>;

// The elements of x that differ only along `axes`, row-major, for each index of the kept axes (with 1 for the
// others).
template <class F>
void for_each_group(const Array& x, const Shape& axes, const F& f) {
  Shape kept = x.shape, group = x.shape;
  for (int axis = 0; axis < x.shape.rank(); ++axis) {
    const bool reduced = std::find(axes.begin(), axes.end(), axis) != axes.end();
    (reduced ? kept : group)[axis] = 1;
  }
  for_each_index(kept, [&](const Index& at) {
    Group elements;
    for_each_index(group, [&](Index i) {
      for (std::size_t axis = 0; axis < i.size(); ++axis) i[axis] += at[axis];
      elements.push_back(x.at(i));
    });
    f(at, elements);
  });
}

Call<Array> reduced(const Shape& axes, bool keep, double (*f)(const Group&)) {
  return [=](const Arrays& x) {
    Shape shape;
    for (int axis = 0; axis < x[0].shape.rank(); ++axis) {
      if (std::find(axes.begin(), axes.end(), axis) == axes.end())
        shape.push_back(x[0].shape[axis]);
      else if (keep)
        shape.push_back(1);
    }
    Array y(shape);
    std::int64_t next = 0;
    for_each_group(x[0], axes, [&](const Index&, const Group& group) { y[next++] = f(group); });
    return y;
  };
}

using Reduce = Tensor (*)(const Tensor&, const Axes&, Dims);

// What to reduce, and of what: every order in memory of kept and reduced axes, and sizes past what is taken
// at once (32 lanes, 8 rows). `large` is cut into several outputs, or into several pieces of one.
struct Layout {
  Shape axes;
  bool keep;
  std::vector<Shape> samples;
  Shape empty, large;
};
std::vector<Layout> layouts() {
  return {{{0, 1}, false, {{3, 5}, {1, 1}, {7, 11}}, {2, 0}, {300, 301}},
          {{1}, false, {{3, 5}, {2, 75}, {4, 1}}, {3, 0}, {170, 401}},
          {{0}, true, {{5, 3}, {19, 7}, {1, 4}}, {0, 3}, {4000, 21}},
          {{0, 2}, true, {{3, 2, 5}, {2, 3, 1}}, {2, 0, 3}, {9, 70, 131}},
          {{1}, false, {{2, 3, 5}, {3, 9, 2}}, {0, 2, 3}, {30, 50, 60}},
          {{}, false, {{3, 5}}, {0, 2}, {300, 301}},
          {{0}, false, {{5}, {1}, {40}}, {0}, {70000}}};
}

struct Reducing {
  const char* name;
  Reduce op;
  double (*reference)(const Group&);
  double low = -2, high = 2;
  Reduce definition = nullptr;
  DType dtype = f64;
  bool differentiable = true;
  bool refuses_empty = false;
};

std::vector<OpRow> rows_of(const Reducing& r) {
  std::vector<OpRow> rows;
  for (const Layout& layout : layouts()) {
    const auto call = [axes = layout.axes,
                       dims = layout.keep ? Dims::keep : Dims::drop](Reduce f) -> Call<Tensor> {
      return [=](const Tensors& x) { return f(x[0], axes, dims); };
    };
    const auto input = [&](const Shape& shape) {
      return Inputs{{.shape = shape, .low = r.low, .high = r.high, .dtype = r.dtype}};
    };
    OpRow row{.name = r.name,
              .op = call(r.op),
              .reference = reduced(layout.axes, layout.keep, r.reference),
              .samples = {},
              .empty = input(layout.empty),
              .large = input(layout.large),
              .differentiable = r.differentiable};
    for (const Shape& shape : layout.samples) row.samples.push_back(input(shape));
    if (r.definition != nullptr) row.definition = call(r.definition);
    row.refuses_empty =
        r.refuses_empty && std::any_of(layout.axes.begin(), layout.axes.end(), [&](std::int64_t axis) {
          return layout.empty[static_cast<int>(axis)] == 0;
        });
    rows.push_back(row);
  }
  return rows;
}

double total_of(const Group& x) {
  double total = 0;
  for (const double value : x) total += value;
  return total;
}
double mean_of(const Group& x) { return total_of(x) / static_cast<double>(x.size()); }
double squares_of(const Group& x) {
  double total = 0;
  for (const double value : x) total += (value - mean_of(x)) * (value - mean_of(x));
  return total;
}
double product_of(const Group& x) {
  double product = 1;
  for (const double value : x) product *= value;
  return product;
}

// The position within its group of the first element that is as large, or as small, as any.
Call<Array> first_place(int axis, bool keep, bool largest) {
  return [=](const Arrays& x) {
    Shape shape = x[0].shape;
    if (keep)
      shape[axis] = 1;
    else
      shape.erase(axis);
    Array y(shape);
    std::int64_t next = 0;
    for_each_group(x[0], {axis}, [&](const Index&, const Group& group) {
      const auto place = largest ? std::max_element(group.begin(), group.end())
                                 : std::min_element(group.begin(), group.end());
      y[next++] = static_cast<double>(place - group.begin());
    });
    return y;
  };
}

Call<Array> running_totals(int axis, bool reversed) {
  return [=](const Arrays& x) {
    Array y(x[0].shape);
    for_each_index(y.shape, [&](Index i) {
      const auto along = static_cast<std::size_t>(axis);
      const std::int64_t last = i[along], end = reversed ? y.shape[axis] : last + 1;
      double total = 0;
      for (std::int64_t j = reversed ? last : 0; j < end; ++j) {
        Index at = i;
        at[along] = j;
        total += x[0].at(at);
      }
      y.at(i) = total;
    });
    return y;
  };
}

std::vector<OpRow> cumsum_rows(const char* name, Tensor (*f)(const Tensor&, std::int64_t), bool reversed) {
  const auto row = [&](int axis, std::vector<Inputs> samples, const Shape& empty, const Shape& large) {
    return OpRow{.name = name,
                 .op = [=](const Tensors& x) { return f(x[0], axis); },
                 .reference = running_totals(axis, reversed),
                 .samples = std::move(samples),
                 .empty = {{.shape = empty}},
                 .large = {{.shape = large}}};
  };
  return {row(1, {{{.shape = {3, 7}}}, {{.shape = {2, 1}}}}, {2, 0}, {200, 300}),
          row(0, {{{.shape = {5, 3}}}, {{.shape = {1}}}}, {0, 2}, {50, 2000}),
          row(1, {{{.shape = {2, 4, 3}}}}, {2, 3, 0}, {40, 30, 60})};
}

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

}  // namespace

std::vector<OpRow> reduce_rows() {
  const auto sample_variance = [](const Tensor& x, const Axes& axes, Dims dims) {
    return var(x, axes, dims, 1);
  };
  std::vector<OpRow> rows;
  const auto add = [&rows](std::vector<OpRow> more, std::vector<Refusal> refusals = {}) {
    more.front().refusals = std::move(refusals);
    for (OpRow& row : more) rows.push_back(std::move(row));
  };
  add(rows_of({.name = "sum", .op = sum, .reference = total_of}),
      {{[] {
          sum(make({2, 3}), 2);
        },
        "[sum] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."},
       {[] {
          sum(make({2, 3}), {0, -2});
        },
        "[sum] axis -2 stands twice in (0, -2). Each axis once?"},
       {[] { sum(make({2}, boolean)); },
        "[sum] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}});
  add(rows_of({.name = "mean", .op = mean, .reference = mean_of, .refuses_empty = true}),
      {{[] { mean(make({2}, i64)); }, "[mean] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
       {[] {
          mean(make({2, 0}), -1);
        },
        "[mean] needs at least one element, but shape (2, 0) has none along the axes (1,). Skip empty "
        "batches?"}});
  add(rows_of({.name = "var",
               .op = [](const Tensor& x, const Axes& axes, Dims dims) { return var(x, axes, dims); },
               .reference = [](const Group& x) { return squares_of(x) / static_cast<double>(x.size()); },
               .definition = [](const Tensor& x, const Axes& axes,
                                Dims dims) { return definition::var(x, axes, dims); },
               .refuses_empty = true}),
      {{[] { var(make({2}, i64)); }, "[var] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
       {[] { var(make({2}), 0, Dims::drop, 2); },
        "[var] the correction must be 0 or 1, not 2. 1 for a sample's unbiased variance?"},
       {[] {
          var(make({2, 1}), 1, keep_dims, 1);
        },
        "[var] needs more than 1 elements, but shape (2, 1) has 1 along the axes (1,). Another axis, or "
        "correction "
        "0?"}});
  rows.push_back(
      {.name = "var",
       .op = [=](const Tensors& x) { return sample_variance(x[0], -1, Dims::drop); },
       .reference = reduced({1}, false,
                            [](const Group& x) { return squares_of(x) / static_cast<double>(x.size() - 1); }),
       .samples = {{{.shape = {3, 5}}}, {{.shape = {2, 50}}}},
       .empty = {{.shape = {0, 2}}},
       .definition = [](const Tensors& x) { return definition::var(x[0], -1, Dims::drop, 1); }});
  add(rows_of({.name = "prod",
               .op = prod,
               .reference = product_of,
               .low = 0.5,
               .high = 1.5,
               .definition = definition::prod}),
      {{[] { prod(make({2}, boolean)); },
        "[prod] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}});
  rows.push_back({.name = "prod",  // no zero, one, two, all of them
                  .op = [](const Tensors& x) { return prod(x[0], 1); },
                  .reference = reduced({1}, false, product_of),
                  .samples = {{{.shape = {4, 3}, .values = {2, -3, 0.5, 2, 0, 3, 0, 1.5, 0, 0, 0, 0}}},
                              {{.shape = {2, 2}, .values = {0, 3, 0, 0}}}},
                  .empty = {{.shape = {2, 0}}},
                  .definition = [](const Tensors& x) { return definition::prod(x[0], 1); }});
  add(rows_of({.name = "max",
               .op = max,
               .reference = [](const Group& x) { return *std::max_element(x.begin(), x.end()); },
               .refuses_empty = true}),
      {{[] { max(make({0})); },
        "[max] needs at least one element, but shape (0,) has none along the axes (0,). Skip empty "
        "batches?"}});
  add(rows_of({.name = "min",
               .op = min,
               .reference = [](const Group& x) { return *std::min_element(x.begin(), x.end()); },
               .refuses_empty = true}),
      {{[] { min(make({3}, boolean)); },
        "[min] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}});
  add(rows_of({.name = "logsumexp",
               .op = logsumexp,
               .reference =
                   [](const Group& x) {
                     double total = 0;
                     for (const double value : x) total += std::exp(value);
                     return std::log(total);
                   },
               .definition = definition::logsumexp}),
      {{[] { logsumexp(make({2}, i64)); },
        "[logsumexp] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}});
  add(rows_of({.name = "any",
               .op = any,
               .reference = [](const Group& x) { return std::count(x.begin(), x.end(), 1) > 0 ? 1.0 : 0.0; },
               .dtype = boolean,
               .differentiable = false}),
      {{[] { any(make({2})); }, "[any] needs booleans, not f32. Compare, as in x != 0?"}});
  add(rows_of({.name = "all",
               .op = all,
               .reference = [](const Group& x) { return std::count(x.begin(), x.end(), 0) == 0 ? 1.0 : 0.0; },
               .dtype = boolean,
               .differentiable = false}),
      {{[] { all(make({2}, i64)); }, "[all] needs booleans, not i64. Compare, as in x != 0?"}});
  for (const bool largest : {true, false}) {
    const auto op = [=](const Tensor& x, std::int64_t axis, Dims dims) {
      return largest ? argmax(x, axis, dims) : argmin(x, axis, dims);
    };
    const std::string name = largest ? "argmax" : "argmin";
    rows.push_back({.name = name,
                    .op = [=](const Tensors& x) { return op(x[0], -1, Dims::drop); },
                    .reference = first_place(1, false, largest),
                    .samples = {{{.shape = {3, 7}}},
                                {{.shape = {2, 50}}},
                                {{.shape = {4, 20}, .low = 0, .high = 3, .dtype = i64}}},
                    .empty = {{.shape = {2, 0}}},
                    .refuses_empty = true,
                    .large = {{.shape = {200, 300}}},
                    .differentiable = false});
    rows.push_back({.name = name,
                    .op = [=](const Tensors& x) { return op(x[0], 0, keep_dims); },
                    .reference = first_place(0, true, largest),
                    .samples = {{{.shape = {7, 3}}}, {{.shape = {1, 2}}}, {{.shape = {3, 2, 4}}}},
                    .empty = {{.shape = {2, 0}}},
                    .differentiable = false});
    rows.push_back({.name = name,
                    .op = [=](const Tensors& x) { return largest ? argmax(x[0]) : argmin(x[0]); },
                    .reference =
                        [=](const Arrays& x) {
                          const Array flat = [&] {
                            Array y(Shape{static_cast<std::int64_t>(x[0].values.size())});
                            y.values = x[0].values;
                            return y;
                          }();
                          return first_place(0, false, largest)({flat})[0];
                        },
                    .samples = {{{.shape = {3, 7}}}, {{.shape = {}}}},
                    .empty = {{.shape = {0}}},
                    .refuses_empty = true,
                    .differentiable = false});
  }
  rows.back().refusals = {
      {[] { argmin(make({}), 0); }, "[argmin] a tensor of shape () has no axis. Leave the axis out?"},
      {[] {
         argmin(make({2, 0}), 1);
       },
       "[argmin] needs at least one element, but shape (2, 0) has none along the axes (1,). Skip empty "
       "batches?"}};
  add(cumsum_rows("cumsum", cumsum, false),
      {{[] { cumsum(make({2}), 1); },
        "[cumsum] axis 1 is out of range for 1 axis. Valid axes run from -1 to 0."}});
  add(cumsum_rows("cumsum_reversed", cumsum_reversed, true),
      {{[] { cumsum_reversed(make({2}, boolean), 0); },
        "[cumsum_reversed] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}});
  return rows;
}

}  // namespace gradus::test
