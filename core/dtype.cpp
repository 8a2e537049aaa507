#include <gradus/core/dtype.h>

namespace gradus {

const char* name_of(DType dtype) {
  switch (dtype) {
    case f32: return "f32";
    case f64: return "f64";
    case i64: return "i64";
    case boolean: return "boolean";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, DType dtype) { return out << name_of(dtype); }

}  // namespace gradus
