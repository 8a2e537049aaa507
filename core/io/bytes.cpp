#include <gradus/core/io/bytes.h>

namespace gradus {

Shape checked_shape(std::span<const std::int64_t> sizes, const std::string& what) {
  check(sizes.size() <= Shape::max_rank, "load", what, " has ", sizes.size(), " axes; a tensor has at most ",
        Shape::max_rank, ". Join some before saving?");
  const Shape shape(sizes);
  std::int64_t span = 8;  // bytes of the largest element
  bool fits = true;
  for (const std::int64_t size : shape) {
    check(size >= 0, "load", what, " has a size below 0: ", shape, ". Is the file damaged?");
    fits &= !__builtin_mul_overflow(span, size == 0 ? 1 : size, &span);
  }
  check(fits, "load", what, " has shape ", shape, ", which spans more than 2^63 bytes. Is the file damaged?");
  return shape;
}

Tensor tensor_from_bytes(std::string_view bytes, const Shape& shape, DType dtype, const std::string& what) {
  const auto wanted = static_cast<std::size_t>(numel_of(shape, "load")) * size_of(dtype);
  check(bytes.size() == wanted, "load", what, " has ", bytes.size(), " bytes, but shape ", shape, " of ",
        dtype, " takes ", wanted, ". Is the file damaged?");
  if (dtype == boolean)
    for (std::size_t i = 0; i < bytes.size(); ++i)
      check(static_cast<unsigned char>(bytes[i]) <= 1, "load", what, " has ",
            static_cast<int>(static_cast<unsigned char>(bytes[i])), " for its boolean number ", i,
            "; only 0 and 1 are. Was it saved as integers?");
  const Tensor out = Tensor::empty(shape, dtype, "load");
  if (wanted > 0) std::memcpy(out.block().data, bytes.data(), wanted);
  return out;
}

}  // namespace gradus
