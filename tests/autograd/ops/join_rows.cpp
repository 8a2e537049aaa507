#include <gradus/autograd/ops/join.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

OpRow concat_row(int axis, const std::vector<Shape>& shapes, std::vector<Refusal> refusals = {}) {
  Inputs sample;
  for (const Shape& shape : shapes) sample.push_back({.shape = shape});
  Shape large(shapes[0].rank(), 40);
  large[axis] = large.rank() == 1 ? 40000 : 1000;
  return {.name = "concat",
          .op = [=](const Tensors& x) { return concat(x, axis); },
          .reference =
              [=](const Arrays& x) {
                Shape shape = x[0].shape;
                shape[axis] = 0;
                for (const Array& one : x) shape[axis] += one.size(axis);
                Array y(shape);
                std::int64_t offset = 0;
                for (const Array& one : x) {
                  for_each_index(one.shape, [&](Index i) {
                    const double value = one.at(i);
                    i[static_cast<std::size_t>(axis)] += offset;
                    y.at(i) = value;
                  });
                  offset += one.size(axis);
                }
                return y;
              },
          .samples = {sample},
          .empty = {{.shape = Shape(shapes[0].rank(), 0)}, {.shape = Shape(shapes[0].rank(), 0)}},
          .large = {{.shape = large}, {.shape = large}},
          .refusals = std::move(refusals)};
}

OpRow stack_row(int axis, std::size_t count, const Shape& shape, std::vector<Refusal> refusals = {}) {
  Shape none = shape;
  none.push_back(0);
  return {.name = "stack",
          .op = [=](const Tensors& x) { return stack(x, axis); },
          .reference =
              [=](const Arrays& x) {
                Shape shape = x[0].shape;
                shape.insert(axis, static_cast<std::int64_t>(x.size()));
                Array y(shape);
                for (std::size_t k = 0; k < x.size(); ++k)
                  for_each_index(x[k].shape, [&](Index i) {
                    const double value = x[k].at(i);
                    i.insert(i.begin() + axis, static_cast<std::int64_t>(k));
                    y.at(i) = value;
                  });
                return y;
              },
          .samples = {Inputs(count, {.shape = shape})},
          .empty = Inputs(count, {.shape = none}),
          .large = Inputs(3, {.shape = Shape(std::max(shape.rank(), 2), 150)}),
          .refusals = std::move(refusals)};
}

// Pieces of axis 1 of a matrix, of the sizes listed.
Arrays columns_of(const Array& x, const Index& sizes) {
  Arrays pieces;
  std::int64_t from = 0;
  for (const std::int64_t size : sizes) {
    Array piece({x.size(0), size});
    for_each_index(piece.shape, [&](const Index& i) { piece.at(i) = x.at({i[0], from + i[1]}); });
    pieces.push_back(piece);
    from += size;
  }
  return pieces;
}

OpRow flip_row(int axis, const Shape& shape, std::vector<Refusal> refusals = {}) {
  Shape none = shape;
  none[axis] = 0;
  return {.name = "flip",
          .op = [=](const Tensors& x) { return flip(x[0], axis); },
          .reference =
              [=](const Arrays& x) {
                Array y(x[0].shape);
                for_each_index(y.shape, [&](Index i) {
                  const double value = x[0].at(i);
                  auto& along = i[static_cast<std::size_t>(axis)];
                  along = x[0].size(axis) - 1 - along;
                  y.at(i) = value;
                });
                return y;
              },
          .samples = {{{.shape = shape}}},
          .empty = {{.shape = none}},
          .large = {{.shape = Shape(std::max(shape.rank(), 2), 270)}},
          .refusals = std::move(refusals)};
}

OpRow triangle_row(const std::string& name, Tensor (*op)(const Tensor&, std::int64_t), std::int64_t diagonal,
                   bool upper, std::vector<Refusal> refusals = {}) {
  return {.name = name,
          .op = [=](const Tensors& x) { return op(x[0], diagonal); },
          .reference =
              [=](const Arrays& x) {
                Array y(x[0].shape);
                for_each_index(y.shape, [&](const Index& i) {
                  const std::int64_t above = i[i.size() - 1] - i[i.size() - 2];
                  if (upper ? above >= diagonal : above <= diagonal) y.at(i) = x[0].at(i);
                });
                return y;
              },
          .samples = {{{.shape = {4, 5}}}, {{.shape = {2, 5, 3}}}, {{.shape = {1, 1}}}},
          .empty = {{.shape = {3, 0}}},
          .large = {{.shape = {3, 150, 160}}},
          .refusals = std::move(refusals)};
}

}  // namespace

std::vector<OpRow> join_rows() {
  return {
      concat_row(
          0, {{2, 3}, {1, 3}, {4, 3}},
          {{[] { concat({}, 0); }, "[concat] the list is empty. Pass at least one tensor?"},
           {[] {
              concat({make({2, 3}), make({2, 4})}, 0);
            },
            "[concat] tensor 1 of shape (2, 4) must have the sizes of (2, 3) but for axis 0. Transpose or "
            "reshape it?"},
           {[] {
              concat({make({2, 3}), make({6})}, 0);
            },
            "[concat] tensor 1 of shape (6,) must have the sizes of (2, 3) but for axis 0. Transpose or "
            "reshape it?"},
           {[] {
              concat({make({2}), make({2}, f64)}, 0);
            },
            "[concat] dtypes do not mix: tensor 0 is f32, tensor 1 is f64. Convert one with .to(f64)?"},
           {[] {
              concat({make({}), make({})}, 0);
            },
            "[concat] tensors of shape () have no axis to join along. Use stack?"},
           {[] { concat({make({2})}, 1); },
            "[concat] axis 1 is out of range for 1 axis. Valid axes run from -1 to 0."}}),
      concat_row(1, {{2, 3}, {2, 0}, {2, 1}, {2, 2}}),
      concat_row(1, {{2, 1, 3}, {2, 2, 3}}),
      concat_row(0, {{3}}),
      stack_row(0, 3, {2, 3},
                {{[] { stack({}, 0); }, "[stack] the list is empty. Pass at least one tensor?"},
                 {[] {
                    stack({make({2}), make({3})}, 0);
                  },
                  "[stack] tensor 1 has shape (3,), tensor 0 has (2,). Join different sizes with concat?"},
                 {[] {
                    stack({make({2}), make({2}, i64)}, 0);
                  },
                  "[stack] dtypes do not mix: tensor 0 is f32, tensor 1 is i64. Convert one with .to(f32)?"},
                 {[] { stack({make({2})}, 2); },
                  "[stack] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."}}),
      stack_row(1, 2, {2, 3}),
      stack_row(2, 3, {2, 3}),
      stack_row(0, 4, {}),
      {.name = "split",
       .op = [](const Tensors& x) { return split(x[0], 3, 1); },
       .reference =
           [](const Arrays& x) {
             return columns_of(x[0], {3, 3, 1});
           },
       .samples = {{{.shape = {2, 7}}}, {{.shape = {1, 7}}}},
       .empty = {{.shape = {0, 7}}},
       .refusals =
           {{[] { split(make({4}), 0, 0); }, "[split] the size of a piece must be at least 1, not 0."},
            {[] { split(make({}), 1, 0); },
             "[split] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"}}},
      {.name = "split",
       .op =
           [](const Tensors& x) {
             return split(x[0], {2, 0, 4}, -1);
           },
       .reference =
           [](const Arrays& x) {
             return columns_of(x[0], {2, 0, 4});
           },
       .samples = {{{.shape = {3, 6}}}},
       .empty = {{.shape = {0, 6}}},
       .large = {{.shape = {20000, 6}}},
       .refusals = {{[] {
                       split(make({2, 6}), {2, 3}, 1);
                     },
                     "[split] sizes 2, 3 do not add up to axis 1 of size 6. Name a size for every piece?"},
                    {[] {
                       split(make({2, 6}), {7, -1}, 1);
                     },
                     "[split] sizes 7, -1 do not add up to axis 1 of size 6. Name a size for every piece?"}}},
      flip_row(0, {3, 2},
               {{[] { flip(make({2}), 1); },
                 "[flip] axis 1 is out of range for 1 axis. Valid axes run from -1 to 0."},
                {[] { flip(make({}), 0); },
                 "[flip] axis 0 does not exist: a tensor of shape () has no axes. Add one with unsqueeze?"}}),
      flip_row(1, {3, 4}),
      flip_row(1, {2, 3, 2}),
      flip_row(0, {1}),
      triangle_row("triu", triu, 0, true,
                   {{[] { triu(make({3})); },
                     "[triu] needs matrices in the last two axes; x has shape (3,). Unsqueeze it?"}}),
      triangle_row("triu", triu, 2, true),
      triangle_row("triu", triu, -1, true),
      triangle_row("triu", triu, -100, true),
      triangle_row("tril", tril, 0, false,
                   {{[] { tril(make({})); },
                     "[tril] needs matrices in the last two axes; x has shape (). Unsqueeze it?"}}),
      triangle_row("tril", tril, 1, false),
      triangle_row("tril", tril, -2, false),
      triangle_row("tril", tril, 100, false),
  };
}

}  // namespace gradus::test
