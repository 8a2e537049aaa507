// Tensors, the tape that remembers what was computed from them, and how to check a gradient. The page beside
// this file explains it part by part. ./gradus tutorial 01 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <gradus/autograd/record.h>

using namespace gradus;

// 1. Tensors: numbers in a row of memory, and a shape to read them by.
void tensors() {
  const Tensor a = tensor({{1, 2, 3}, {4, 5, 6}});
  std::cout << "a has shape " << a.shape() << ", dtype " << a.dtype() << ", strides " << a.strides() << "\n"
            << a << "\n";
  Tensor row = a[1];
  row.mul_(10);
  std::cout << "after row.mul_(10), row being a[1], a is\n" << a << "\n";
  const Tensor b = a.t();
  std::cout << "a.t() has shape " << b.shape() << ", strides " << b.strides()
            << ", and a's memory: " << (b.data<float>() == a.data<float>() ? "yes" : "no") << "\n";
  std::cout << "(2, 3) + (3,) adds to each row\n" << a + tensor({100, 200, 300}) << "\n";
  std::cout << "(2, 1) * (3,) is a table\n" << tensor({{1}, {2}}) * tensor({3, 4, 5}) << "\n";
}

// 2. A tape by hand: scalars only.
namespace by_hand {

struct Input {
  int place;     // on the tape
  double slope;  // the derivative of the operation's value by this input
};
struct Operation {
  std::string name;
  double value;
  std::vector<Input> inputs;
  double gradient = 0;  // the derivative of the last value on the tape by this one
};
using Tape = std::vector<Operation>;

// What the user holds: a place on a tape.
struct Scalar {
  Tape* tape;
  int place;
  double value() const { return (*tape)[place].value; }
  double gradient() const { return (*tape)[place].gradient; }
};

Scalar record(Tape& tape, const std::string& name, double value, const std::vector<Input>& inputs = {}) {
  tape.push_back({name, value, inputs});
  return {&tape, static_cast<int>(tape.size()) - 1};
}

Scalar operator+(Scalar a, Scalar b) {
  return record(*a.tape, "+", a.value() + b.value(), {{a.place, 1}, {b.place, 1}});
}
Scalar operator*(Scalar a, Scalar b) {
  return record(*a.tape, "*", a.value() * b.value(), {{a.place, b.value()}, {b.place, a.value()}});
}
Scalar tanh(Scalar a) {
  const double y = std::tanh(a.value());
  return record(*a.tape, "tanh", y, {{a.place, 1 - y * y}});
}

// From the last operation to the first, each hands its gradient on to its inputs.
void backward(Tape& tape) {
  tape.back().gradient = 1;
  for (auto operation = tape.rbegin(); operation != tape.rend(); ++operation)
    for (const Input& input : operation->inputs)
      tape[input.place].gradient += operation->gradient * input.slope;
}

void print(const Tape& tape) {
  std::printf("place  operation  inputs      value   gradient\n");
  for (std::size_t place = 0; place < tape.size(); ++place) {
    std::string inputs;
    for (const Input& input : tape[place].inputs) inputs += std::to_string(input.place) + " ";
    std::printf("%5zu  %-9s  %-6s  %9.6f  %9.6f\n", place, tape[place].name.c_str(), inputs.c_str(),
                tape[place].value, tape[place].gradient);
  }
}

}  // namespace by_hand

// 3. The same computation, y = x tanh(x w + b), on both tapes.
void gradients() {
  by_hand::Tape tape;
  const by_hand::Scalar hx = by_hand::record(tape, "x", 0.5), hw = by_hand::record(tape, "w", -1.5),
                        hb = by_hand::record(tape, "b", 1);
  const by_hand::Scalar hy = hx * by_hand::tanh(hx * hw + hb);
  by_hand::backward(tape);
  by_hand::print(tape);

  const Tensor x = tensor(0.5, f64).requires_grad_(), w = tensor(-1.5, f64).requires_grad_(),
               b = tensor(1, f64).requires_grad_();
  const Tensor y = x * tanh(x * w + b);
  y.backward();
  std::printf("\nthe library: y = %.6f, dy/dx = %.6f, dy/dw = %.6f, dy/db = %.6f\n", y.item(),
              x.grad().item(), w.grad().item(), b.grad().item());
  const double apart =
      std::max({std::abs(y.item() - hy.value()), std::abs(x.grad().item() - hx.gradient()),
                std::abs(w.grad().item() - hw.gradient()), std::abs(b.grad().item() - hb.gradient())});
  std::printf("both tapes agree to 1e-12: %s\n", apart <= 1e-12 ? "yes" : "no");

  // What broadcasting copied, its gradient sums.
  const Tensor table = tensor({{1, 2}, {3, 4}, {5, 6}}, f64);
  const Tensor scale = tensor({1, 1}, f64).requires_grad_(), shift = tensor(0, f64).requires_grad_();
  sum(table * scale + shift).backward();
  std::cout << "gradient of scale " << scale.grad() << ", of shift " << shift.grad() << "\n";
}

// 4. z = x / w with a rule that is wrong on purpose: dw = -dz x / w^2 has lost its sign.
Tensor ratio(const Tensor& x, const Tensor& w) {
  const Tensor z = (x / w).detach();  // the value alone: the tape shall know this op by the rule below
  return record("ratio", z, inputs(x, w), saves(x, w),
                [](Backward& back, const Tensor& dz, const Tensor& x, const Tensor& w) {
                  back.give(0, dz / w);
                  back.give(1, dz * x / (w * w));
                });
}

void gradient_checks() {
  const Tensor x = tensor({1, 2}, f64).requires_grad_(), w = tensor({0.5, 4}, f64).requires_grad_();
  const GradcheckResult right = gradcheck([&] { return x / w; }, {{"x", x}, {"w", w}});
  std::cout << "x / w: " << (right ? "passed" : "failed") << ", " << right.compared << " entries compared\n";
  const GradcheckResult wrong = gradcheck([&] { return ratio(x, w); }, {{"x", x}, {"w", w}});
  std::cout << "ratio(x, w): " << (wrong ? "passed" : "failed") << "\n" << wrong.report;
}

// 5. How far differences are from the derivative of f(x) = 1 / (1 + x^2), by the size of their step.
Tensor f(const Tensor& x) { return 1.0 / (1.0 + x * x); }

struct Row {
  double eps;
  std::array<double, 3> errors;  // central, one-sided, central in f32: each the largest over all points
};

std::vector<Row> difference_errors() {
  const Tensor x = (arange(0, 257, 1, f64) / 128.0).requires_grad_();  // 0 to 2, exact in f32 as well
  const Tensor derivative = grad({sum(f(x))}, {x})[0], at = x.detach(), at_f32 = at.to(f32);
  const auto error = [&](const Tensor& difference) {
    return max(abs(difference.to(f64) - derivative)).item();
  };
  std::vector<Row> rows;
  for (const double eps : {1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12})
    rows.push_back({eps,
                    {error((f(at + eps) - f(at - eps)) / (2 * eps)), error((f(at + eps) - f(at)) / eps),
                     error((f(at_f32 + eps) - f(at_f32 - eps)) / (2 * eps))}});
  return rows;
}

// Both axes logarithmic, a line for each kind of difference; the colours do on white and on black.
void draw(const std::vector<Row>& rows, const std::string& path) {
  const std::array<const char*, 3> names = {"central", "one-sided", "central, f32"};
  const std::array<const char*, 3> colours = {"#3b82f6", "#d9730d", "#2e9d5b"};
  const auto across = [](double eps) { return 630 + 45 * std::log10(eps); };
  const auto down = [](double error) { return 30 - 25 * std::log10(error); };
  std::ofstream svg(path);
  svg.precision(1);
  svg << std::fixed
      << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 660 390' font-family='sans-serif' "
         "font-size='13' fill='#767676' text-anchor='middle'>\n"
      << "<text x='360' y='378'>step eps</text>\n"
      << "<text transform='translate(24 180) rotate(-90)'>largest error</text>\n";
  for (int power = -12; power <= 0; power += 2) {
    const double x = across(std::pow(10, power)), y = down(std::pow(10, power));
    svg << "<path d='M90 " << y << "H630M" << x << " 30V330' stroke='#767676' stroke-opacity='0.3'/>\n"
        << "<text x='62' y='" << y + 4 << "'>1e" << power << "</text>\n"
        << "<text x='" << x << "' y='350'>1e" << power << "</text>\n";
  }
  for (std::size_t k = 0; k < 3; ++k) {
    svg << "<polyline fill='none' stroke-width='2' stroke='" << colours[k] << "' points='";
    for (const Row& row : rows) svg << across(row.eps) << "," << down(row.errors[k]) << " ";
    svg << "'/>\n<text x='585' y='" << 244.0 + 15.0 * static_cast<double>(k) << "' fill='" << colours[k]
        << "'>" << names[k] << "</text>\n";
  }
  svg << "</svg>\n";
}

int main(int argc, char* argv[]) {
  tensors();
  std::puts("");
  gradients();
  std::puts("");
  gradient_checks();
  const std::vector<Row> rows = difference_errors();
  std::printf("\n    eps   central  one-sided  central, f32\n");
  for (const auto& [eps, errors] : rows)
    std::printf("%7.0e  %7.1e    %7.1e       %7.1e\n", eps, errors[0], errors[1], errors[2]);
  if (argc == 3 && argv[1] == std::string("--figures"))
    draw(rows, std::string(argv[2]) + "/01_difference_errors.svg");
}
