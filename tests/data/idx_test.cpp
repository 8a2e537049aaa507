#include <gradus/data/idx.h>

#include <gradus/core/io/file.h>
#include <gradus/data/gzip.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/data/golden/";

std::string bytes_of(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes += static_cast<char>(value);
  return bytes;
}

// Two pictures of one row and three columns.
const std::string good = bytes_of({0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30, 40, 50, 255});

std::string with(std::string bytes, std::size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

std::string refusal(const std::string& bytes, std::size_t axes = 3) {
  return message_of([&] { parse_idx(bytes, axes, "x.idx"); });
}

}  // namespace

TEST_CASE("an IDX file is its sizes and elements", "[data][io]") {
  const Idx idx = parse_idx(good, 3);
  CHECK(idx.sizes == std::vector<std::int64_t>{2, 1, 3});
  CHECK(idx.elements == std::vector<std::uint8_t>{10, 20, 30, 40, 50, 255});
  CHECK(parse_idx(bytes_of({0, 0, 8, 1, 0, 0, 0, 2, 5, 6}), 1).elements == std::vector<std::uint8_t>{5, 6});
  CHECK(parse_idx(bytes_of({0, 0, 8, 1, 0, 0, 1, 2}) + std::string(258, 'x'), 1).sizes[0] == 258);
}

TEST_CASE("IDX pictures and labels that another program compressed are read", "[data][io]") {
  const PictureSet set = read_idx(golden + "pictures.idx.gz", golden + "labels.idx.gz");
  CHECK((set.channels == 1 && set.height == 4 && set.width == 5));
  CHECK(set.labels == std::vector<std::int64_t>{7, 0, 9});
  CHECK(set.classes.size() == 10);
  REQUIRE(set.pixels.size() == 60);
  bool right = true;
  for (std::size_t i = 0; i < 60; ++i) right = right && set.pixels[i] == i * 37 % 256;
  CHECK(right);
  CHECK(set.batch().x.shape() == Shape{3, 1, 4, 5});
}

TEST_CASE("an IDX file that is not right is refused with the reason", "[data][io][error]") {
  const std::string another = "[idx] x.idx does not begin as an IDX file does. Is it another format?";
  CHECK(refusal("") == another);
  CHECK(refusal("\x89PNG") == another);
  CHECK(refusal(with(good, 1, 1)) == another);
  CHECK(refusal(with(good, 2, 13)) ==
        "[idx] x.idx has elements of type 13; read are bytes, type 8. Is it the right file?");
  CHECK(refusal(good, 1) == "[idx] x.idx has 3 axes; pictures have 3 and labels 1. Are the two exchanged?");
  CHECK(refusal(with(good, 3, 1)) ==
        "[idx] x.idx has 1 axis; pictures have 3 and labels 1. Are the two exchanged?");
  CHECK(refusal(good.substr(0, 15)) == "[idx] x.idx ends inside its header. Was it cut short?");
  CHECK(refusal(with(good, 7, 0)) == "[idx] x.idx has an axis of size 0. Is it the right file?");
  CHECK(refusal(good.substr(0, 21)) == "[idx] x.idx announces 6 bytes and has 5. Was it cut short?");
  CHECK(refusal(good + "x") == "[idx] x.idx has bytes behind the 6 that it announces. Is the file damaged?");
  const std::string huge = bytes_of({0, 0, 8, 3}) + std::string(12, '\xff');
  CHECK(refusal(huge + "x") == "[idx] x.idx announces more than 2^63 bytes. Is the file damaged?");
  CHECK(refusal(with(good, 4, 255)).find("announces 12834570246 bytes and has 6") != std::string::npos);
}

TEST_CASE("a compressed IDX file that is not right is refused with the reason", "[data][io][error]") {
  const std::string packed = read_file(golden + "pictures.idx.gz");
  for (const std::size_t size : {std::size_t{2}, std::size_t{12}, packed.size() - 9, packed.size() - 1})
    CHECK(refusal(packed.substr(0, size)) == "[gzip] x.idx ends too early. Was it cut short?");
  CHECK(refusal(packed + "xy") == "[gzip] x.idx has 2 bytes behind its end. Is the file damaged?");
  CHECK(refusal(with(packed, packed.size() - 8, 1)) ==
        "[gzip] x.idx is damaged, seen after 76 unpacked bytes: incorrect data check. Fetch it again?");
  CHECK(refusal(with(packed, 2, 7)).find("unknown compression method") != std::string::npos);
  CHECK(refusal(packed, 1) == "[idx] x.idx has 3 axes; pictures have 3 and labels 1. Are the two exchanged?");
}

TEST_CASE("unpacking stops where a file grows past what it announces", "[data][io][error]") {
  const std::string packed = read_file(golden + "grows.idx.gz");
  const std::string grown = "[idx] x.idx has bytes behind the 8 that it announces. Is the file damaged?";
  CHECK(refusal(packed) == grown);
  // Had it gone on, it would have seen that the end is missing.
  CHECK(refusal(packed.substr(0, packed.size() - 500)) == grown);
  CHECK(gunzip(packed, 100, "x").size() == 100);
  CHECK(gunzip(packed, std::size_t{1} << 40, "x").size() == 5000016);
}

TEST_CASE("IDX pictures and labels must belong together", "[data][io][error]") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& bytes) {
    write_atomically(folder / name, [&](const Sink& sink) { sink(bytes); });
    return folder / name;
  };
  const std::string pictures = write("p", good);
  const std::string labels = write("l", bytes_of({0, 0, 8, 1, 0, 0, 0, 2, 3, 10}));
  CHECK(message_of([&] { read_idx(pictures, labels); }) ==
        "[idx] " + labels + ": label 1 is 10, and there are 10 classes, from 0 on. More classes?");
  CHECK(read_idx(pictures, labels, 11).labels == std::vector<std::int64_t>{3, 10});
  CHECK(message_of([&] { read_idx(pictures, golden + "labels.idx.gz"); }) ==
        "[idx] " + pictures + " has 2 pictures, and " + golden +
            "labels.idx.gz 3 labels. Do they belong together?");
  CHECK(message_of([&] { read_idx(labels, pictures); }).find(labels + " has 1 axis") != std::string::npos);
  CHECK(message_of([&] { read_idx(folder / "none", labels); }).find("No such file") != std::string::npos);
}
