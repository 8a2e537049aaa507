#include <optional>

#include <gradus/autograd/ops/view.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

// A view's reference: the shape of the result, and for each of its indices the index it shows.
Call<Array> shows(const Shape& shape, Index (*source)(const Index&)) {
  return [=](const Arrays& x) {
    Array y(shape);
    for_each_index(shape, [&](const Index& i) { y.at(i) = x[0].at(source(i)); });
    return y;
  };
}

// Same elements in the same order, under another shape.
Call<Array> reads_as(const Shape& shape) {
  return [=](const Arrays& x) {
    Array y(shape);
    y.values = x[0].values;
    return y;
  };
}

// `empty` is a shape without elements that the view turns into `empty_result`; refused where there is no
// such.
OpRow view_row(const std::string& name, Call<Tensor> op, Call<Array> reference, const Shape& from,
               const Shape& empty, std::optional<Shape> empty_result, std::vector<Refusal> refusals = {}) {
  return {.name = name,
          .op = std::move(op),
          .reference =
              [=](const Arrays& x) { return x[0].values.empty() ? Array(*empty_result) : reference(x)[0]; },
          .samples = {{{.shape = from}}},
          .empty = {{.shape = empty}},
          .refuses_empty = !empty_result,
          .refusals = std::move(refusals)};
}

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

std::vector<OpRow> shape_rows() {
  return {
      view_row("reshape",
               [](const Tensors& x) {
                 return x[0].reshape({4, -1});
               },
               reads_as({4, 6}), {2, 3, 4}, {2, 0, 3}, Shape{4, 0},
               {{[] {
                   make({2, 3}).reshape({4, 2});
                 },
                 "[reshape] shape (2, 3) has 6 elements, (4, 2) has 8. Let one size be -1?"},
                {[] {
                   make({2, 3}).reshape({-1, -1});
                 },
                 "[reshape] only one size may be -1, not two: (-1, -1). Name all but one?"},
                {[] {
                   make({2, 3}).reshape({4, -1});
                 },
                 "[reshape] shape (2, 3) with 6 elements does not fit (4, -1): 6 is no multiple of 4. "
                 "Another size?"}}),
      view_row("flatten", [](const Tensors& x) { return x[0].flatten(1, 2); }, reads_as({2, 12, 2}),
               {2, 3, 4, 2}, {2, 0, 4, 2}, Shape{2, 0, 2},
               {{[] {
                   make({2, 3}).flatten(1, 0);
                 },
                 "[flatten] axis 1 comes after axis 0 in shape (2, 3). Swap them?"}}),
      view_row("squeeze", [](const Tensors& x) { return x[0].squeeze(2).squeeze(0); }, reads_as({3, 2}),
               {1, 3, 1, 2}, {1, 0, 1, 2}, Shape{0, 2},
               {{[] {
                   make({2, 3}).squeeze(1);
                 },
                 "[squeeze] axis 1 of shape (2, 3) has size 3, not 1. Use select or reshape?"}}),
      {.name = "unsqueeze",
       .op = [](const Tensors& x) { return x[0].unsqueeze(-1).unsqueeze(1); },
       .reference =
           [](const Arrays& x) {
             Array y({x[0].size(0), 1, x[0].size(1), 1});
             y.values = x[0].values;
             return y;
           },
       .samples = {{{.shape = {3, 2}}}},
       .empty = {{.shape = {0, 2}}},
       .refusals = {{[] { make({2}).unsqueeze(3); },
                     "[unsqueeze] axis 3 is out of range for 2 axes. Valid axes run from -2 to 1."}}},
      {.name = "contiguous",
       .op = [](const Tensors& x) { return x[0].t().contiguous(); },
       .reference =
           [](const Arrays& x) {
             Array y({x[0].size(1), x[0].size(0)});
             for_each_index(y.shape, [&](const Index& i) { y.at(i) = x[0].at({i[1], i[0]}); });
             return y;
           },
       .samples = {{{.shape = {3, 4}}}, {{.shape = {1, 1}}}},
       .empty = {{.shape = {0, 2}}}},
      {.name = "clone",
       .op = [](const Tensors& x) { return x[0].clone(); },
       .reference = [](const Arrays& x) { return x[0]; },
       .samples = {{{.shape = {3, 4}}}, {{.shape = {}}}},
       .empty = {{.shape = {0, 2}}},
       .large = {{.shape = {129, 517}}}},
      {.name = "view_as_itself",
       .op = [](const Tensors& x) { return view_as_itself(x[0]); },
       .reference = [](const Arrays& x) { return x[0]; },
       .samples = {{{.shape = {3, 4}}}},
       .empty = {{.shape = {0, 2}}}},
      {.name = "to",
       .op = [](const Tensors& x) { return x[0].to(i64); },
       .reference =
           [](const Arrays& x) {
             Array y(x[0].shape);
             for (std::size_t i = 0; i < y.values.size(); ++i)
               y.values[i] = static_cast<double>(static_cast<long>(x[0].values[i]));
             return y;
           },
       .samples = {{{.shape = {3, 4}, .low = -5, .high = 5}}},
       .empty = {{.shape = {0, 2}}},
       .differentiable = false},
  };
}

std::vector<OpRow> order_rows() {
  return {
      view_row("transpose", [](const Tensors& x) { return x[0].transpose(0, -1); },
               shows({4, 3, 2},
                     [](const Index& i) {
                       return Index{i[2], i[1], i[0]};
                     }),
               {2, 3, 4}, {2, 0, 4}, Shape{4, 0, 2},
               {{[] {
                   make({2, 3}).transpose(0, 2);
                 },
                 "[transpose] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1."}}),
      view_row("permute",
               [](const Tensors& x) {
                 return x[0].permute({2, 0, 1});
               },
               shows({4, 2, 3},
                     [](const Index& i) {
                       return Index{i[1], i[2], i[0]};
                     }),
               {2, 3, 4}, {2, 0, 4}, Shape{4, 2, 0},
               {{[] {
                   make({2, 3}).permute({0});
                 },
                 "[permute] needs each of the 2 axes of shape (2, 3) once, got (0,). Name them all?"},
                {[] {
                   make({2, 3}).permute({1, 1});
                 },
                 "[permute] axis 1 stands twice in (1, 1). Each axis once?"}}),
      view_row("slice", [](const Tensors& x) { return x[0].slice(1, 1, -1, 2); },
               shows({3, 2},
                     [](const Index& i) {
                       return Index{i[0], 1 + 2 * i[1]};
                     }),
               {3, 6}, {0, 6}, Shape{0, 2},
               {{[] {
                   make({3, 4}).slice(0, 0, 2, 0);
                 },
                 "[slice] the step must be at least 1, not 0. Reverse with index_select?"}}),
      view_row(
          "slice", [](const Tensors& x) { return x[0].slice(-2, -3, 100, 2); },
          shows({2, 3},
                [](const Index& i) {
                  return Index{1 + 2 * i[0], i[1]};
                }),
          {4, 3}, {4, 0}, Shape{2, 0}),
      view_row("select", [](const Tensors& x) { return x[0].select(1, -2); },
               shows({2, 4},
                     [](const Index& i) {
                       return Index{i[0], 1, i[1]};
                     }),
               {2, 3, 4}, {0, 3, 4}, Shape{0, 4},
               {{[] {
                   make({2, 3})[2];
                 },
                 "[select] index 2 is out of range for axis 0 of size 2 in shape (2, 3). Valid indices run "
                 "from -2 to 1."},
                {[] { make({})[0]; }, "[select] a tensor of shape () has no axis to index. Use item()?"}}),
      view_row("expand",
               [](const Tensors& x) {
                 return x[0].expand({2, 3, 4});
               },
               shows({2, 3, 4},
                     [](const Index& i) {
                       return Index{i[1], 0};
                     }),
               {3, 1}, {0, 1}, std::nullopt,
               {{[] {
                   make({3, 1}).expand({2, 4});
                 },
                 "[expand] shape (3, 1) does not expand to (2, 4): 3 against 2 at axis 0. Only axes of size "
                 "1 can grow; "
                 "unsqueeze first?"},
                {[] {
                   make({3, 1}).expand({3});
                 },
                 "[expand] shape (3, 1) has more axes than (3,). Reshape or select first?"}}),
  };
}

}  // namespace

std::vector<OpRow> view_rows() {
  std::vector<OpRow> rows = shape_rows();
  for (OpRow& row : order_rows()) rows.push_back(std::move(row));
  // Not views themselves, but their gradients.
  rows.push_back(
      {.name = "sum_to",
       .op =
           [](const Tensors& x) {
             return sum_to(x[0], {3, 1});
           },
       .reference =
           [](const Arrays& x) {
             Array y({3, 1});
             for_each_index(x[0].shape, [&](const Index& i) { y.at({i[1], 0}) += x[0].at(i); });
             return y;
           },
       .samples = {{{.shape = {2, 3, 4}}}, {{.shape = {1, 3, 1}}}},
       .empty = {{.shape = {2, 3, 0}}},
       .large = {{.shape = {64, 3, 1024}}},
       .refusals =
           {{[] {
               sum_to(make({2, 3}), {2});
             },
             "[sum_to] shapes (2, 3) and (2,) do not broadcast: 3 against 2 at axis -1. Insert an axis "
             "with unsqueeze, or transpose?"}}});
  rows.push_back(
      {.name = "pad_slice",
       .op =
           [](const Tensors& x) {
             return pad_slice(x[0], {3, 7}, 1, 1, 2);
           },
       .reference =
           [](const Arrays& x) {
             Array y({3, 7});
             for_each_index(x[0].shape, [&](const Index& i) { y.at({i[0], 1 + 2 * i[1]}) = x[0].at(i); });
             return y;
           },
       .samples = {{{.shape = {3, 2}}}},
       .empty = {{.shape = {3, 0}}},
       .refusals = {{[] {
                       pad_slice(make({3, 4}), {3, 7}, 1, 1, 2);
                     },
                     "[pad_slice] 4 entries from 1 in steps of 2 do not fit axis 1 of shape (3, 7). A larger "
                     "shape?"}}});
  return rows;
}

}  // namespace gradus::test
