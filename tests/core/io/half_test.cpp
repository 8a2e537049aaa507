#include <gradus/core/io/half.h>

#include <cmath>
#include <limits>

#include "support/catch.h"

using namespace gradus;

namespace {

// What a float of these fields is worth, by the formula: sign, exponent, mantissa from the top; a bias of
// 2^(bits - 1) - 1; the lowest exponent for what is not normalised, the highest for infinity and NaN.
double formula(unsigned bits, int exponent_bits, int mantissa_bits) {
  const double sign = bits >> 15 ? -1 : 1;
  const int highest = (1 << exponent_bits) - 1, bias = highest / 2;
  const int exponent = static_cast<int>(bits >> mantissa_bits) & highest;
  const double fraction = std::ldexp(bits & ((1u << mantissa_bits) - 1), -mantissa_bits);
  if (exponent == highest)
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

// Whether x is that value, with its sign, also of zero.
bool is_value(float x, double value) {
  return std::isnan(value) ? std::isnan(x) : x == value && std::signbit(x) == std::signbit(value);
}

}  // namespace

TEST_CASE("every f16 and every bf16 becomes the f32 of the same value", "[io]") {
  int wrong = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    wrong += !is_value(f32_from_f16(half), formula(bits, 5, 10));
    wrong += !is_value(f32_from_bf16(half), formula(bits, 8, 7));
  }
  CHECK(wrong == 0);
}
