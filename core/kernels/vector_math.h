// exp, tanh, erf and their kin as branch-free functions of one float, for loops that the compiler vectorises:
//
//   #pragma omp simd
//   for (std::int64_t i = 0; i < n; ++i) y[i] = vector_math::tanh(x[i]);
//
// Each float function but exp_nonpositive computes in double and rounds once at the end. Twice the lanes'
// width buys a range in which no float over- or underflows, reductions without correction terms, and
// polynomials that need only about 2^-27: every result is within 1 ulp of the exact one over the whole float
// range, subnormal results within one smallest subnormal (gelu_grad and gelu_tanh_grad: see there).
// Infinities give the limits, NaN gives NaN, and odd functions keep the sign of zero. Bits may differ between
// a loop's vector body and its remainder, by contraction to FMA.
//
// The file must be compiled without -ffast-math (it relies on the order of operations) and, to vectorise,
// with -fopenmp(-simd) -fno-math-errno -fno-trapping-math; no instruction beyond SSE2 is required.
//
// The overloads on double compose the C library's functions without cancellation or overflow. They serve
// checks in f64 and are not meant to vectorise.
//
// All coefficients are minimax fits (Remez exchange on the relative error, 160-bit arithmetic) to the
// function and interval named beside them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace gradus::vector_math {

namespace detail {

// Adding 1.5·2^52 to |z| < 2^51 rounds z to the nearest integer and leaves that integer in the low bits of
// the sum; unlike std::nearbyint this vectorises for every instruction set.
inline constexpr double rounder = 0x1.8p52;

// Horner's scheme, lowest coefficient first.
[[gnu::always_inline]] constexpr double polynomial(double, double c) { return c; }
template <typename... Higher>
[[gnu::always_inline]] constexpr double polynomial(double x, double c, Higher... higher) {
  return c + x * polynomial(x, higher...);
}

// Bounds that let a NaN through.
template <typename Real>
[[gnu::always_inline]] inline Real at_least(Real low, Real x) {
  return x < low ? low : x;
}
template <typename Real>
[[gnu::always_inline]] inline Real at_most(Real high, Real x) {
  return x > high ? high : x;
}
template <typename Real>
[[gnu::always_inline]] inline Real limit(Real low, Real x, Real high) {
  return at_least(low, at_most(high, x));
}

// e^x = scale·(1 + fraction) with scale a power of two, |x| <= 700. The fraction keeps its relative accuracy
// near 0, so that e^x - 1 does too.
struct Exponential {
  double scale, fraction;
  [[gnu::always_inline]] double value() const { return scale + scale * fraction; }
  [[gnu::always_inline]] double minus_one() const { return scale * fraction + (scale - 1.0); }
};

[[gnu::always_inline]] inline Exponential exponential(double x) {
  constexpr double biased_rounder = rounder + 1023;  // the low bits become the exponent field of 2^k
  const double z = x * std::numbers::log2e;
  const double k = z + biased_rounder;
  const double t = z - (k - biased_rounder);
  // (2^t - 1) / t on [-1/2, 1/2], 2^-26.5
  const double slope = polynomial(t, 0.693147187926727824, 0.240226497949215955, 0.0555035743315865247,
                                  0.00961823749775944716, 0.001339073568909159, 0.000154035119577329754);
  return {std::bit_cast<double>(std::bit_cast<std::uint64_t>(k) << 52), t * slope};
}

// log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1], accurate relative to f.
[[gnu::always_inline]] inline double log_near_one(double f) {
  // log(1 + f) / f, 2^-27.9
  return f * polynomial(f, 0.999999999958692659, -0.499999882899497531, 0.333333259972830999,
                        -0.250015865462265776, 0.200019684561074585, -0.166090127581457799,
                        0.141818345461741041, -0.132434620819905525, 0.129046686131871283,
                        -0.0762112488589382546);
}

// x = 2^exponent·mantissa with mantissa in [sqrt(1/2), sqrt(2)), for x normal and positive.
struct Split {
  double exponent, mantissa;
};

[[gnu::always_inline]] inline Split split(double x) {
  constexpr std::uint64_t one = std::bit_cast<std::uint64_t>(1.0);
  constexpr std::uint64_t sqrt_half = std::bit_cast<std::uint64_t>(0x1.6a09e667f3bcdp-1);
  constexpr std::uint64_t field = (std::uint64_t{1} << 52) - 1;
  // Moving sqrt(1/2) to 1 makes the exponent field step where the mantissa's range ends. The field becomes a
  // number through the low bits of 2^52, since converting 64-bit integers needs AVX-512.
  const std::uint64_t moved = std::bit_cast<std::uint64_t>(x) + (one - sqrt_half);
  const double biased = std::bit_cast<double>(moved >> 52 | std::bit_cast<std::uint64_t>(0x1p52));
  return {biased - (0x1p52 + 1023), std::bit_cast<double>((moved & field) + sqrt_half)};
}

// One of four constants, by the size of x >= 0. In three steps, because g++ 12 turns nested selections into
// twice as many masks.
[[gnu::always_inline]] inline double by_magnitude(double x, double below_50, double below_77,
                                                  double below_104, double above) {
  const double from_77 = x < 0x1p104 ? below_104 : above;
  const double from_50 = x < 0x1p77 ? below_77 : from_77;
  return x < 0x1p50 ? below_50 : from_50;
}

// sin(x + pi·shift) for every finite float x, by way of x/pi less its nearest whole number. With x = m·2^s,
// s in {0, 27, 54, 81}, |m| < 2^50 and m whole where s > 0, 2^s/pi is needed only modulo 2, here as a sum of
// 28, 28 and 53 bits. m has 24 bits, so its products with the first two are exact, and so is what is left of
// them. That leaves r within 2^-61, and no float above 1/2 comes closer than 2^-31 half-turns to a zero of
// sin or cos.
[[gnu::always_inline]] inline float sine(double x, double shift) {
  const double size = std::fabs(x);
  const double m = x * by_magnitude(size, 1.0, 0x1p-27, 0x1p-54, 0x1p-81);
  const double first = by_magnitude(size, 0x1.45f306ep-2, -0x1.1b1bbeap-2, 0x1.4a7f09ep-1, -0x1.505c15ap-1);
  const double second =
      by_magnitude(size, -0x1.b1bbeaep-33, -0x1.ac07b16p-31, -0x1.4170566p-30, 0x1.377036ep-30);
  const double third = by_magnitude(size, 0x1.3f84eafa3ea6ap-62, 0x1.f47d4d377036ep-60, 0x1.bb81b6c52b328p-60,
                                    -0x1.d6a66c3bc6fbep-60);
  const double coarse = m * first + shift;
  const double k = coarse + rounder;
  const double fine = m * second + (coarse - (k - rounder));
  const double l = fine + rounder;
  const double r = m * third + (fine - (l - rounder));
  const std::uint64_t odd = (std::bit_cast<std::uint64_t>(k) + std::bit_cast<std::uint64_t>(l)) << 63;
  // sin(pi·r) / r in powers of r^2, |r| <= 1/2 + 2^-8 (third can carry it past 1/2), 2^-27.4
  const double value = r * polynomial(r * r, 3.14159263549116156, -5.16770948046843842, 2.55006513466244816,
                                      -0.598209495774194411, 0.0774886719015330188);
  return static_cast<float>(std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) ^ odd));
}

// Phi(-a) and its bell e^(-a^2/2), relative accuracy throughout, for a in [0, 15].
struct NormalTail {
  double bell, probability;
};

[[gnu::always_inline]] inline NormalTail normal_tail(double a) {
  const double bell = exponential(-0.5 * a * a).value();
  // Phi(-a)·e^(a^2/2) in powers of 1/(a + 4.8), 2^-26.8
  const double mills =
      polynomial(1.0 / (a + 4.8), 0.0000172114261761584063, 0.396970008032229815, 2.01391857874545275,
                 5.92889471680241461, 91.1760557857902568, -488.639421851847938, 5892.64675067403976,
                 -25990.5383321139784, 95279.3181626191492, -109456.903729579273);
  return {bell, bell * mills};
}

// Phi(-15) is 4e-51 and even 15 times as much is zero in float, so that nothing changes beyond.
[[gnu::always_inline]] inline double tail_argument(float x) { return at_most(15.0f, std::fabs(x)); }
[[gnu::always_inline]] inline double left_limited(float x) { return at_least(-15.0f, x); }

inline constexpr double inverse_sqrt_2pi = 0.398942280401432678;
inline constexpr double sqrt_2_over_pi = 0.797884560802865356;
inline constexpr double gelu_cubic = 0.044715;

}  // namespace detail

// e^x
[[gnu::always_inline]] inline float exp(float x) {
  // e^-104 rounds to 0 and e^89 to infinity.
  const double limited = detail::limit(-104.0f, x, 89.0f);
  return static_cast<float>(detail::exponential(limited).value());
}

// e^x for x <= 0, as softmax needs it: in float throughout, since nothing overflows, and so twice as fast.
// Within 1 ulp as well. Rounding may leave an x above 0: it is as accurate up to 40, and wrong far beyond.
[[gnu::always_inline]] inline float exp_nonpositive(float x) {
  constexpr float rounder = 0x1.8p23f, bias = 127 + 64;
  constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f;  // k * ln2_high is exact
  const float limited = detail::at_least(-104.0f, x);
  const float biased = limited * std::numbers::log2e_v<float> + (rounder + bias);
  const float k = biased - (rounder + bias);
  const float r = (limited - k * ln2_high) - k * ln2_low;
  // (e^r - 1 - r) / r^2 on [-ln(2)/2, ln(2)/2], 2^-28.3 of e^r
  const float rest =
      0.499999935f + r * (0.166665207f + r * (0.0416683874f + r * (0.00836870987f + r * 0.00138146101f)));
  // 2^(k + 64), which is never subnormal; the last product rounds to what is.
  const float scale = std::bit_cast<float>(std::bit_cast<std::uint32_t>(biased) << 23);
  return (1.0f + (r + r * r * rest)) * scale * 0x1p-64f;
}

// e^x - 1, relative accuracy near 0
[[gnu::always_inline]] inline float expm1(float x) {
  const double limited = detail::limit(-104.0f, x, 89.0f);
  return std::copysign(static_cast<float>(detail::exponential(limited).minus_one()), x);
}

// Natural logarithm: -inf at ±0, NaN below.
[[gnu::always_inline]] inline float log(float x) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const detail::Split s = detail::split(x);  // every positive float, subnormal or not, is a normal double
  const double finite = s.exponent * std::numbers::ln2 + detail::log_near_one(s.mantissa - 1.0);
  const float outside = x == 0.0f ? -infinity : x < 0.0f ? std::numeric_limits<float>::quiet_NaN() : x;
  return x > 0.0f && x < infinity ? static_cast<float>(finite) : outside;
}

// log(1 + x), relative accuracy near 0: -inf at -1, NaN below.
[[gnu::always_inline]] inline float log1p(float x) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const double wide = x;
  const detail::Split s = detail::split(1.0 + wide);
  // 1 + x rounds where x is small; there x itself is the distance from one.
  const double f = s.exponent == 0.0 ? wide : s.mantissa - 1.0;
  const double finite = s.exponent * std::numbers::ln2 + detail::log_near_one(f);
  const float outside = x == -1.0f ? -infinity : x < -1.0f ? std::numeric_limits<float>::quiet_NaN() : x;
  return x > -1.0f && x < infinity ? std::copysign(static_cast<float>(finite), x) : outside;
}

// tanh(x) = (e^(2x) - 1) / (e^(2x) + 1)
[[gnu::always_inline]] inline float tanh(float x) {
  const double limited = detail::limit(-10.0f, x, 10.0f);
  const double m = detail::exponential(2.0 * limited).minus_one();
  return std::copysign(static_cast<float>(m / (m + 2.0)), x);
}

// 1 / (1 + e^-x), relative accuracy for negative x
[[gnu::always_inline]] inline float sigmoid(float x) {
  const double limited = detail::limit(-104.0f, x, 104.0f);
  return static_cast<float>(1.0 / (1.0 + detail::exponential(-limited).value()));
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
[[gnu::always_inline]] inline float softplus(float x) {
  const double e = detail::exponential(-detail::at_most(104.0f, std::fabs(x))).value();
  // log(1 + e) / e on [0, 1], 2^-27.7: no reduction, as log1p would need
  const double log1p_e =
      e * detail::polynomial(e, 0.999999995287624274, -0.499999024279640654, 0.333299625036280435,
                             -0.249541340963557261, 0.196759398094812136, -0.153055906302384365,
                             0.106036472732741315, -0.0569594276871194889, 0.0198513930033378168,
                             -0.00324400762851884671);
  return static_cast<float>(detail::at_least(0.0f, x) + log1p_e);
}

// 2/sqrt(pi)·integral of e^(-t^2) from 0 to x
[[gnu::always_inline]] inline float erf(float x) {
  const double limited = detail::limit(-4.0f, x, 4.0f);  // 1 - erf(4) is 2^-26
  // erf(x) / x in powers of x^2, |x| <= 4, 2^-29.2
  return static_cast<float>(
      limited *
      detail::polynomial(limited * limited, 1.12837916530389359, -0.376126323430011993, 0.112837504979316967,
                         -0.0268651221582776033, 0.00522254186077671747, -0.000853615381346709407,
                         0.000119858400992382671, -0.0000146434658580352489, 1.56152282891561594e-6,
                         -1.44336808560970707e-7, 1.13818765944506293e-8, -7.48406775957639104e-10,
                         3.98906634771084408e-11, -1.66518088996180963e-12, 5.20445287915548828e-14,
                         -1.13934963972631465e-15, 1.55211990273856771e-17, -9.87432539916102446e-20));
}

// 1 - erf(x), relative accuracy for positive x
[[gnu::always_inline]] inline float erfc(float x) {
  const double a = detail::at_most(10.5f, std::fabs(x));
  const double tail = 2.0 * detail::normal_tail(a * std::numbers::sqrt2).probability;
  return static_cast<float>(x < 0.0f ? 2.0 - tail : tail);
}

// Phi(x) = erfc(-x/sqrt(2)) / 2, relative accuracy for negative x
[[gnu::always_inline]] inline float normal_cdf(float x) {
  const double tail = detail::normal_tail(detail::tail_argument(x)).probability;
  return static_cast<float>(x < 0.0f ? tail : 1.0 - tail);
}

// x·Phi(x), relative accuracy for negative x. Hendrycks and Gimpel 2016
[[gnu::always_inline]] inline float gelu(float x) {
  const double tail = detail::normal_tail(detail::tail_argument(x)).probability;
  return static_cast<float>(detail::left_limited(x) * (x < 0.0f ? tail : 1.0 - tail));
}

// d gelu / dx = Phi(x) + x·phi(x) with phi(x) = e^(-x^2/2) / sqrt(2 pi). The terms cancel at x = -0.7518: the
// error is within 1 ulp of the result or of Phi(x), whichever is larger.
[[gnu::always_inline]] inline float gelu_grad(float x) {
  const detail::NormalTail tail = detail::normal_tail(detail::tail_argument(x));
  const double limited = detail::limit(-15.0f, x, 15.0f);
  const double cdf = x < 0.0f ? tail.probability : 1.0 - tail.probability;
  return static_cast<float>(cdf + limited * detail::inverse_sqrt_2pi * tail.bell);
}

// 0.5·x·(1 + tanh(sqrt(2/pi)·(x + 0.044715·x^3))) = x·sigmoid(2·sqrt(2/pi)·(x + 0.044715·x^3)), the second
// form being the one that does not cancel for negative x.
[[gnu::always_inline]] inline float gelu_tanh(float x) {
  const double limited = detail::limit(-15.0f, x, 15.0f);
  const double cube = detail::gelu_cubic * limited * limited * limited;
  const double e = detail::exponential(-2.0 * detail::sqrt_2_over_pi * (limited + cube)).value();
  return static_cast<float>(detail::left_limited(x) / (1.0 + e));
}

// d gelu_tanh / dx = s·(1 + x·(1 - s)·v'), where gelu_tanh = x·s and s = sigmoid(v). The terms cancel at x =
// -0.7525: the error is within 1 ulp of the result or of s, whichever is larger.
[[gnu::always_inline]] inline float gelu_tanh_grad(float x) {
  const double limited = detail::limit(-15.0f, x, 15.0f);
  const double square = detail::gelu_cubic * limited * limited;
  const double v = 2.0 * detail::sqrt_2_over_pi * limited * (1.0 + square);
  const double x_dv = 2.0 * detail::sqrt_2_over_pi * limited * (1.0 + 3.0 * square);
  const double e = detail::exponential(-v).value();
  const double s = 1.0 / (1.0 + e);
  return static_cast<float>(s * (1.0 + x_dv * (e * s)));
}

// Every finite float, however large; NaN for an infinite x. The sign is set apart so that sin(-0) is -0.
[[gnu::always_inline]] inline float sin(float x) {
  return std::copysign(1.0f, x) * detail::sine(std::fabs(x), 0.0);
}

// cos(x) = sin(pi/2 - |x|). |x| because 1/2 - |x|/pi is exact near its zeros, as x/pi + 1/2 is not.
[[gnu::always_inline]] inline float cos(float x) { return detail::sine(-std::fabs(x), 0.5); }

inline double exp(double x) { return std::exp(x); }
inline double exp_nonpositive(double x) { return std::exp(x); }
inline double expm1(double x) { return std::expm1(x); }
inline double log(double x) { return std::log(x); }
inline double log1p(double x) { return std::log1p(x); }
inline double tanh(double x) { return std::tanh(x); }
inline double erf(double x) { return std::erf(x); }
inline double erfc(double x) { return std::erfc(x); }
inline double sin(double x) { return std::sin(x); }
inline double cos(double x) { return std::cos(x); }

inline double sigmoid(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

inline double softplus(double x) { return (x > 0.0 ? x : 0.0) + std::log1p(std::exp(-std::fabs(x))); }

inline double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

// Beyond 40 every bell-shaped factor below is 0 in double, so that limiting x there keeps inf·0 out.
inline double gelu(double x) { return detail::at_least(-40.0, x) * normal_cdf(x); }

inline double gelu_grad(double x) {
  const double limited = detail::limit(-40.0, x, 40.0);
  return normal_cdf(x) + limited * detail::inverse_sqrt_2pi * std::exp(-0.5 * limited * limited);
}

inline double gelu_tanh(double x) {
  const double limited = detail::limit(-40.0, x, 40.0);
  const double v = 2.0 * detail::sqrt_2_over_pi * limited * (1.0 + detail::gelu_cubic * limited * limited);
  return detail::at_least(-40.0, x) * sigmoid(v);
}

inline double gelu_tanh_grad(double x) {
  const double limited = detail::limit(-40.0, x, 40.0);
  const double square = detail::gelu_cubic * limited * limited;
  const double v = 2.0 * detail::sqrt_2_over_pi * limited * (1.0 + square);
  const double dv = 2.0 * detail::sqrt_2_over_pi * (1.0 + 3.0 * square);
  return sigmoid(v) * (1.0 + limited * dv * sigmoid(-v));
}

}  // namespace gradus::vector_math
