// Operands and results that may be absent, which is to say undefined.
#pragma once

#include <gradus/core/kernels/copy.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

// x, contiguous; where it is absent, `size` elements that are all `number`.
inline Tensor or_full(const Tensor& x, double number, std::int64_t size, DType dtype) {
  return x.defined() ? contiguous(x) : full({size}, number, dtype);
}

inline Tensor contiguous_if(const Tensor& x) { return x.defined() ? contiguous(x) : x; }

// New memory for what is wanted.
inline Tensor empty_if(bool wanted, const Shape& shape, DType dtype) {
  return wanted ? Tensor::empty(shape, dtype) : Tensor();
}

template <class T>
T* data_if(const Tensor& x) {
  return x.defined() ? x.data<T>() : nullptr;
}

}  // namespace gradus::kernels
