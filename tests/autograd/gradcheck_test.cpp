#include <gradus/autograd/gradcheck.h>

#include <algorithm>

#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::test;

namespace {

// y = x^2 with a rule that is wrong on purpose: off by a factor, or only in one element, or only in its own
// gradient.
Tensor wrong_square(const Tensor& x, double factor) {
  return record(
      "wrong_square", square(x).detach(), inputs(x), saves(x),
      [factor](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * x * factor); });
}

Tensor square_with_wrong_second_order(const Tensor& x) {
  return record(
      "square_2", square(x).detach(), inputs(x), saves(x),
      [](Backward& back, const Tensor& dy, const Tensor& x) { back.give(0, dy * x.detach() * 2.0); });
}

Tensor leaf(const Shape& shape) {
  Tensor x = arange(1, 1 + static_cast<double>(numel_of(shape, "leaf")), 1, f64).reshape(shape);
  return (x / 7.0).detach().requires_grad_();
}

}  // namespace

TEST_CASE("gradcheck passes a right gradient, first and second", "[gradcheck]") {
  const Tensor x = leaf({2, 3}), w = leaf({3});
  const auto f = [&] { return tanh(x * w) * x; };
  CHECK_THAT(gradcheck(f, {{"x", x}, {"w", w}}), passes_gradcheck());
  CHECK_THAT(gradcheck(f, {{"x", x}, {"w", w}}, {.second_order = true}), passes_gradcheck());
}

TEST_CASE("gradcheck finds a rule that is wrong on purpose and says where and by how much", "[gradcheck]") {
  const Tensor x = leaf({2, 2});
  const GradcheckResult result = gradcheck([&] { return wrong_square(x, 3); }, {{"x", x}});
  CHECK_FALSE(result.passed);
  CHECK(result.compared == 16);
  CHECK(result.report.starts_with(
      "output[0, 0] by x[0, 0]: analytic 0.4285714286, numeric 0.2857142857, they differ by 0.142857142"));
  CHECK(result.report.find("output[1, 1] by x[1, 1]") != std::string::npos);
  CHECK(result.report.find("output[0, 0] by x[0, 1]") == std::string::npos);
}

TEST_CASE("gradcheck's report names the output of several and counts what it leaves out", "[gradcheck]") {
  const Tensor x = leaf({5});
  const GradcheckResult result = gradcheck(
      [&] {
        return std::vector<Tensor>{x * 2.0, wrong_square(x, 3), x.detach()};
      },
      {{"x", x}});
  CHECK_FALSE(result);
  CHECK(result.compared == 3 * 25);
  CHECK(result.report.starts_with("output 1 [0] by x[0]: analytic 0.4285714286, numeric 0.2857142857"));
  const GradcheckResult many = gradcheck([&] { return wrong_square(leaf({12}) * x[4], 3); }, {{"x", x}});
  CHECK(std::count(many.report.begin(), many.report.end(), '\n') == 11);
  CHECK(many.report.ends_with("\nand 2 more of 60 entries\n"));
}

TEST_CASE("gradcheck finds an error of one part in five hundred", "[gradcheck]") {
  const Tensor x = leaf({3});
  CHECK_FALSE(gradcheck([&] { return wrong_square(x, 2.004); }, {{"x", x}}));
}

TEST_CASE("gradcheck finds a wrong rule by random projection as well", "[gradcheck]") {
  const Tensor x = leaf({20, 20});
  const GradcheckOptions projected{.largest_jacobian = 100};
  CHECK_THAT(gradcheck([&] { return square(x); }, {{"x", x}}, projected), passes_gradcheck());
  const GradcheckResult result = gradcheck([&] { return wrong_square(x, 2.01); }, {{"x", x}}, projected);
  CHECK_FALSE(result.passed);
  CHECK(result.report.find("random projection 0 of the outputs by x") != std::string::npos);
}

TEST_CASE("gradcheck finds a rule that is right once and wrong when differentiated again", "[gradcheck]") {
  const Tensor x = leaf({3});
  const auto f = [&] { return square_with_wrong_second_order(x); };
  CHECK_THAT(gradcheck(f, {{"x", x}}), passes_gradcheck());
  const GradcheckResult second = gradcheck(f, {{"x", x}}, {.second_order = true});
  CHECK_FALSE(second.passed);
  CHECK(second.report.starts_with("in the second derivative:\n"));
}

TEST_CASE("gradcheck finds a gradient that is missing, infinite or NaN", "[gradcheck]") {
  const Tensor x = leaf({2});
  CHECK_FALSE(gradcheck([&] { return x.detach() * x; }, {{"x", x}}));
  CHECK_FALSE(
      gradcheck([&] { return wrong_square(x, std::numeric_limits<double>::quiet_NaN()); }, {{"x", x}}));
  CHECK_FALSE(
      gradcheck([&] { return wrong_square(x, std::numeric_limits<double>::infinity()); }, {{"x", x}}));
}

TEST_CASE("gradcheck sees that a function draws other numbers each time", "[gradcheck]") {
  const Tensor x = leaf({100});
  const GradcheckResult result = gradcheck([&] { return dropout(x, 0.5); }, {{"x", x}});
  CHECK_FALSE(result.passed);
  CHECK(result.report.starts_with("the function is not deterministic"));
}

TEST_CASE("gradcheck puts the inputs back, strided ones too", "[gradcheck]") {
  const Tensor x = leaf({3, 4}).detach().t().slice(0, 0, 4, 2).requires_grad_();
  const std::vector<double> before = x.to_vector<double>();
  CHECK_THAT(gradcheck([&] { return std::vector<Tensor>{exp(x), sum(x)}; }, {{"x", x}}), passes_gradcheck());
  CHECK(x.to_vector<double>() == before);
}

TEST_CASE("gradcheck refuses inputs with which it could prove nothing", "[gradcheck][error]") {
  const Tensor narrow = ones({2}).requires_grad_(), plain = ones({2}, f64);
  CHECK(message_of([&] {
          gradcheck([&] { return narrow * 1.0; }, {{"w", narrow}});
        }) == "[gradcheck] input 'w' is f32; differences in f32 prove nothing. Convert with .to(f64)?");
  CHECK(message_of([&] {
          gradcheck([&] { return plain * 1.0; }, {{"w", plain}});
        }) == "[gradcheck] input 'w' is not a leaf that asks for a gradient. Call requires_grad_() on it?");
  CHECK(message_of([&] {
          const Tensor x = leaf({2});
          gradcheck([&] { return std::vector<Tensor>{x * 1.0, x.to(f32)}; }, {{"x", x}});
        }) ==
        "[gradcheck] output 1 is f32; differences prove something in f64 alone. Does the function convert?");
  CHECK(message_of([&] { gradcheck([&] { return plain * 1.0; }, {}); }) ==
        "[gradcheck] there is no input to check. Name the tensors: gradcheck(f, {{\"x\", x}})?");
}
