// IDX, the files of MNIST and those made like it (Fashion-MNIST, KMNIST, EMNIST); plain, or as they are
// published, with gzip. All numbers are big-endian.
//
//   0 0, type, axes     4 bytes; the type of what is read here is 8, bytes without sign
//   a size per axis     4 bytes each
//   elements            row by row
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/pictures.h>

namespace gradus::data {

// The pictures of a file of three axes (N, H, W), with the labels of one of one axis (N), each below
// `classes`.
PictureSet read_idx(const std::string& pictures_path, const std::string& labels_path,
                    std::int64_t classes = 10);

// An IDX file's content: exactly the announced bytes, and so many axes.
struct Idx {
  std::vector<std::int64_t> sizes;
  std::vector<std::uint8_t> elements;
};
Idx parse_idx(std::string_view bytes, std::size_t axes, const std::string& name = "the file");

}  // namespace gradus::data
