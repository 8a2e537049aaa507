// safetensors, the format that checkpoints are kept in: https://github.com/huggingface/safetensors
//
//   8 bytes   the size of the header, little-endian
//   header    JSON, {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...,
//             "__metadata__": {"key": "text", ...}}, padded with spaces
//   data      the elements, row by row; the offsets count from here
//
// The data must be covered by tensors, without holes and overlaps, to the last byte. dtypes F32, F64, I64 and
// BOOL are read as they are, F16 and BF16 as the f32 of the same value.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

using Metadata = std::map<std::string, std::string>;

struct Safetensors {
  std::vector<NamedTensor> tensors;  // in the order of their names
  Metadata metadata;
};

Safetensors read_safetensors(const std::string& path);
// Atomically, see write_atomically. The same tensors give the same bytes, whatever order they are listed in.
void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const Metadata& metadata = {});

// The same from and to memory; `name` is the file's, for errors.
Safetensors parse_safetensors(std::string_view bytes, const std::string& name = "the file");
std::string format_safetensors(const std::vector<NamedTensor>& tensors, const Metadata& metadata = {});

}  // namespace gradus
