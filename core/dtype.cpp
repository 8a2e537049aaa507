#include <gradus/core/dtype.h>

#include <ostream>

#include <cmath>

namespace gradus {

const char* name_of(DType dtype) {
  switch (dtype) {
    case f32:
      return "f32";
    case f64:
      return "f64";
    case i64:
      return "i64";
    case boolean:
      return "boolean";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

void check_holds(DType dtype, double number, const char* op) {
  if (dtype == i64)
    check(number == std::trunc(number) && number >= -0x1p63 && number < 0x1p63, op,
          "an i64 element cannot be ", number, ". Use f32?");
  if (dtype == boolean)
    check(number == 0 || number == 1, op, "a boolean element cannot be ", number, ". Use i64?");
}

}  // namespace gradus
