#include <gradus/autograd/ops/index.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

// Ids in [0, size).
Input ids_below(std::int64_t size, const Shape& shape) {
  return {.shape = shape, .low = 0, .high = static_cast<double>(size - 1), .dtype = i64};
}

// The index with the one along `axis` replaced by an id.
Index at_id(Index i, int axis, double id) {
  i[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(id);
  return i;
}

std::int64_t whole(double id) { return static_cast<std::int64_t>(id); }

OpRow gather_row(int axis, const Shape& x, const Shape& index, std::vector<Refusal> refusals = {}) {
  Shape no_lines = x, no_index = index, large = x, large_index = index;
  const int other = axis == 0 ? x.rank() - 1 : 0;
  no_lines[other] = no_index[other] = 0;
  large[other] = large_index[other] = 1 << 15;
  const std::int64_t size = x[axis];
  return {.name = "gather",
          .op = [=](const Tensors& x) { return gather(x[0], axis, x[1]); },
          .reference =
              [=](const Arrays& x) {
                Array y(x[1].shape);
                for_each_index(y.shape,
                               [&](const Index& i) { y.at(i) = x[0].at(at_id(i, axis, x[1].at(i))); });
                return y;
              },
          .samples = {{{.shape = x}, ids_below(size, index)}},
          .empty = {{.shape = no_lines}, ids_below(size, no_index)},
          .large = {{.shape = large}, ids_below(size, large_index)},
          .refusals = std::move(refusals)};
}

OpRow gather_grad_row(int axis, const Shape& index, std::int64_t size, std::vector<Refusal> refusals = {}) {
  Shape none = index, large = index;
  const int other = axis == 0 ? index.rank() - 1 : 0;
  none[other] = 0;
  large[other] = 1 << 15;
  return {.name = "gather_grad",
          .op = [=](const Tensors& x) { return gather_grad(x[0], axis, x[1], size); },
          .reference =
              [=](const Arrays& x) {
                Shape shape = x[0].shape;
                shape[axis] = size;
                Array y(shape);
                for_each_index(x[0].shape,
                               [&](const Index& i) { y.at(at_id(i, axis, x[1].at(i))) += x[0].at(i); });
                return y;
              },
          .samples = {{{.shape = index}, ids_below(size, index)}},
          .empty = {{.shape = none}, ids_below(size, none)},
          .large = {{.shape = large}, ids_below(size, large)},
          .refusals = std::move(refusals)};
}

// For both scatters: what they do where an entry of src meets an element of x.
OpRow scatter_row(const std::string& name,
                  Tensor (*op)(const Tensor&, std::int64_t, const Tensor&, const Tensor&),
                  void (*put)(double&, double), int axis, const Shape& x, const Shape& index,
                  std::vector<Refusal> refusals = {}) {
  Shape no_lines = x, no_index = index, large = x, large_index = index;
  const int other = axis == 0 ? x.rank() - 1 : 0;
  no_lines[other] = no_index[other] = 0;
  large[other] = large_index[other] = 1 << 15;
  const std::int64_t size = x[axis];
  return {.name = name,
          .op = [=](const Tensors& x) { return op(x[0], axis, x[1], x[2]); },
          .reference =
              [=](const Arrays& x) {
                Array y = x[0];
                for_each_index(x[1].shape,
                               [&](const Index& i) { put(y.at(at_id(i, axis, x[1].at(i))), x[2].at(i)); });
                return y;
              },
          .samples = {{{.shape = x}, ids_below(size, index), {.shape = index}}},
          .empty = {{.shape = no_lines}, ids_below(size, no_index), {.shape = no_index}},
          .large = {{.shape = large}, ids_below(size, large_index), {.shape = large_index}},
          .refusals = std::move(refusals)};
}

void add_to(double& place, double value) { place += value; }
void replace(double& place, double value) { place = value; }

OpRow index_select_row(int axis, const Shape& x, std::int64_t count, const Shape& large,
                       std::vector<Refusal> refusals = {}) {
  Shape none = x;
  none[axis == 0 ? x.rank() - 1 : 0] = 0;
  return {.name = "index_select",
          .op = [=](const Tensors& x) { return index_select(x[0], axis, x[1]); },
          .reference =
              [=](const Arrays& x) {
                Shape shape = x[0].shape;
                shape[axis] = x[1].size(0);
                Array y(shape);
                for_each_index(shape, [&](const Index& i) {
                  y.at(i) = x[0].at(at_id(i, axis, x[1][i[static_cast<std::size_t>(axis)]]));
                });
                return y;
              },
          .samples = {{{.shape = x}, ids_below(x[axis], {count})}},
          .empty = x.rank() == 1 ? Inputs{{.shape = x}, ids_below(x[axis], {0})}
                                 : Inputs{{.shape = none}, ids_below(x[axis], {count})},
          .large = {{.shape = large}, ids_below(x[axis], {1000})},
          .refusals = std::move(refusals)};
}

// The rows that ids of shape (..) take out of (V, C), or the other way round.
template <class Move>
void for_each_row(const Array& ids, std::int64_t columns, const Move& move) {
  for (std::int64_t n = 0; n < static_cast<std::int64_t>(ids.values.size()); ++n)
    for (std::int64_t c = 0; c < columns; ++c) move(whole(ids[n]) * columns + c, n * columns + c);
}

OpRow embedding_row() {
  return {
      .name = "embedding",
      .op = [](const Tensors& x) { return embedding(x[0], x[1]); },
      .reference =
          [](const Arrays& x) {
            Shape shape = x[1].shape;
            shape.push_back(x[0].size(1));
            Array y(shape);
            for_each_row(x[1], x[0].size(1), [&](auto from, auto to) { y[to] = x[0][from]; });
            return y;
          },
      .samples = {{{.shape = {7, 3}}, ids_below(7, {2, 4})},
                  {{.shape = {5, 4}}, ids_below(5, {9})},
                  {{.shape = {3, 2}}, ids_below(3, {2, 1, 3})},
                  {{.shape = {1, 1}}, ids_below(1, {1})},
                  {{.shape = {3, 2}}, ids_below(3, {})}},
      .empty = {{.shape = {4, 3}}, ids_below(4, {2, 0})},
      .large = {{.shape = {100, 96}}, ids_below(100, {20, 50})},
      .definition = [](const Tensors& x) { return definition::embedding(x[0], x[1]); },
      .refusals = {{[] {
                      embedding(make({4, 2}), kernels::full({2, 3}, 4, i64));
                    },
                    "[embedding] id 4 at position (0, 0) is out of range for 4 rows. Ids start at 0 and end "
                    "below 4; were "
                    "they made for another size?"},
                   {[] {
                      embedding(make({4, 2}), make({3}, f32));
                    },
                    "[embedding] ids must be i64, not f32. Convert them with .to(i64)?"},
                   {[] { embedding(make({4}), make({3}, i64)); },
                    "[embedding] the weight must be (rows, columns), not of shape (4,). Reshape it?"},
                   {[] {
                      embedding(make({4, 2}), make({3}, i64), 4);
                    },
                    "[embedding] padding_index 4 is out of range for 4 rows. Name one of them, or none?"}}};
}

OpRow embedding_grad_row(std::optional<std::int64_t> padding_index) {
  OpRow row = {.name = "embedding_grad",
               .op = [=](const Tensors& x) { return embedding_grad(x[0], x[1], 7, padding_index); },
               .reference =
                   [=](const Arrays& x) {
                     const std::int64_t columns = x[0].size(-1);
                     Array dw({7, columns});
                     for_each_row(x[1], columns, [&](auto to, auto from) {
                       if (to / columns != padding_index) dw[to] += x[0][from];
                     });
                     return dw;
                   },
               .samples = {{{.shape = {2, 4, 3}}, ids_below(7, {2, 4})},
                           {{.shape = {20, 2}}, ids_below(7, {20})},
                           {{.shape = {1, 1}}, ids_below(7, {1})}},
               .empty = {{.shape = {2, 0, 3}}, ids_below(7, {2, 0})},
               .large = {{.shape = {20, 50, 192}}, ids_below(7, {20, 50})}};
  if (padding_index) return row;
  row.definition = [](const Tensors& x) { return definition::embedding_grad(x[0], x[1], 7); };
  row.refusals = {
      {[] {
         embedding_grad(make({2, 3}), make({2}, i64), 1);
       },
       "[embedding_grad] id 1 at position (0,) is out of range for 1 rows. Ids start at 0 and end below 1; "
       "were "
       "they made for another size?"},
      {[] {
         embedding_grad(make({2, 3}), make({3}, i64), 5);
       },
       "[embedding_grad] dy of shape (2, 3) must have one row for each of the ids of shape (3,). Is it the "
       "gradient of embedding's result?"},
      {[] { embedding_grad(make({}), make({}, i64), 5); },
       "[embedding_grad] dy of shape () must have one row for each of the ids of shape (). Is it the "
       "gradient of "
       "embedding's result?"},
      {[] {
         embedding_grad(make({2, 3}), make({2}, i64), -1);
       },
       "[embedding_grad] the number of rows cannot be negative: -1."}};
  return row;
}

OpRow one_hot_row() {
  return {.name = "one_hot",
          .op = [](const Tensors& x) { return one_hot(x[0], 6); },
          .reference =
              [](const Arrays& x) {
                Shape shape = x[0].shape;
                shape.push_back(6);
                Array y(shape);
                for (std::int64_t n = 0; n < static_cast<std::int64_t>(x[0].values.size()); ++n)
                  y[n * 6 + whole(x[0][n])] = 1;
                return y;
              },
          .samples = {{ids_below(6, {2, 5})}, {ids_below(6, {})}, {ids_below(6, {1})}},
          .empty = {ids_below(6, {3, 0})},
          .large = {ids_below(6, {70000})},
          .differentiable = false,
          .refusals = {{[] {
                          one_hot(kernels::full({1, 2}, -1, i64), 3);
                        },
                        "[one_hot] id -1 at position (0, 0) is out of range for 3 classes. Ids start at 0 "
                        "and end below 3; "
                        "were they made for another size?"},
                       {[] { one_hot(make({2}, i64), -3); },
                        "[one_hot] the number of classes cannot be negative: -3."},
                       {[] { one_hot(make({2}, f64), 3); },
                        "[one_hot] ids must be i64, not f64. Convert them with .to(i64)?"}}};
}

const std::vector<Refusal> gather_refusals = {
    {[] {
       gather(make({2, 3}), 1, kernels::full({2, 2}, 3, i64));
     },
     "[gather] id 3 at position (0, 0) is out of range for 3 entries. Ids start at 0 and end below 3; were "
     "they "
     "made for another size?"},
    {[] {
       gather(make({2, 3}), 2, make({2, 3}, i64));
     },
     "[gather] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."},
    {[] { gather(make({}), 0, make({}, i64)); },
     "[gather] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"},
    {[] {
       gather(make({2, 3}), 1, make({2}, i64));
     },
     "[gather] the index of shape (2,) must have the sizes of (2, 3) but for axis 1. Unsqueeze and expand "
     "it?"},
    {[] {
       gather(make({2, 3}), 1, make({2, 3}, boolean));
     },
     "[gather] ids must be i64, not boolean. Convert them with .to(i64)?"}};

const std::vector<Refusal> gather_grad_refusals = {
    {[] {
       gather_grad(make({2, 3}), 1, make({2, 3}, i64), 1);
     },
     "[gather_grad] id 1 at position (0, 0) is out of range for 1 entries. Ids start at 0 and end below 1; "
     "were "
     "they made for another size?"},
    {[] { gather_grad(make({}), 0, make({}, i64), 1); },
     "[gather_grad] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"},
    {[] {
       gather_grad(make({2, 3}), 1, make({2, 2}, i64), 4);
     },
     "[gather_grad] the index of shape (2, 2) and dy of shape (2, 3) must have one shape. Expand the smaller "
     "one?"},
    {[] {
       gather_grad(make({2, 3}), 1, make({2, 3}, i64), -1);
     },
     "[gather_grad] the size of an axis cannot be negative: -1."}};

const std::vector<Refusal> scatter_add_refusals = {
    {[] {
       scatter_add(make({2, 3}), 1, kernels::full({2, 1}, -2, i64), make({2, 1}));
     },
     "[scatter_add] id -2 at position (0, 0) is out of range for 3 entries. Ids start at 0 and end below 3; "
     "were "
     "they made for another size?"},
    {[] {
       scatter_add(make({2, 3}), 1, make({2, 1}, i64), make({2, 1}, f64));
     },
     "[scatter_add] dtypes do not mix: x is f32, src is f64. Convert one with .to(f64)?"},
    {[] {
       scatter_add(make({2, 3}, boolean), 1, make({2, 1}, i64), make({2, 1}, boolean));
     },
     "[scatter_add] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}};

const std::vector<Refusal> scatter_refusals = {{[] {
                                                  scatter(make({2, 3}), 1, make({2, 1}, i64), make({2, 2}));
                                                },
                                                "[scatter] the index of shape (2, 1) and src of shape (2, 2) "
                                                "must have one shape. Expand the smaller one?"},
                                               {[] {
                                                  scatter(make({2, 3}), 1, make({4, 1}, i64), make({4, 1}));
                                                },
                                                "[scatter] the index of shape (4, 1) must have the sizes of "
                                                "(2, 3) but for axis 1. Unsqueeze and expand it?"}};

const std::vector<Refusal> index_select_refusals = {
    {[] {
       index_select(make({2, 3}), 1, kernels::full({2}, 9, i64));
     },
     "[index_select] id 9 at position (0,) is out of range for 3 entries. Ids start at 0 and end below 3; "
     "were "
     "they made for another size?"},
    {[] {
       index_select(make({2, 3}), 1, make({2, 2}, i64));
     },
     "[index_select] ids must be a list, not of shape (2, 2). Flatten them, or use gather or embedding?"},
    {[] { index_select(make({}), 0, make({2}, i64)); },
     "[index_select] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"}};

}  // namespace

std::vector<OpRow> index_rows() {
  return {gather_row(1, {4, 5}, {4, 3}, gather_refusals),
          gather_row(0, {5, 3}, {7, 3}),
          gather_row(1, {2, 3, 4}, {2, 5, 4}),
          gather_row(1, {6, 4}, {6, 1}),
          gather_grad_row(1, {4, 3}, 5, gather_grad_refusals),
          gather_grad_row(0, {7, 3}, 2),
          gather_grad_row(1, {2, 5, 4}, 3),
          scatter_row("scatter_add", scatter_add, add_to, 1, {4, 5}, {4, 3}, scatter_add_refusals),
          scatter_row("scatter_add", scatter_add, add_to, 0, {3, 4}, {6, 4}),
          scatter_row("scatter_add", scatter_add, add_to, 1, {2, 3, 2}, {2, 4, 2}),
          scatter_row("scatter", scatter, replace, 1, {4, 5}, {4, 3}, scatter_refusals),
          scatter_row("scatter", scatter, replace, 0, {3, 4}, {6, 4}),
          scatter_row("scatter", scatter, replace, 1, {2, 3, 2}, {2, 4, 2}),
          index_select_row(0, {5, 3}, 4, {5, 192}, index_select_refusals),
          index_select_row(1, {3, 4}, 9, {200, 4}),
          index_select_row(1, {2, 3, 4}, 5, {12, 3, 33}),
          index_select_row(0, {6}, 1, {6, 192}),
          embedding_row(),
          embedding_grad_row({}),
          embedding_grad_row(2),
          one_hot_row()};
}

}  // namespace gradus::test
