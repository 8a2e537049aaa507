// The four kinds of element, and the step from a dtype known at run time to a C++ type known at compile time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>

#include <gradus/core/check.h>

namespace gradus {

enum class DType : std::uint8_t {
  f32,      // what models train in
  f64,      // what gradient checks need: central differences in f32 prove nothing
  i64,      // ids and indices
  boolean,  // masks; one byte each
};

inline constexpr DType f32 = DType::f32;
inline constexpr DType f64 = DType::f64;
inline constexpr DType i64 = DType::i64;
inline constexpr DType boolean = DType::boolean;

const char* name_of(DType dtype);
std::ostream& operator<<(std::ostream& out, DType dtype);

constexpr std::size_t size_of(DType dtype) { return dtype == f32 ? 4 : dtype == boolean ? 1 : 8; }
constexpr bool is_floating(DType dtype) { return dtype == f32 || dtype == f64; }

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return f32;
  else if constexpr (std::is_same_v<T, double>)
    return f64;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return i64;
  else {
    static_assert(std::is_same_v<T, bool>, "elements are float, double, std::int64_t or bool");
    return boolean;
  }
}

// Refuses a number that an element of `dtype` cannot be: for i64 a fraction or what is past 2^63, for boolean
// all but 0 and 1. Cut to fit, it would be another number without a word.
void check_holds(DType dtype, double number, const char* op);

// Refuses elements that are not fractions: what is computed with them has to be one.
inline void check_floating(DType dtype, const char* op) {
  check(is_floating(dtype), op, "needs f32 or f64 elements, not ", dtype, ". Convert with .to(f32)?");
}

// The dtype that holds most of what elements of either can be: what to convert to where the two do not mix.
constexpr DType wider_of(DType a, DType b) {
  if (a == f64 || b == f64) return f64;
  if (a == f32 || b == f32) return f32;
  return a == i64 || b == i64 ? i64 : boolean;
}

// Operands of an op have one dtype; nothing is converted behind the user's back.
// The names are those of the op's parameters.
inline void check_same_dtype(const char* a_name, DType a, const char* b_name, DType b, const char* op) {
  check(a == b, op, "dtypes do not mix: ", a_name, " is ", a, ", ", b_name, " is ", b,
        ". Convert one with .to(", wider_of(a, b), ")?");
}

// dispatch_floating(x.dtype(), "exp", [&]<class T>() { ... }) calls the lambda with T = float or double, and
// says that `op` needs floating elements for the rest. The two others admit i64, and i64 and bool, as well.
template <class F>
decltype(auto) dispatch_floating(DType dtype, const char* op, F&& f) {
  check_floating(dtype, op);
  if (dtype == f32) return f.template operator()<float>();
  return f.template operator()<double>();
}

template <class F>
decltype(auto) dispatch_numeric(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case f32:
      return f.template operator()<float>();
    case f64:
      return f.template operator()<double>();
    case i64:
      return f.template operator()<std::int64_t>();
    default:
      fail(op, "needs numbers, not ", dtype, ". Convert with .to(f32) or .to(i64)?");
  }
}

template <class F>
decltype(auto) dispatch_all(DType dtype, F&& f) {
  switch (dtype) {
    case f32:
      return f.template operator()<float>();
    case f64:
      return f.template operator()<double>();
    case i64:
      return f.template operator()<std::int64_t>();
    default:
      return f.template operator()<bool>();
  }
}

}  // namespace gradus
