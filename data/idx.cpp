#include <gradus/data/idx.h>

#include <limits>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/data/gzip.h>

namespace gradus::data {
namespace {

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = at; i < at + 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

// What the header announces, in bytes.
std::size_t announced(const std::vector<std::int64_t>& sizes, const std::string& name) {
  std::size_t product = 1;
  for (const std::int64_t size : sizes) {
    check(size > 0, "idx", name, " has an axis of size 0. Is it the right file?");
    check(product <= std::numeric_limits<std::int64_t>::max() / static_cast<std::size_t>(size), "idx", name,
          " announces more than 2^63 bytes. Is the file damaged?");
    product *= static_cast<std::size_t>(size);
  }
  return product;
}

}  // namespace

Idx parse_idx(std::string_view bytes, std::size_t axes, const std::string& name) {
  const std::size_t header = 4 + 4 * axes;
  const bool packed = is_gzip(bytes);
  const std::string unpacked_head = packed ? gunzip(bytes, header, name) : std::string();
  const std::string_view head = packed ? unpacked_head : bytes.substr(0, header);
  check(head.size() >= 4 && head[0] == 0 && head[1] == 0, "idx", name,
        " does not begin as an IDX file does. Is it another format?");
  check(head[2] == 8, "idx", name, " has elements of type ",
        static_cast<int>(static_cast<unsigned char>(head[2])),
        "; read are bytes, type 8. Is it the right file?");
  const int found = static_cast<unsigned char>(head[3]);
  check(static_cast<std::size_t>(found) == axes, "idx", name, " has ", found, found == 1 ? " axis" : " axes",
        "; pictures have 3 and labels 1. Are the two exchanged?");
  check(head.size() == header, "idx", name, " ends inside its header. Was it cut short?");

  Idx idx;
  for (std::size_t axis = 0; axis < axes; ++axis) idx.sizes.push_back(big_endian(head, 4 + 4 * axis));
  const std::size_t expected = announced(idx.sizes, name);
  // One byte more than announced is enough to see that there are too many.
  const std::string unpacked = packed ? gunzip(bytes, header + expected + 1, name) : std::string();
  const std::string_view elements = (packed ? std::string_view(unpacked) : bytes).substr(header);
  check(elements.size() >= expected, "idx", name, " announces ", expected, " bytes and has ", elements.size(),
        ". Was it cut short?");
  check(elements.size() == expected, "idx", name, " has bytes behind the ", expected,
        " that it announces. Is the file damaged?");
  idx.elements.assign(elements.begin(), elements.end());
  return idx;
}

PictureSet read_idx(const std::string& pictures_path, const std::string& labels_path, std::int64_t classes) {
  Idx pictures = parse_idx(MappedFile(pictures_path).bytes(), 3, pictures_path);
  const Idx labels = parse_idx(MappedFile(labels_path).bytes(), 1, labels_path);
  check(pictures.sizes[0] == labels.sizes[0], "idx", pictures_path, " has ", pictures.sizes[0],
        " pictures, and ", labels_path, " ", labels.sizes[0], " labels. Do they belong together?");
  PictureSet set;
  set.channels = 1;
  set.height = pictures.sizes[1];
  set.width = pictures.sizes[2];
  set.pixels = std::move(pictures.elements);
  set.labels.assign(labels.elements.begin(), labels.elements.end());
  for (std::size_t i = 0; i < set.labels.size(); ++i)
    check(set.labels[i] < classes, "idx", labels_path, ": label ", i, " is ", set.labels[i],
          ", and there are ", classes, " classes, from 0 on. More classes?");
  for (std::int64_t c = 0; c < classes; ++c) set.classes.push_back(std::to_string(c));
  return set;
}

}  // namespace gradus::data
