#include <gradus/core/dtype.h>

#include <limits>
#include <sstream>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

TEST_CASE("each dtype has a name and a size", "[dtype]") {
  std::ostringstream out;
  out << f32 << ' ' << f64 << ' ' << i64 << ' ' << boolean;
  CHECK(out.str() == "f32 f64 i64 boolean");
  CHECK(size_of(f32) == sizeof(float));
  CHECK(size_of(f64) == sizeof(double));
  CHECK(size_of(i64) == sizeof(std::int64_t));
  CHECK(size_of(boolean) == sizeof(bool));
}

TEST_CASE("dispatch calls with the dtype's own C++ type", "[dtype]") {
  const auto dtype_called_with = []<class T>() { return dtype_of<T>(); };
  for (const DType dtype : {f32, f64, i64, boolean}) CHECK(dispatch_all(dtype, dtype_called_with) == dtype);
  for (const DType dtype : {f32, f64, i64}) CHECK(dispatch_numeric(dtype, "op", dtype_called_with) == dtype);
  for (const DType dtype : {f32, f64}) CHECK(dispatch_floating(dtype, "op", dtype_called_with) == dtype);
}

TEST_CASE("dispatch says which dtypes an op takes", "[dtype][error]") {
  const auto nothing = []<class T>() {};
  CHECK(message_of([&] { dispatch_floating(i64, "exp", nothing); }) ==
        "[exp] needs f32 or f64 elements, not i64. Convert with .to(f32)?");
  CHECK(message_of([&] { dispatch_numeric(boolean, "add", nothing); }) ==
        "[add] needs numbers, not boolean. Convert with .to(f32) or .to(i64)?");
}

TEST_CASE("a number that a dtype cannot hold is refused", "[dtype][error]") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (const double number : {0.5, infinity, -infinity, 0x1p63, std::nan("")}) {
    CHECK_NOTHROW(check_holds(f32, number, "full"));
    CHECK_NOTHROW(check_holds(f64, number, "full"));
    CHECK_THROWS_AS(check_holds(i64, number, "full"), Error);
    CHECK_THROWS_AS(check_holds(boolean, number, "full"), Error);
  }
  CHECK_NOTHROW(check_holds(i64, -0x1p63, "full"));
  CHECK_NOTHROW(check_holds(boolean, 1, "full"));
  CHECK(message_of([] { check_holds(i64, 2.5, "full"); }) == "[full] an i64 element cannot be 2.5. Use f32?");
  CHECK(message_of([] { check_holds(boolean, 2, "full"); }) ==
        "[full] a boolean element cannot be 2. Use i64?");
}
