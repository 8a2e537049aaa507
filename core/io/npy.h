// .npy, NumPy's file of one array: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
//   "\x93NUMPY", version     8 bytes; versions 1.0, 2.0 and 3.0
//   size of the header       2 bytes, little-endian, in version 1.0; else 4
//   header                   a Python dict: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//   elements                 row by row, or column by column (Fortran order)
//
// Elements are f32 '<f4', f64 '<f8', i64 '<i8' or boolean '|b1'. Tensors are written row by row, in version
// 1.0.
#pragma once

#include <string>
#include <string_view>

#include <gradus/core/tensor.h>

namespace gradus {

Tensor read_npy(const std::string& path);
// Atomically, see write_atomically.
void write_npy(const std::string& path, const Tensor& x);

// The same from and to memory; `name` is the file's, for errors.
Tensor parse_npy(std::string_view bytes, const std::string& name = "the file");
std::string format_npy(const Tensor& x);

// What stands before the elements.
std::string npy_header(const Shape& shape, DType dtype);

}  // namespace gradus
