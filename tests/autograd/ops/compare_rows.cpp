#include <gradus/autograd/ops/compare.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

Call<Array> each_pair(bool (*f)(double, double)) {
  return [f](const Arrays& x) {
    Array y(broadcast_shapes(x[0].shape, x[1].shape, "reference"));
    for_each_index(y.shape, [&](const auto& i) { y.at(i) = f(x[0].broadcast_at(i), x[1].broadcast_at(i)); });
    return y;
  };
}

// Whole numbers from a small range, so that equality happens.
const Inputs pair_of_numbers = {{.shape = {4, 5}, .low = 0, .high = 3, .dtype = i64},
                                {.shape = {5}, .low = 0, .high = 3, .dtype = i64}};
const Inputs pair_of_masks = {{.shape = {4, 5}, .dtype = boolean}, {.shape = {4, 1}, .dtype = boolean}};

OpRow comparison(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&),
                 bool (*reference)(double, double)) {
  return {
      .name = name,
      .op = [f](const Tensors& x) { return f(x[0], x[1]); },
      .reference = each_pair(reference),
      .samples = {{{.shape = {3, 5}}, {.shape = {3, 1}}}, pair_of_numbers, {{.shape = {}}, {.shape = {1}}}},
      .empty = {{.shape = {0}}, {.shape = {1}}},
      .large = {{.shape = {129, 517}}, {.shape = {517}}},
      .differentiable = false};
}

OpRow comparison_with_one(const std::string& name, Tensor (*f)(const Tensor&, double),
                          bool (*reference)(double, double)) {
  return {.name = name,
          .op = [f](const Tensors& x) { return f(x[0], 1); },
          .reference =
              [reference](const Arrays& x) {
                Array y(x[0].shape);
                for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] = reference(x[0].values[i], 1);
                return y;
              },
          .samples = {{pair_of_numbers[0]}, {{.shape = {3, 5}}}},
          .empty = {{.shape = {0}}},
          .differentiable = false};
}

OpRow logic(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&),
            bool (*reference)(double, double), std::vector<Refusal> refusals = {}) {
  return {.name = name,
          .op = [f](const Tensors& x) { return f(x[0], x[1]); },
          .reference = each_pair(reference),
          .samples = {pair_of_masks},
          .empty = {{.shape = {0}, .dtype = boolean}, {.shape = {1}, .dtype = boolean}},
          .differentiable = false,
          .refusals = std::move(refusals)};
}

Tensor make(const Shape& shape, DType dtype) { return kernels::full(shape, 1, dtype); }

}  // namespace

std::vector<OpRow> compare_rows() {
  const auto eq = [](double a, double b) { return a == b; };
  const auto ne = [](double a, double b) { return a != b; };
  const auto lt = [](double a, double b) { return a < b; };
  const auto le = [](double a, double b) { return a <= b; };
  const auto gt = [](double a, double b) { return a > b; };
  const auto ge = [](double a, double b) { return a >= b; };
  return {
      comparison("operator==", operator==, eq),
      comparison("operator!=", operator!=, ne),
      comparison("operator<", operator<, lt),
      comparison("operator<=", operator<=, le),
      comparison("operator>", operator>, gt),
      comparison("operator>=", operator>=, ge),
      comparison_with_one("operator==", operator==, eq),
      comparison_with_one("operator!=", operator!=, ne),
      comparison_with_one("operator<", operator<, lt),
      comparison_with_one("operator<=", operator<=, le),
      comparison_with_one("operator>", operator>, gt),
      comparison_with_one("operator>=", operator>=, ge),
      logic("logical_and", logical_and, [](double a, double b) { return a != 0 && b != 0; },
            {{[] { logical_and(make({2}, f32), make({2}, boolean)); },
              "[logical_and] the mask must be boolean, not f32. Compare, as in mask != 0?"}}),
      logic("logical_or", logical_or, [](double a, double b) { return a != 0 || b != 0; }),
      {.name = "logical_not",
       .op = [](const Tensors& x) { return logical_not(x[0]); },
       .reference =
           [](const Arrays& x) {
             Array y(x[0].shape);
             for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] = x[0].values[i] == 0;
             return y;
           },
       .samples = {{pair_of_masks[0]}},
       .empty = {{.shape = {0}, .dtype = boolean}},
       .differentiable = false},
      {.name = "where",
       .op = [](const Tensors& x) { return where(x[0], x[1], x[2]); },
       .reference =
           [](const Arrays& x) {
             Array y(broadcast_shapes(x[0].shape, broadcast_shapes(x[1].shape, x[2].shape, "reference"),
                                      "reference"));
             for_each_index(y.shape, [&](const auto& i) {
               y.at(i) = x[0].broadcast_at(i) != 0 ? x[1].broadcast_at(i) : x[2].broadcast_at(i);
             });
             return y;
           },
       .samples = {{{.shape = {3, 5}, .dtype = boolean}, {.shape = {3, 5}}, {.shape = {3, 5}}},
                   {{.shape = {4, 1, 5}, .dtype = boolean}, {.shape = {3, 1}}, {.shape = {}}},
                   {{.shape = {1}, .dtype = boolean}, {.shape = {1}}, {.shape = {1}}}},
       .empty = {{.shape = {0}, .dtype = boolean}, {.shape = {1}}, {.shape = {1}}},
       .large = {{.shape = {129, 517}, .dtype = boolean}, {.shape = {129, 517}}, {.shape = {517}}},
       .refusals = {{[] { where(make({2}, f32), make({2}, f32), make({2}, f32)); },
                     "[where] the mask must be boolean, not f32. Compare, as in mask != 0?"}}},
      {.name = "masked_fill",
       .op = [](const Tensors& x) { return masked_fill(x[0], x[1], -3); },
       .reference =
           [](const Arrays& x) {
             Array y(x[0].shape);
             for_each_index(y.shape,
                            [&](const auto& i) { y.at(i) = x[1].broadcast_at(i) != 0 ? -3 : x[0].at(i); });
             return y;
           },
       .samples = {{{.shape = {2, 3, 5}}, {.shape = {3, 1}, .dtype = boolean}},
                   {{.shape = {1}}, {.shape = {}, .dtype = boolean}}},
       .empty = {{.shape = {2, 0}}, {.shape = {2, 1}, .dtype = boolean}},
       .large = {{.shape = {129, 517}}, {.shape = {517}, .dtype = boolean}},
       .refusals = {{[] {
                       masked_fill(make({3}, f32), make({2, 3}, boolean), 0);
                     },
                     "[masked_fill] the mask of shape (2, 3) does not expand to (3,). Select or unsqueeze "
                     "its axes?"},
                    {[] { masked_fill(make({3}, f32), make({3}, f32), 0); },
                     "[masked_fill] the mask must be boolean, not f32. Compare, as in mask != 0?"}}},
  };
}

}  // namespace gradus::test
