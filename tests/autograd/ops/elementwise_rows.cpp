#include <cmath>
#include <numbers>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

Shape broadcast_of(const Arrays& x) {
  Shape shape = x[0].shape;
  for (const Array& other : x) shape = broadcast_shapes(shape, other.shape, "reference");
  return shape;
}

// References: one formula for each element.
Call<Array> each(double (*f)(double)) {
  return [f](const Arrays& x) {
    Array y(x[0].shape);
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] = f(x[0].values[i]);
    return y;
  };
}
Call<Array> each_pair(double (*f)(double, double)) {
  return [f](const Arrays& x) {
    Array y(broadcast_of(x));
    for_each_index(y.shape, [&](const auto& i) { y.at(i) = f(x[0].broadcast_at(i), x[1].broadcast_at(i)); });
    return y;
  };
}

Call<Tensor> unary(Tensor (*f)(const Tensor&)) {
  return [f](const Tensors& x) { return f(x[0]); };
}
Call<Tensor> binary(Tensor (*f)(const Tensor&, const Tensor&)) {
  return [f](const Tensors& x) { return f(x[0], x[1]); };
}

// Odd sizes around the vector widths, one element, no axis at all.
std::vector<Inputs> one_input(double low, double high, std::vector<double> kinks = {}) {
  std::vector<Inputs> samples;
  for (const Shape& shape : {Shape{3, 5}, Shape{1}, Shape{}, Shape{2, 1, 17}})
    samples.push_back({{.shape = shape, .low = low, .high = high, .kinks = kinks}});
  return samples;
}
Inputs empty_input() { return {{.shape = {3, 0}}}; }
Inputs large_input(double low, double high) { return {{.shape = {257, 259}, .low = low, .high = high}}; }

// Equal shapes, and every way to broadcast: a missing axis, a size of 1 on either side, a single number.
std::vector<Inputs> two_inputs(double low, double high) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{3, 5}, {3, 5}}, {{4, 3}, {3}}, {{4, 1}, {1, 3}}, {{}, {2, 3}}, {{2, 3, 1}, {3, 4}}, {{1}, {1}}};
  std::vector<Inputs> samples;
  for (const auto& [a, b] : shapes)
    samples.push_back({{.shape = a, .low = low, .high = high}, {.shape = b, .low = low, .high = high}});
  return samples;
}
Inputs two_empty_inputs() { return {{.shape = {2, 0}}, {.shape = {2, 1}}}; }
Inputs two_large_inputs(double low, double high) {
  return {{.shape = {129, 517}, .low = low, .high = high}, {.shape = {517}, .low = low, .high = high}};
}

OpRow unary_row(const std::string& name, Tensor (*f)(const Tensor&), double (*reference)(double), double low,
                double high, std::vector<double> kinks = {}, Call<Tensor> definition = {}) {
  return {.name = name,
          .op = unary(f),
          .reference = each(reference),
          .samples = one_input(low, high, kinks),
          .empty = empty_input(),
          .large = large_input(low, high),
          .definition = definition};
}

OpRow binary_row(const std::string& name, Tensor (*f)(const Tensor&, const Tensor&),
                 double (*reference)(double, double), double low, double high,
                 std::vector<Refusal> refusals = {}) {
  return {.name = name,
          .op = binary(f),
          .reference = each_pair(reference),
          .samples = two_inputs(low, high),
          .empty = two_empty_inputs(),
          .large = two_large_inputs(low, high),
          .refusals = std::move(refusals)};
}

// One tensor and a number.
OpRow number_row(const std::string& name, Call<Tensor> op, double (*reference)(double), double low,
                 double high, std::vector<double> kinks = {}, std::vector<Refusal> refusals = {}) {
  return {.name = name,
          .op = std::move(op),
          .reference = each(reference),
          .samples = one_input(low, high, kinks),
          .empty = empty_input(),
          .large = large_input(low, high),
          .refusals = std::move(refusals)};
}

Tensor make(const Shape& shape, DType dtype) { return kernels::full(shape, 1, dtype); }

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<OpRow> two_sided_rows() {
  return {
      binary_row(
          "add", add, [](double a, double b) { return a + b; }, -2, 2,
          {{[] {
              add(make({2, 3}, f32), make({2, 4}, f32));
            },
            "[add] shapes (2, 3) and (2, 4) do not broadcast: 3 against 4 at axis -1. Insert an axis with "
            "unsqueeze, or transpose?"},
           {[] { add(make({2}, f32), make({2}, f64)); },
            "[add] dtypes do not mix: a is f32, b is f64. Convert one with .to(f64)?"},
           {[] { add(make({2}, boolean), make({2}, boolean)); },
            "[add] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?"}}),
      binary_row(
          "sub", sub, [](double a, double b) { return a - b; }, -2, 2),
      binary_row(
          "mul", mul, [](double a, double b) { return a * b; }, -2, 2),
      binary_row("div", div, [](double a, double b) { return a / b; }, 0.5, 2,
                 {{[] { div(make({2}, i64), kernels::full({2}, 0, i64)); },
                   "[div] whole numbers cannot be divided by 0. Convert with .to(f32)?"}}),
      binary_row("pow", pow, [](double a, double b) { return std::pow(a, b); }, 0.5, 2,
                 {{[] { pow(make({2}, i64), make({2}, i64)); },
                   "[pow] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}}),
      binary_row(
          "maximum", maximum, [](double a, double b) { return a > b ? a : b; }, -2, 2),
      binary_row(
          "minimum", minimum, [](double a, double b) { return a < b ? a : b; }, -2, 2),
      {.name = "tanh_grad",
       .op = binary(tanh_grad),
       .reference = each_pair([](double dy, double y) { return dy * (1 - y * y); }),
       .samples = {{{.shape = {3, 5}}, {.shape = {3, 5}, .low = -1, .high = 1}}},
       .empty = {{.shape = {0}}, {.shape = {0}}}},
      {.name = "sigmoid_grad",
       .op = binary(sigmoid_grad),
       .reference = each_pair([](double dy, double y) { return dy * y * (1 - y); }),
       .samples = {{{.shape = {3, 5}}, {.shape = {3, 5}, .low = 0, .high = 1}}},
       .empty = {{.shape = {0}}, {.shape = {0}}}},
      {.name = "leaky_relu_grad",
       .op = [](const Tensors& x) { return leaky_relu_grad(x[0], x[1], 0.1); },
       .reference = each_pair([](double dy, double x) { return x > 0 ? dy : 0.1 * dy; }),
       .samples = {{{.shape = {3, 5}}, {.shape = {3, 5}, .differentiable = false, .kinks = {0}}}},
       .empty = {{.shape = {0}}, {.shape = {0}}}},
      {.name = "clamp_grad",
       .op = [](const Tensors& x) { return clamp_grad(x[0], x[1], -0.5, 0.75); },
       .reference = each_pair([](double dy, double x) { return x >= -0.5 && x <= 0.75 ? dy : 0; }),
       .samples = {{{.shape = {3, 5}}, {.shape = {3, 5}, .differentiable = false, .kinks = {-0.5, 0.75}}}},
       .empty = {{.shape = {0}}, {.shape = {0}}}},
  };
}

std::vector<OpRow> number_rows() {
  const auto with = [](Tensor (*f)(const Tensor&, double), double number) -> Call<Tensor> {
    return [=](const Tensors& x) { return f(x[0], number); };
  };
  const auto from = [](Tensor (*f)(double, const Tensor&), double number) -> Call<Tensor> {
    return [=](const Tensors& x) { return f(number, x[0]); };
  };
  return {
      number_row("add", with(add, 0.75), [](double x) { return x + 0.75; }, -2, 2, {},
                 {{[] { add(make({2}, i64), 0.5); },
                   "[add] an i64 tensor cannot take 0.5. Convert it with .to(f32)?"}}),
      number_row(
          "sub", with(sub, 0.75), [](double x) { return x - 0.75; }, -2, 2),
      number_row(
          "sub", from(sub, 0.75), [](double x) { return 0.75 - x; }, -2, 2),
      number_row(
          "mul", with(mul, -1.5), [](double x) { return x * -1.5; }, -2, 2),
      number_row("div", with(div, 3), [](double x) { return x / 3; }, -2, 2, {},
                 {{[] { div(make({2}, i64), 0.0); },
                   "[div] whole numbers cannot be divided by 0. Convert with .to(f32)?"}}),
      number_row(
          "div", from(div, 3), [](double x) { return 3 / x; }, 0.5, 2),
      number_row(
          "pow", with(pow, 3), [](double x) { return x * x * x; }, -2, 2),
      number_row(
          "pow", with(pow, -0.5), [](double x) { return 1 / std::sqrt(x); }, 0.5, 2),
      number_row(
          "pow", with(pow, 0), [](double) { return 1.0; }, -2, 2),
      number_row(
          "clamp", [](const Tensors& x) { return clamp(x[0], -0.5, 0.75); },
          [](double x) { return std::min(std::max(x, -0.5), 0.75); }, -2, 2, {-0.5, 0.75},
          {{[] { clamp(make({2}, f32), 1, 0); },
            "[clamp] the lower limit 1 is above the upper limit 0. Swap them?"}}),
      number_row("leaky_relu", with(leaky_relu, 0.1), [](double x) { return x > 0 ? x : 0.1 * x; }, -2, 2,
                 {0}),
  };
}

}  // namespace

std::vector<OpRow> elementwise_rows() {
  std::vector<OpRow> rows = two_sided_rows();
  for (OpRow& row : number_rows()) rows.push_back(std::move(row));
  const auto definition = [](Tensor (*f)(const Tensor&)) { return unary(f); };
  for (OpRow& row : std::vector<OpRow>{
           unary_row(
               "neg", neg, [](double x) { return -x; }, -2, 2),
           unary_row("abs", abs, [](double x) { return x < 0 ? -x : x; }, -2, 2, {0}),
           unary_row(
               "square", square, [](double x) { return x * x; }, -2, 2),
           unary_row(
               "sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.25, 4),
           unary_row(
               "exp", exp, [](double x) { return std::exp(x); }, -3, 2),
           unary_row(
               "expm1", expm1, [](double x) { return std::expm1(x); }, -3, 2),
           unary_row(
               "log", log, [](double x) { return std::log(x); }, 0.25, 4),
           unary_row(
               "log1p", log1p, [](double x) { return std::log1p(x); }, -0.75, 4),
           unary_row(
               "sin", sin, [](double x) { return std::sin(x); }, -4, 4),
           unary_row(
               "cos", cos, [](double x) { return std::cos(x); }, -4, 4),
           unary_row(
               "tanh", tanh, [](double x) { return std::tanh(x); }, -3, 3),
           unary_row(
               "erf", erf, [](double x) { return std::erf(x); }, -2, 2),
           unary_row("sigmoid", sigmoid, sigmoid_of, -4, 4),
           unary_row("relu", relu, [](double x) { return x > 0 ? x : 0; }, -2, 2, {0}),
           unary_row(
               "softplus", softplus, [](double x) { return std::log(1 + std::exp(x)); }, -4, 4),
           unary_row(
               "gelu", gelu, [](double x) { return x * 0.5 * std::erfc(-x / std::numbers::sqrt2); }, -3, 3,
               {}, definition(definition::gelu)),
           unary_row(
               "gelu_tanh", gelu_tanh,
               [](double x) {
                 return 0.5 * x *
                        (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
               },
               -3, 3, {}, definition(definition::gelu_tanh)),
           unary_row(
               "silu", silu, [](double x) { return x * sigmoid_of(x); }, -4, 4, {},
               definition(definition::silu)),
       })
    rows.push_back(std::move(row));
  OpRow sign_row = unary_row(
      "sign", sign, [](double x) { return x > 0   ? 1.0
                                          : x < 0 ? -1.0
                                                  : 0.0; }, -2, 2);
  sign_row.differentiable = false;
  rows.push_back(std::move(sign_row));
  return rows;
}

}  // namespace gradus::test
