#include <gradus/data/cifar.h>

#include <gradus/core/io/file.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

// A label, and pixels all of one colour.
std::string record(int label, char red, char green, char blue) {
  return static_cast<char>(label) + std::string(1024, red) + std::string(1024, green) +
         std::string(1024, blue);
}

}  // namespace

TEST_CASE("CIFAR-10 files are read one behind the other", "[data][io]") {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& bytes) {
    write_atomically(folder / name, [&](const Sink& sink) { sink(bytes); });
    return folder / name;
  };
  const PictureSet set = read_cifar10({write("data_batch_1.bin", record(9, 1, 2, 3) + record(0, 4, 5, 6)),
                                       write("data_batch_2.bin", record(3, 0, 51, -1))});
  REQUIRE(set.size() == 3);
  CHECK(set.labels == std::vector<std::int64_t>{9, 0, 3});
  CHECK(set.classes[static_cast<std::size_t>(set.labels[2])] == "cat");
  const PictureSet::Batch batch = set.batch();
  REQUIRE(batch.x.shape() == Shape{3, 3, 32, 32});
  const std::vector<float> x = batch.x.to_vector<float>();
  CHECK(x[2 * 3072] == 0);
  CHECK(x[2 * 3072 + 1024] == 0.2f);
  CHECK(x[2 * 3072 + 3071] == 1);
  CHECK(x[3072 + 1023] == 4 / 255.0f);
}

TEST_CASE("a CIFAR-10 file that is not right is refused with the reason", "[data][io][error]") {
  const auto refusal = [](const std::string& bytes) {
    return message_of([&] { parse_cifar10(bytes, "x.bin"); });
  };
  const std::string good = record(1, 2, 3, 4);
  CHECK(refusal("") ==
        "[cifar10] x.bin has 0 bytes, no whole number of records of 3073. Was it cut short, or is it the "
        "archive?");
  CHECK(refusal(good + good.substr(1)).find("x.bin has 6145 bytes, no whole number") != std::string::npos);
  CHECK(refusal(good + "x").find("x.bin has 3074 bytes") != std::string::npos);
  CHECK(refusal(good + record(10, 0, 0, 0)) ==
        "[cifar10] x.bin: the label of picture 1 is 10, and there are 10 classes. Is it another format?");
  CHECK(message_of([] { read_cifar10({}); }) == "[cifar10] no file is named. data_batch_1.bin?");
}
