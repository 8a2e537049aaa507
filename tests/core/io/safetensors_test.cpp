#include <gradus/core/io/safetensors.h>

#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/half.h>
#include <gradus/core/io/json.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/core/io/golden/";

// What golden/make_safetensors.py says is in mixed.safetensors, by name.
std::vector<NamedTensor> mixed() {
  return {
      {"empty", zeros({0, 4})},
      {"fc.bias", tensor({1.5, -0.25})},
      {"fc.weight", tensor({{0, 1, 2}, {3, 4, 5}})},
      {"größe \"1\"\n", tensor({std::numeric_limits<double>::infinity()})},
      {"ids", from_vector<std::int64_t>({-1, 9007199254740993, std::numeric_limits<std::int64_t>::min()})},
      {"mask", from_vector<bool>({true, false, false, true}, {2, 2})},
      {"scalar", tensor(0.1, f64)}};
}

bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && equal(x.value, y.value);
  });
}

std::string with_header(const std::string& header, std::size_t data) {
  const std::uint64_t size = header.size();
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes + header + std::string(data, '\1');
}

}  // namespace

TEST_CASE("a safetensors file of another program's making is read as it was meant", "[io]") {
  const Safetensors read = read_safetensors(golden + "mixed.safetensors");
  CHECK(same(read.tensors, mixed()));
  CHECK(read.metadata == Metadata{{"format", "pt"}, {"note", "naïve"}});

  const Safetensors loose = read_safetensors(golden + "loose.safetensors");
  CHECK(same(loose.tensors, {{"a", tensor({1}, boolean)}, {"b", tensor({7, 8})}}));
  CHECK(loose.metadata.empty());
}

TEST_CASE("16-bit floats are read as f32", "[io]") {
  const Safetensors read = read_safetensors(golden + "half.safetensors");
  REQUIRE(read.tensors.size() == 2);
  CHECK(read.tensors[0].value.shape() == Shape{256});
  CHECK(read.tensors[1].value.shape() == Shape{2, 128});
  const std::vector<float> bf16 = read.tensors[0].value.to_vector<float>();
  const std::vector<float> f16 = read.tensors[1].value.to_vector<float>();
  for (std::size_t i = 0; i < 256; ++i) {
    const auto bits = static_cast<std::uint16_t>(257 * i);
    const float as_bf16 = f32_from_bf16(bits), as_f16 = f32_from_f16(bits);
    CHECK((bf16[i] == as_bf16 || (std::isnan(bf16[i]) && std::isnan(as_bf16))));
    CHECK((f16[i] == as_f16 || (std::isnan(f16[i]) && std::isnan(as_f16))));
  }
}

TEST_CASE("safetensors are written byte for byte as another program lays them out, whatever their order",
          "[io]") {
  const TemporaryFolder folder;
  std::vector<NamedTensor> tensors = mixed();
  std::reverse(tensors.begin(), tensors.end());
  write_safetensors(folder / "x", tensors, {{"format", "pt"}, {"note", "naïve"}});
  CHECK(read_file(folder / "x") == read_file(golden + "mixed.safetensors"));
}

TEST_CASE("what is written as safetensors is read back, and written again as the same bytes", "[io]") {
  Generator generator(7);
  const auto size = [&](std::int64_t below) {
    return static_cast<std::int64_t>(randint(0, below, {}, generator).item());
  };
  for (int round = 0; round < 50; ++round) {
    std::vector<NamedTensor> tensors;
    for (std::int64_t count = size(6); count > 0; --count) {
      Shape shape;
      for (std::int64_t rank = size(5); rank > 0; --rank) shape.push_back(size(4));
      const Tensor x = randn(shape, f64, generator);
      const DType dtypes[] = {f32, f64, i64, boolean};
      Tensor value = x.to(dtypes[size(4)]);
      if (shape.rank() >= 2) value = value.t();  // strides that are not the shape's
      tensors.push_back({"tensor " + std::to_string(100 - count), value});
    }
    const std::string bytes = format_safetensors(tensors, {{"round", std::to_string(round)}});
    const Safetensors read = parse_safetensors(bytes);
    CHECK(same(read.tensors, tensors));
    CHECK(read.metadata == Metadata{{"round", std::to_string(round)}});
    CHECK(format_safetensors(read.tensors, read.metadata) == bytes);
  }
  CHECK(parse_safetensors(format_safetensors({})).tensors.empty());
}

TEST_CASE("NaNs keep their bits in safetensors", "[io]") {
  std::vector<float> values = {std::nanf("1"), -std::nanf("2"), -0.0f};
  const Tensor read = parse_safetensors(format_safetensors({{"x", from_vector(values)}})).tensors.at(0).value;
  CHECK(std::memcmp(read.data<float>(), values.data(), 12) == 0);
}

TEST_CASE("a safetensors file that is not right is refused with the reason", "[io][error]") {
  const auto refusal = [](const std::string& bytes) {
    return message_of([&] { parse_safetensors(bytes, "x.st"); });
  };
  CHECK(refusal("1234567") ==
        "[load] x.st has 7 bytes; a safetensors file has at least 8. Was it cut short?");
  CHECK(refusal(std::string(8, '\xff')) ==
        "[load] x.st: a header of 18446744073709551615 bytes is longer than the 10^8 that safetensors "
        "allows. Is it "
        "another format?");
  CHECK(refusal(with_header("{}", 0).substr(0, 9)) ==
        "[load] x.st: the header has 2 bytes, the file only 1 more. Was it cut short?");
  CHECK(refusal(with_header("", 0)) ==
        "[load] x.st: the header does not begin with '{'. Is it another format?");
  CHECK(refusal(with_header(" {}", 0)) ==
        "[load] x.st: the header does not begin with '{'. Is it another format?");
  CHECK(refusal(with_header("{} x", 0)) ==
        "[json] x.st: the header: byte 3 comes after the end. Remove the rest?");
  CHECK(refusal(with_header("{\"a\":{},\"a\":{}}", 0)) ==
        "[json] x.st: the header: byte 8 begins the key \"a\" for the second time. Keep one of them?");
  CHECK(refusal(with_header("{\"a\xff\":{}}", 0)) ==
        "[json] x.st: the header: byte 3 is not UTF-8. Save the text as that?");
  CHECK(refusal(with_header("{}", 1)) ==
        "[load] x.st: the tensors end at byte 0 of the data, which has 1. Was something appended?");
  CHECK(refusal(with_header("{\"__metadata__\":{\"epoch\":3}}", 0)) ==
        "[load] x.st: __metadata__: a value is an integer, not text. Is it the right one?");
  CHECK(refusal(with_header("{\"__metadata__\":null}", 0)) ==
        "[load] x.st: __metadata__: a value is null, not an object. Is it the right one?");
}

TEST_CASE("a tensor of a safetensors file that is not right is refused by its name", "[io][error]") {
  // The message behind the name, of a file of 8 bytes of ones in which tensor w is so described.
  const auto refusal = [](const std::string& fields) {
    const std::string message =
        message_of([&] { parse_safetensors(with_header("{\"w\":{" + fields + "}}", 8), "x.st"); });
    const std::string begin = "[load] x.st: tensor \"w\"";
    return message.starts_with(begin) ? message.substr(begin.size() + 1) : "not by its name: " + message;
  };
  const auto described = [&](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return refusal("\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets);
  };
  // Fields.
  CHECK(refusal("\"dtype\":\"F32\",\"shape\":[2]") ==
        " an object has no \"data_offsets\". Is the name right?");
  CHECK(refusal("\"dtype\":\"F32\",\"data_offsets\":[0,8]") ==
        " an object has no \"shape\". Is the name right?");
  CHECK(refusal("\"shape\":[2],\"data_offsets\":[0,8]") == " an object has no \"dtype\". Is the name right?");
  CHECK(refusal("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"strides\":[1]") ==
        " a tensor has no field \"strides\". Is the file damaged?");
  // dtypes.
  CHECK(described("\"I32\"", "[2]", "[0,8]") ==
        " it has dtype \"I32\"; read are F32, F64, I64, BOOL, F16 and BF16. Convert it before saving?");
  CHECK(described("\"f32\"", "[2]", "[0,8]") ==
        " it has dtype \"f32\"; read are F32, F64, I64, BOOL, F16 and BF16. Convert it before saving?");
  CHECK(described("4", "[2]", "[0,8]") == " a value is an integer, not text. Is it the right one?");

  // Shapes.
  CHECK(described("\"F32\"", "2", "[0,8]") == " a value is an integer, not an array. Is it the right one?");
  CHECK(described("\"F32\"", "[2.0]", "[0,8]") ==
        " a value is a fraction, not an integer. Is it the right one?");
  CHECK(described("\"F32\"", "[-2]", "[0,8]") == " it has a size below 0: (-2,). Is the file damaged?");
  CHECK(described("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]") ==
        " it has 9 axes; a tensor has at most 8. Join some before saving?");
  CHECK(described("\"F32\"", "[4294967296,4294967296]", "[0,8]") ==
        " it has shape (4294967296, 4294967296), which spans more than 2^63 bytes. Is the file damaged?");
  CHECK(described("\"F32\"", "[0,4294967296,4294967296]", "[0,8]") ==
        " it has shape (0, 4294967296, 4294967296), which spans more than 2^63 bytes. Is the file damaged?");
  CHECK(described("\"F32\"", "[3]", "[0,8]") ==
        "has 8 bytes, but shape (3,) of f32 takes 12. Is the file damaged?");
  CHECK(described("\"F32\"", "[1000000000000]", "[0,8]") ==
        "has 8 bytes, but shape (1000000000000,) of f32 takes 4000000000000. Is the file damaged?");
  CHECK(described("\"BF16\"", "[3]", "[0,8]") ==
        "has 8 bytes, but shape (3,) of BF16 takes 6. Is the file damaged?");
  // Offsets.
  CHECK(described("\"F32\"", "[2]", "[0,8,8]") ==
        " data_offsets are a beginning and an end, not 3 numbers. Is the file damaged?");
  CHECK(described("\"F32\"", "[2]", "[-4,4]") == " data_offsets [-4, 4] are no range. Is the file damaged?");
  CHECK(described("\"F32\"", "[2]", "[8,0]") == " data_offsets [8, 0] are no range. Is the file damaged?");
  CHECK(described("\"F32\"", "[1]", "[4,8]") ==
        "begins at byte 4 of the data, behind a hole that begins at 0. Is the file damaged?");
  CHECK(described("\"F32\"", "[3]", "[0,12]") ==
        "ends at byte 12 of the data, which has 8. Was the file cut short?");
  CHECK(described("\"F32\"", "[1]", "[0,4],\"shape\":[1]")
            .starts_with("not by its name: [json] x.st: the header: byte"));

  const std::string overlap =
      "{\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
      "\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}";
  CHECK(message_of([&] { parse_safetensors(with_header(overlap, 8)); }) ==
        "[load] the file: tensor \"w\" begins at byte 4 of the data, inside the one before, which ends at 8. "
        "Is the "
        "file damaged?");
  std::string two = with_header("{\"w\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3);
  two.back() = '\2';
  CHECK(message_of([&] { parse_safetensors(two); }) ==
        "[load] the file: tensor \"w\" has 2 for its boolean number 2; only 0 and 1 are. Was it saved as "
        "integers?");
}

TEST_CASE("tensors that safetensors cannot name are refused", "[io][error]") {
  const Tensor x = zeros({1});
  CHECK(message_of([&] {
          format_safetensors({{"x", x}, {"x", x.to(f64)}});
        }) == "[save] two tensors are called x. Rename one?");
  CHECK(message_of([&] {
          format_safetensors({{"__metadata__", x}});
        }) ==
        "[save] a tensor cannot be called __metadata__, as safetensors calls its metadata that. Rename it?");
  CHECK(message_of([&] {
          format_safetensors({{"\xc3", x}});
        }) == "[json] a text is not UTF-8 from its byte 0 on. Convert it?");
}

TEST_CASE("a safetensors file cut anywhere is refused", "[io][error]") {
  const std::string whole = read_file(golden + "mixed.safetensors");
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS_AS(parse_safetensors(std::string_view(whole).substr(0, size)), Error);
}
