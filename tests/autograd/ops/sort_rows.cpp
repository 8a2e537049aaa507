#include <algorithm>
#include <numeric>

#include <gradus/autograd/ops/sort.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

Tensor make(const Shape& shape) { return kernels::full(shape, 1, f32); }

// The first k entries in order: {values, indices}.
Arrays in_order(const Array& x, int axis, std::int64_t k, bool descending) {
  Shape shape = x.shape, lines = x.shape;
  shape[axis] = k;
  lines[axis] = 1;
  Array values(shape), indices(shape);
  for_each_index(lines, [&](Index i) {
    const auto along = static_cast<std::size_t>(axis);
    const auto value = [&](std::int64_t j) {
      i[along] = j;
      return x.at(i);
    };
    Index order(static_cast<std::size_t>(x.shape[axis]));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return descending ? value(a) > value(b) : value(a) < value(b);
    });
    for (std::int64_t j = 0; j < k; ++j) {
      const std::int64_t index = order[static_cast<std::size_t>(j)];
      const double entry = value(index);
      i[along] = j;
      values.at(i) = entry;
      indices.at(i) = static_cast<double>(index);
    }
  });
  return {values, indices};
}

Tensors both(const Sorted& sorted) { return {sorted.values, sorted.indices}; }

OpRow sort_row(int axis, bool descending, const Shape& x, std::vector<Refusal> refusals = {}) {
  Shape none = x;
  none[axis] = 0;
  return {.name = "sort",
          .op = [=](const Tensors& x) { return both(sort(x[0], axis, descending)); },
          .reference = [=](const Arrays& x) { return in_order(x[0], axis, x[0].size(axis), descending); },
          .samples = {{{.shape = x}}},
          .empty = {{.shape = none}},
          .large = {{.shape = Shape(x.rank(), 70)}},
          .refusals = std::move(refusals)};
}

OpRow topk_row(std::int64_t k, int axis, bool largest, const Shape& x, const Shape& large,
               std::vector<Refusal> refusals = {}) {
  Shape none = x;
  none[1 - axis] = 0;
  return {.name = "topk",
          .op = [=](const Tensors& x) { return both(topk(x[0], k, axis, largest)); },
          .reference = [=](const Arrays& x) { return in_order(x[0], axis, k, largest); },
          .samples = {{{.shape = x}}},
          .empty = {{.shape = none}},
          .large = {{.shape = large}},
          .refusals = std::move(refusals)};
}

}  // namespace

std::vector<OpRow> sort_rows() {
  return {
      sort_row(1, false, {3, 7},
               {{[] {
                   sort(make({2, 3}), 2);
                 },
                 "[sort] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."},
                {[] { sort(make({})); },
                 "[sort] axis -1 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"},
                {[] { sort(make({1}).expand({std::int64_t{1} << 32})); },
                 "[sort] axis 0 of size 4294967296 is longer than 2^32 - 1. Order parts of it?"}}),
      sort_row(0, true, {6, 3}),
      sort_row(1, true, {2, 5, 2}),
      sort_row(0, false, {1, 4}),
      {.name = "argsort",
       .op = [](const Tensors& x) { return argsort(x[0], 1, true); },
       .reference = [](const Arrays& x) { return in_order(x[0], 1, x[0].size(1), true)[1]; },
       .samples = {{{.shape = {3, 7}}}, {{.shape = {4, 9}, .low = 0, .high = 3, .dtype = i64}}},
       .empty = {{.shape = {3, 0}}},
       .large = {{.shape = {70, 70}}},
       .differentiable = false,
       .refusals = {{[] { argsort(make({2}), 1); },
                     "[argsort] axis 1 is out of range for 1 axis. Valid axes run from -1 to 0."}}},
      topk_row(3, 1, true, {4, 7}, {70, 200},
               {{[] {
                   topk(make({2, 3}), 4);
                 },
                 "[topk] k = 4 is out of range for axis 1 of size 3. Clamp k to it?"},
                {[] {
                   topk(make({2, 3}), -1);
                 },
                 "[topk] k = -1 is out of range for axis 1 of size 3. Clamp k to it?"}}),
      topk_row(2, 0, false, {5, 3}, {200, 70}),
  };
}

}  // namespace gradus::test
