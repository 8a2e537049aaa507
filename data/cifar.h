// CIFAR-10's binary files, data_batch_1.bin to data_batch_5.bin and test_batch.bin: records of a label, 0 to
// 9, in one byte and 32 x 32 pixels in 3072, red, then green, then blue, and nothing else.   Krizhevsky 2009
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/pictures.h>

namespace gradus::data {

// The pictures of these files, in this order.
PictureSet read_cifar10(const std::vector<std::string>& paths);

// Those of one, from memory; `name` is the file's, for errors.
PictureSet parse_cifar10(std::string_view bytes, const std::string& name = "the file");

}  // namespace gradus::data
