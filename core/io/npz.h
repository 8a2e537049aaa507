// .npz, NumPy's file of several arrays: a zip archive whose member NAME.npy is the array NAME. Of zip
// (PKWARE's APPNOTE.TXT) this is what np.savez writes: stored members one behind the other, their directory,
// its end record, and zip64 where sizes ask for it. What np.savez_compressed writes is deflated, and refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

std::vector<NamedTensor> read_npz(const std::string& path);  // in the order of the directory
// Atomically, see write_atomically, and without a date: the same tensors give the same bytes. Below 4 GiB.
void write_npz(const std::string& path, const std::vector<NamedTensor>& tensors);

// The same from and to memory; `name` is the file's, for errors.
std::vector<NamedTensor> parse_npz(std::string_view bytes, const std::string& name = "the file");
std::string format_npz(const std::vector<NamedTensor>& tensors);

}  // namespace gradus
