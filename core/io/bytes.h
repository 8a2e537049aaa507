// Numbers and tensors as the bytes of a file.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <gradus/core/tensor.h>

namespace gradus {

static_assert(std::endian::native == std::endian::little,
              "files hold little-endian numbers, copied as they are");

template <class T>
T number_at(std::string_view bytes, std::size_t at) {
  T number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

template <class T>
void append_number(std::string& to, T number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// A shape as a file tells it: refuses more axes than a tensor has, sizes below 0, products past 2^63. `what`
// names the file and the tensor, for errors.
Shape checked_shape(std::span<const std::int64_t> sizes, const std::string& what);

// A tensor of elements that stand row by row in `bytes`, which must be as many as the shape says. Of booleans
// only 0 and 1 are elements.
Tensor tensor_from_bytes(std::string_view bytes, const Shape& shape, DType dtype, const std::string& what);

// The elements of a tensor that is contiguous.
inline std::string_view bytes_of(const Tensor& x) {
  return {static_cast<const char*>(x.block().data), static_cast<std::size_t>(x.bytes())};
}

}  // namespace gradus
