#include <gradus/autograd/ops/elementwise.h>

#include <cmath>
#include <numbers>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/view.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/elementwise.h>

namespace gradus {
namespace {

// A number that a tensor of whole numbers cannot hold would be cut without a word.
void check_number(const Tensor& x, double number, const char* op) {
  check(is_floating(x.dtype()) || number == std::trunc(number), op, "an ", x.dtype(), " tensor cannot take ",
        number, ". Convert it with .to(f32)?");
}

void check_no_zero(const Tensor& divisor) {
  if (divisor.dtype() != i64) return;
  const std::vector<std::int64_t> values = divisor.to_vector<std::int64_t>();
  check(std::find(values.begin(), values.end(), 0) == values.end(), "div",
        "whole numbers cannot be divided by 0. Convert with .to(f32)?");
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "add");
  const Tensor &x = both.x(), &y = both.y();
  return record("add", kernels::add(x, y), inputs(x, y), saves(), [](Backward& back, const Tensor& dz) {
    back.give(0, dz);
    back.give(1, back.take_dy());
  });
}

Tensor sub(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "sub");
  const Tensor &x = both.x(), &y = both.y();
  return record("sub", kernels::sub(x, y), inputs(x, y), saves(), [](Backward& back, const Tensor& dz) {
    if (back.wants(1)) back.give(1, -dz);
    back.give(0, back.take_dy());
  });
}

Tensor mul(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "mul");
  const Tensor &x = both.x(), &y = both.y();
  return record("mul", kernels::mul(x, y), inputs(x, y), saves(needed_by(y, x), needed_by(x, y)),
                [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& y) {
                  if (back.wants(0)) back.give(0, dz * y);
                  if (back.wants(1)) back.give(1, dz * x);
                });
}

Tensor div(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "div");
  const Tensor &x = both.x(), &y = both.y();
  check_no_zero(y);
  const Tensor z = kernels::div(x, y);
  return record("div", z, inputs(x, y), saves(y, needed_by(y, z)),
                [](Backward& back, const Tensor& dz, const Tensor& y, const Tensor& z) {
                  const Tensor dx = dz / y;
                  back.give(0, dx);
                  if (back.wants(1)) back.give(1, -(dx * z));
                });
}

Tensor pow(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "pow");
  const Tensor &x = both.x(), &y = both.y();
  const Tensor z = kernels::pow(x, y);
  return record("pow", z, inputs(x, y), saves(x, y, z),
                [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& y, const Tensor& z) {
                  if (back.wants(0)) back.give(0, dz * y * pow(x, y - 1.0));
                  if (back.wants(1)) back.give(1, dz * z * log(x));
                });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "maximum");
  const Tensor &x = both.x(), &y = both.y();
  return record("maximum", kernels::maximum(x, y), inputs(x, y), saves(x, y),
                [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& y) {
                  const Tensor share = (x > y).to(dz.dtype()) + (x == y).to(dz.dtype()) * 0.5;
                  if (back.wants(0)) back.give(0, dz * share);
                  if (back.wants(1)) back.give(1, dz * (1.0 - share));
                });
}

Tensor minimum(const Tensor& a, const Tensor& b) {
  const Broadcast both(a, b, "minimum");
  const Tensor &x = both.x(), &y = both.y();
  return record("minimum", kernels::minimum(x, y), inputs(x, y), saves(x, y),
                [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& y) {
                  const Tensor share = (x < y).to(dz.dtype()) + (x == y).to(dz.dtype()) * 0.5;
                  if (back.wants(0)) back.give(0, dz * share);
                  if (back.wants(1)) back.give(1, dz * (1.0 - share));
                });
}

Tensor add(const Tensor& a, double b) {
  check_number(a, b, "add");
  return record("add", kernels::add(a, b), inputs(a), saves(),
                [](Backward& back, const Tensor&) { back.give(0, back.take_dy()); });
}

Tensor sub(const Tensor& a, double b) { return add(a, -b); }

Tensor sub(double a, const Tensor& b) {
  check_number(b, a, "sub");
  return record("sub", kernels::sub(a, b), inputs(b), saves(),
                [](Backward& back, const Tensor& dz) { back.give(0, -dz); });
}

Tensor mul(const Tensor& a, double b) {
  check_number(a, b, "mul");
  return record("mul", kernels::mul(a, b), inputs(a), saves(),
                [b](Backward& back, const Tensor& dz) { back.give(0, dz * b); });
}

Tensor div(const Tensor& a, double b) {
  check_number(a, b, "div");
  check(is_floating(a.dtype()) || b != 0, "div",
        "whole numbers cannot be divided by 0. Convert with .to(f32)?");
  return record("div", kernels::div(a, b), inputs(a), saves(),
                [b](Backward& back, const Tensor& dz) { back.give(0, dz / b); });
}

Tensor div(double a, const Tensor& b) {
  check_number(b, a, "div");
  check_no_zero(b);
  const Tensor z = kernels::div(a, b);
  return record("div", z, inputs(b), saves(b, z),
                [](Backward& back, const Tensor& dz, const Tensor& b, const Tensor& z) {
                  back.give(0, -(dz * z / b));
                });
}

Tensor pow(const Tensor& a, double b) {
  check_floating(a.dtype(), "pow");
  return record("pow", kernels::pow(a, b), inputs(a), saves(a),
                [b](Backward& back, const Tensor& dz, const Tensor& a) {
                  // d/da a^0 is 0 everywhere, at a = 0 too, where 0 * a^-1 would be NaN.
                  back.give(0, b == 0 ? dz * 0.0 : dz * (pow(a, b - 1) * b));
                });
}

Tensor clamp(const Tensor& x, double low, double high) {
  check(low <= high, "clamp", "the lower limit ", low, " is above the upper limit ", high, ". Swap them?");
  return record("clamp", kernels::clamp(x, low, high), inputs(x), saves(x),
                [low, high](Backward& back, const Tensor& dy, const Tensor& x) {
                  back.give(0, clamp_grad(dy, x, low, high));
                });
}

Tensor neg(const Tensor& x) {
  return record("neg", kernels::neg(x), inputs(x), saves(),
                [](Backward& back, const Tensor& dy) { back.give(0, -dy); });
}

Tensor abs(const Tensor& x) {
  return record("abs", kernels::abs(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * sign(x)); });
}

Tensor sign(const Tensor& x) { return kernels::sign(x); }

Tensor square(const Tensor& x) {
  return record("square", kernels::square(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * x * 2.0); });
}

Tensor sqrt(const Tensor& x) {
  const Tensor y = kernels::sqrt(x);
  return record("sqrt", y, inputs(x), saves(y),
                [](Backward& back, const Tensor& dy, const Tensor& y) { back.give(0, dy / (y * 2.0)); });
}

Tensor exp(const Tensor& x) {
  const Tensor y = kernels::exp(x);
  return record("exp", y, inputs(x), saves(y),
                [](Backward& back, const Tensor& dy, const Tensor& y) { back.give(0, dy * y); });
}

Tensor expm1(const Tensor& x) {
  const Tensor y = kernels::expm1(x);
  return record("expm1", y, inputs(x), saves(y),
                [](Backward& back, const Tensor& dy, const Tensor& y) { back.give(0, dy * (y + 1.0)); });
}

Tensor log(const Tensor& x) {
  return record("log", kernels::log(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy / x); });
}

Tensor log1p(const Tensor& x) {
  return record("log1p", kernels::log1p(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy / (x + 1.0)); });
}

Tensor sin(const Tensor& x) {
  return record("sin", kernels::sin(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * cos(x)); });
}

Tensor cos(const Tensor& x) {
  return record("cos", kernels::cos(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, -(dy * sin(x))); });
}

Tensor tanh(const Tensor& x) {
  const Tensor y = kernels::tanh(x);
  return record("tanh", y, inputs(x), saves(y),
                [](Backward& back, const Tensor& dy, const Tensor& y) { back.give(0, tanh_grad(dy, y)); });
}

Tensor tanh_grad(const Tensor& dy, const Tensor& y) {
  return record("tanh_grad", kernels::tanh_grad(dy, y), inputs(dy, y), saves(dy, y),
                [](Backward& back, const Tensor& dz, const Tensor& dy, const Tensor& y) {
                  if (back.wants(0)) back.give(0, tanh_grad(dz, y));
                  if (back.wants(1)) back.give(1, dz * dy * y * -2.0);
                });
}

Tensor erf(const Tensor& x) {
  return record("erf", kernels::erf(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) {
                  back.give(0, dy * (exp(-square(x)) * (2 * std::numbers::inv_sqrtpi)));
                });
}

Tensor sigmoid(const Tensor& x) {
  const Tensor y = kernels::sigmoid(x);
  return record("sigmoid", y, inputs(x), saves(y),
                [](Backward& back, const Tensor& dy, const Tensor& y) { back.give(0, sigmoid_grad(dy, y)); });
}

Tensor sigmoid_grad(const Tensor& dy, const Tensor& y) {
  return record("sigmoid_grad", kernels::sigmoid_grad(dy, y), inputs(dy, y), saves(dy, y),
                [](Backward& back, const Tensor& dz, const Tensor& dy, const Tensor& y) {
                  if (back.wants(0)) back.give(0, sigmoid_grad(dz, y));
                  if (back.wants(1)) back.give(1, dz * dy * (1.0 - y * 2.0));
                });
}

Tensor relu(const Tensor& x) {
  const Tensor y = kernels::relu(x);
  return record("relu", y, inputs(x), saves(y), [](Backward& back, const Tensor&, const Tensor& y) {
    back.give(0, leaky_relu_grad(back.take_dy(), y, 0));
  });
}

Tensor leaky_relu(const Tensor& x, double slope) {
  return record("leaky_relu", kernels::leaky_relu(x, slope), inputs(x), saves(x),
                [slope](Backward& back, const Tensor&, const Tensor& x) {
                  back.give(0, leaky_relu_grad(back.take_dy(), x, slope));
                });
}

Tensor leaky_relu_grad(Tensor dy, const Tensor& x, double slope) {
  Tensor dx = kernels::leaky_relu_grad(records(dy) ? dy : std::move(dy), x, slope);
  return record("leaky_relu_grad", std::move(dx), inputs(dy), saves(x),
                [slope](Backward& back, const Tensor& dz, const Tensor& x) {
                  back.give(0, leaky_relu_grad(dz, x, slope));
                });
}

Tensor clamp_grad(const Tensor& dy, const Tensor& x, double low, double high) {
  return record("clamp_grad", kernels::clamp_grad(dy, x, low, high), inputs(dy), saves(x),
                [low, high](Backward& back, const Tensor& dz, const Tensor& x) {
                  back.give(0, clamp_grad(dz, x, low, high));
                });
}

Tensor softplus(const Tensor& x) {
  return record("softplus", kernels::softplus(x), inputs(x), saves(x),
                [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * sigmoid(x)); });
}

// y = x (1 + erf(x / sqrt 2)) / 2
Tensor definition::gelu(const Tensor& x) { return x * (erf(x / std::numbers::sqrt2) + 1.0) * 0.5; }

Tensor gelu(const Tensor& x) {
  return record(
      "gelu", kernels::gelu(x), inputs(x), saves(x),
      [](Backward& back, const Tensor&, const Tensor& x) {
        back.give(0, kernels::gelu_grad(back.take_dy(), x));
      },
      definition::gelu);
}

Tensor definition::gelu_tanh(const Tensor& x) {
  const double scale = std::sqrt(2 / std::numbers::pi);
  return x * (tanh((x + square(x) * x * 0.044715) * scale) + 1.0) * 0.5;
}

Tensor gelu_tanh(const Tensor& x) {
  return record(
      "gelu_tanh", kernels::gelu_tanh(x), inputs(x), saves(x),
      [](Backward& back, const Tensor&, const Tensor& x) {
        back.give(0, kernels::gelu_tanh_grad(back.take_dy(), x));
      },
      definition::gelu_tanh);
}

Tensor definition::silu(const Tensor& x) { return x * sigmoid(x); }

Tensor silu(const Tensor& x) {
  return record(
      "silu", kernels::silu(x), inputs(x), saves(x),
      [](Backward& back, const Tensor&, const Tensor& x) {
        back.give(0, kernels::silu_grad(back.take_dy(), x));
      },
      definition::silu);
}

}  // namespace gradus
