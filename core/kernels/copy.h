// Moving elements: copies, conversions, fills.
#pragma once

#include <span>
#include <vector>

#include <gradus/core/allocator.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

Tensor contiguous(const Tensor& x);         // x itself where it is contiguous already
Tensor clone(const Tensor& x);              // always new memory, contiguous
Tensor cast(const Tensor& x, DType dtype);  // to i64 truncates toward zero; to boolean asks != 0
// New memory for `shape`, of like's rank, its axes nested as those of `like` are: the last one is innermost.
Tensor empty_as_laid_out(const Tensor& like, const Shape& shape, const char* op);
// One for each of the list, of its shape. Those of tensors that stand side by side in one memory, as what
// split gives, do so too.
std::vector<Tensor, memory::PoolAllocator<Tensor>> empty_as_laid_out(std::span<const Tensor> list,
                                                                     const char* op);
void copy_into(const Tensor& to, const Tensor& from);  // same shape and dtype, any strides
// Refuse a number that the dtype cannot hold (check_holds), by the name of the op that fills.
void fill(const Tensor& to, double number, const char* op = "fill");
Tensor full(const Shape& shape, double number, DType dtype, const char* op = "full");

}  // namespace gradus::kernels
