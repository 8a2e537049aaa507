// The float functions are held against long double over the whole float range, through the loop that kernels
// use, so that it is the vector code whose error is measured.
#include <gradus/core/kernels/vector_math.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.h"

namespace {

namespace vm = gradus::vector_math;
using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity();

template <float (*f)(float)>
void map(const Floats& x, Floats& y) {
  const float* from = x.data();
  float* to = y.data();
  const std::size_t n = x.size();
#pragma omp simd
  for (std::size_t i = 0; i < n; ++i) to[i] = f(from[i]);
}

template <class Real>
Real exp_of_negative_part(Real x) {
  return vm::exp_nonpositive(x > 0 ? 0 : x);
}

long double sigmoid(long double x) {
  const long double e = std::exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

long double softplus(long double x) { return std::max(x, 0.0L) + std::log1p(std::exp(-std::abs(x))); }

long double normal_cdf(long double x) { return std::erfc(-x / std::numbers::sqrt2_v<long double>) / 2; }

long double gelu_grad(long double x) {
  const long double sqrt_2pi = std::sqrt(2 * std::numbers::pi_v<long double>);
  return normal_cdf(x) + x * std::exp(-x * x / 2) / sqrt_2pi;
}

// gelu_tanh(x) = x·sigmoid(v)
long double gelu_tanh_v(long double x) {
  return 2 * std::sqrt(2 / std::numbers::pi_v<long double>) * (x + 0.044715L * x * x * x);
}

long double gelu_tanh_grad(long double x) {
  const long double v = gelu_tanh_v(x);
  const long double dv = 2 * std::sqrt(2 / std::numbers::pi_v<long double>) * (1 + 3 * 0.044715L * x * x);
  return sigmoid(v) * (1 + x * dv * sigmoid(-v));
}

// A function in three versions, and, where the result is a sum that cancels, its largest term.
struct Function {
  const char* name;
  void (*in_float)(const Floats&, Floats&);
  double (*in_double)(double);
  long double (*exact)(long double);
  long double (*largest_term)(long double) = nullptr;
};

const std::vector<Function> functions = {
    {"exp", map<vm::exp>, vm::exp, [](long double x) { return std::exp(x); }},
    {"exp_nonpositive", map<exp_of_negative_part<float>>, exp_of_negative_part<double>,
     [](long double x) { return std::exp(std::min(x, 0.0L)); }},
    {"expm1", map<vm::expm1>, vm::expm1, [](long double x) { return std::expm1(x); }},
    {"log", map<vm::log>, vm::log, [](long double x) { return std::log(x); }},
    {"log1p", map<vm::log1p>, vm::log1p, [](long double x) { return std::log1p(x); }},
    {"tanh", map<vm::tanh>, vm::tanh, [](long double x) { return std::tanh(x); }},
    {"erf", map<vm::erf>, vm::erf, [](long double x) { return std::erf(x); }},
    {"erfc", map<vm::erfc>, vm::erfc, [](long double x) { return std::erfc(x); }},
    {"sin", map<vm::sin>, vm::sin, [](long double x) { return std::sin(x); }},
    {"cos", map<vm::cos>, vm::cos, [](long double x) { return std::cos(x); }},
    {"sigmoid", map<vm::sigmoid>, vm::sigmoid, sigmoid},
    {"softplus", map<vm::softplus>, vm::softplus, softplus},
    {"normal_cdf", map<vm::normal_cdf>, vm::normal_cdf, normal_cdf},
    {"gelu", map<vm::gelu>, vm::gelu, [](long double x) { return x * normal_cdf(x); }},
    {"gelu_grad", map<vm::gelu_grad>, vm::gelu_grad, gelu_grad, normal_cdf},
    {"gelu_tanh", map<vm::gelu_tanh>, vm::gelu_tanh,
     [](long double x) { return x * sigmoid(gelu_tanh_v(x)); }},
    {"gelu_tanh_grad", map<vm::gelu_tanh_grad>, vm::gelu_tanh_grad, gelu_tanh_grad,
     [](long double x) { return sigmoid(gelu_tanh_v(x)); }},
};

const Function& function(const std::string& name) {
  return *std::find_if(functions.begin(), functions.end(), [&](const Function& f) { return f.name == name; });
}

void add_neighbours(Floats& inputs, float centre, int count) {
  float below = centre, above = centre;
  inputs.push_back(centre);
  for (int i = 0; i < count; ++i) {
    inputs.push_back(below = std::nextafter(below, -infinity));
    inputs.push_back(above = std::nextafter(above, infinity));
  }
}

void add_grid(Floats& inputs, float from, float to, int count) {
  for (int i = 0; i <= count; ++i) {
    inputs.push_back(from + (to - from) * static_cast<float>(i) / static_cast<float>(count));
  }
}

Floats make_inputs() {
  Floats inputs;
  // Both signs, every exponent, one mantissa from each of 4096 equal ranges.
  std::minstd_rand random(1);
  for (std::uint32_t sign_and_exponent = 0; sign_and_exponent < 512; ++sign_and_exponent) {
    if (sign_and_exponent % 256 == 255) continue;  // infinities and NaN
    for (std::uint32_t range = 0; range < 4096; ++range) {
      const std::uint32_t bits =
          sign_and_exponent << 23 | range << 11 | static_cast<std::uint32_t>(random() % 2048);
      inputs.push_back(std::bit_cast<float>(bits));
    }
  }
  // Where results over- or underflow, saturate, vanish or cancel, and where a method changes branch.
  const float sqrt2 = std::numbers::sqrt2_v<float>, ln2 = std::numbers::ln2_v<float>;
  for (const float centre : {0.0f,     0.25f,   0.4142136f, 0.5f,      0.7518f,
                             0.75247f, 1.0f,    ln2 / 2,    sqrt2 / 2, 1 - sqrt2 / 2,
                             sqrt2,    2.0f,    3.9192f,    4.0f,      5.0f,
                             9.0109f,  9.1945f, 10.0f,      10.0545f,  10.5f,
                             12.9f,    13.2f,   14.1f,      14.4f,     14.57f,
                             15.0f,    16.6f,   17.33f,     87.3365f,  88.7228f,
                             89.0f,    88.4f,   103.2789f,  103.97f,   104.0f,
                             1e5f,     0x1p50f, 0x1p77f,    0x1p104f,  std::numeric_limits<float>::min()}) {
    add_neighbours(inputs, centre, 500);
    add_neighbours(inputs, -centre, 500);
  }
  add_grid(inputs, -1, 1, 50'000);
  add_grid(inputs, -16, 16, 200'000);
  add_grid(inputs, -120, 120, 100'000);
  // The zeros of sin and cos, near and far, and the float that is nearest to one of them.
  for (int k = 1; k < 5000; ++k) add_neighbours(inputs, static_cast<float>(k * std::numbers::pi / 2), 1);
  for (double k = 5000; k < 1e38; k *= 1.003) {
    add_neighbours(inputs, static_cast<float>(std::floor(k) * std::numbers::pi / 2), 1);
  }
  add_neighbours(inputs, 16367173 * 0x1p72f, 1);
  std::erase_if(inputs, [](float x) { return !std::isfinite(x); });
  return inputs;
}

const Floats& inputs() {
  static const Floats made = make_inputs();
  return made;
}

// The distance of two floats around x: 2^-23 of the power of two below it, at least the smallest subnormal.
long double ulp(long double x) {
  if (std::abs(x) < std::numeric_limits<float>::min()) return std::numeric_limits<float>::denorm_min();
  return std::ldexp(1.0L, std::min(std::ilogb(x), 127) - 23);
}

// Infinity counts as 2^128, the next number after the largest float.
long double ulps_between(float got, long double want, long double largest_term) {
  if (std::isnan(got) || std::isnan(want)) {
    return std::isnan(got) && std::isnan(want) ? 0.0L : std::numeric_limits<long double>::infinity();
  }
  const long double difference =
      std::clamp<long double>(got, -0x1p128L, 0x1p128L) - std::clamp<long double>(want, -0x1p128L, 0x1p128L);
  return std::abs(difference) / ulp(std::max(std::abs(want), std::abs(largest_term)));
}

void check_error(const std::string& name) {
  const Function& f = function(name);
  const Floats& x = inputs();
  Floats y(x.size());
  f.in_float(x, y);
  long double worst = -1;
  std::size_t worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double error =
        ulps_between(y[i], f.exact(x[i]), f.largest_term == nullptr ? 0.0L : f.largest_term(x[i]));
    if (error > worst) {
      worst = error;
      worst_at = i;
    }
  }
  std::ostringstream message;
  message.precision(9);
  message << name << "(" << x[worst_at] << ") gives " << y[worst_at] << ", exact is " << f.exact(x[worst_at])
          << ", off by " << worst << " ulp";
  INFO(message.str());
  CHECK(worst <= 2);
}

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

// One value by way of the loop, long enough for a vector body and a remainder, which must agree.
float value(const std::string& name, float x) {
  const Floats many(67, x);
  Floats results(many.size());
  function(name).in_float(many, results);
  INFO(name << "(" << x << ")");
  REQUIRE(std::all_of(results.begin(), results.end(), [&](float y) { return same(y, results[0]); }));
  return results[0];
}

double value(const std::string& name, double x) { return function(name).in_double(x); }

}  // namespace

TEST_CASE("exp and log stay within two ulp of long double over all floats", "[core][kernels]") {
  for (const char* name : {"exp", "exp_nonpositive", "expm1", "log", "log1p"}) check_error(name);
}

TEST_CASE("exp of what is not positive bears what rounding leaves above zero", "[core][kernels]") {
  Floats x;
  add_neighbours(x, 0, 1000);
  for (float size = 1e-8f; size < 40; size *= 1.001f) x.push_back(size);
  Floats y(x.size());
  map<vm::exp_nonpositive>(x, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double exact = std::exp(static_cast<long double>(x[i]));
    const float rounded = static_cast<float>(exact), ulp = std::nextafter(rounded, infinity) - rounded;
    if (!(std::abs(y[i] - exact) <= 2 * ulp)) FAIL("exp_nonpositive(" << x[i] << ") is " << y[i]);
  }
}

TEST_CASE("tanh, sigmoid and softplus stay within two ulp of long double over all floats",
          "[core][kernels]") {
  for (const char* name : {"tanh", "sigmoid", "softplus"}) check_error(name);
}

TEST_CASE("erf, erfc and the normal distribution stay within two ulp down to underflow", "[core][kernels]") {
  for (const char* name : {"erf", "erfc", "normal_cdf"}) check_error(name);
}

TEST_CASE("both forms of gelu stay within two ulp down to underflow", "[core][kernels]") {
  for (const char* name : {"gelu", "gelu_tanh"}) check_error(name);
}

TEST_CASE("the derivatives of gelu stay within two ulp of their largest term", "[core][kernels]") {
  for (const char* name : {"gelu_grad", "gelu_tanh_grad"}) check_error(name);
}

TEST_CASE("sin and cos stay within two ulp of long double however large the angle", "[core][kernels]") {
  for (const char* name : {"sin", "cos"}) check_error(name);
}

TEST_CASE("no float function leaves the range of its values", "[core][kernels]") {
  struct Range {
    const char* name;
    float low, high;
  };
  const Floats& x = inputs();
  Floats y(x.size());
  for (const Range& range :
       {Range{"exp", 0, infinity}, Range{"exp_nonpositive", 0, 1}, Range{"expm1", -1, infinity},
        Range{"tanh", -1, 1}, Range{"sigmoid", 0, 1}, Range{"softplus", 0, infinity}, Range{"erf", -1, 1},
        Range{"erfc", 0, 2}, Range{"normal_cdf", 0, 1}, Range{"sin", -1, 1}, Range{"cos", -1, 1},
        Range{"gelu", -0.17f, infinity}, Range{"gelu_tanh", -0.171f, infinity}}) {
    function(range.name).in_float(x, y);
    const auto [least, greatest] = std::minmax_element(y.begin(), y.end());
    INFO(range.name << " takes values from " << *least << " to " << *greatest);
    CHECK(*least >= range.low);
    CHECK(*greatest <= range.high);
  }
}

TEMPLATE_TEST_CASE("vector maths takes NaN to NaN and infinities to the limits", "[core][kernels]", float,
                   double) {
  using Real = TestType;
  const Real inf = std::numeric_limits<Real>::infinity(), nan = std::numeric_limits<Real>::quiet_NaN();
  for (const Function& f : functions) {
    INFO(f.name);
    CHECK(std::isnan(value(f.name, nan)));
    CHECK(std::isnan(value(f.name, -nan)));
  }
  struct Limits {
    const char* name;
    Real left, right;
  };
  for (const Limits& limits :
       {Limits{"exp", 0, inf}, Limits{"exp_nonpositive", 0, 1}, Limits{"expm1", -1, inf},
        Limits{"tanh", -1, 1}, Limits{"erf", -1, 1}, Limits{"erfc", 2, 0}, Limits{"sigmoid", 0, 1},
        Limits{"softplus", 0, inf}, Limits{"normal_cdf", 0, 1}, Limits{"gelu", 0, inf},
        Limits{"gelu_grad", 0, 1}, Limits{"gelu_tanh", 0, inf}, Limits{"gelu_tanh_grad", 0, 1}}) {
    INFO(limits.name);
    CHECK(value(limits.name, -inf) == limits.left);
    CHECK(value(limits.name, inf) == limits.right);
  }
  for (const char* name : {"log", "log1p"}) {
    INFO(name);
    CHECK(value(name, inf) == inf);
    CHECK(std::isnan(value(name, -inf)));
    CHECK(std::isnan(value(name, Real(-2))));
  }
  CHECK(value("log", Real(0)) == -inf);
  CHECK(value("log", -Real(0)) == -inf);
  CHECK(value("log", Real(1)) == 0);
  CHECK(value("log1p", Real(-1)) == -inf);
  for (const char* name : {"sin", "cos"}) {
    INFO(name);
    CHECK(std::isnan(value(name, inf)));
    CHECK(std::isnan(value(name, -inf)));
  }
}

TEMPLATE_TEST_CASE("vector maths is exact at zero and keeps the sign of zero", "[core][kernels]", float,
                   double) {
  using Real = TestType;
  for (const char* name : {"expm1", "log1p", "tanh", "erf", "sin", "gelu", "gelu_tanh"}) {
    INFO(name);
    const Real positive = value(name, Real(0)), negative = value(name, -Real(0));
    CHECK((positive == 0 && !std::signbit(positive)));
    CHECK((negative == 0 && std::signbit(negative)));
  }
  for (const Real zero : {Real(0), -Real(0)}) {
    CHECK(value("exp", zero) == 1);
    CHECK(value("exp_nonpositive", zero) == 1);
    CHECK(value("cos", zero) == 1);
    CHECK(value("erfc", zero) == 1);
    for (const char* name : {"sigmoid", "normal_cdf", "gelu_grad", "gelu_tanh_grad"}) {
      INFO(name);
      CHECK(value(name, zero) == Real(0.5));
    }
  }
}

TEST_CASE("the double overloads neither cancel nor overflow", "[core][kernels]") {
  std::vector<double> x;
  for (std::size_t i = 0; i < inputs().size(); i += 31) x.push_back(inputs()[i]);
  for (int i = -8000; i <= 8000; ++i) x.push_back(i / 10.0);  // to where e^x over- and underflows
  for (const Function& f : functions) {
    for (const double at : x) {
      const double got = f.in_double(at);
      const long double want = f.exact(at);
      if (std::isnan(want) ? std::isnan(got) : got == static_cast<double>(want)) continue;
      const long double term = f.largest_term == nullptr ? 0.0L : f.largest_term(at);
      INFO(f.name << "(" << at << ") gives " << got << ", exact is " << static_cast<double>(want));
      // erfc(x) turns half an ulp of x / sqrt(2) into x^2 ulp, and its result underflows at x = 38.
      REQUIRE(std::abs(got - want) <= 1e-12L * std::max(std::abs(want), std::abs(term)) + 1e-307L);
    }
  }
}
