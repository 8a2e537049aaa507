#include <gradus/core/io/npy.h>

#include <gradus/core/create.h>
#include <gradus/core/io/file.h>

#include <limits>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/core/io/golden/";

// A file of version 1.0 with this header and so many bytes of ones.
std::string with_header(const std::string& header, std::size_t elements = 8) {
  std::string bytes("\x93NUMPY\1\0", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + std::string(elements, '\1');
}

}  // namespace

TEST_CASE("npy files that NumPy wrote are read, in all versions and in both orders", "[io]") {
  Tensor count = arange(24, f64);
  CHECK(equal(read_npy(golden + "columns.npy"), count.window({2, 3, 4}, {12, 4, 1}, 0)));
  const Tensor ids =
      from_vector<std::int64_t>({-1, 9007199254740993, std::numeric_limits<std::int64_t>::min()});
  CHECK(equal(read_npy(golden + "version2.npy"), ids));
  CHECK(equal(read_npy(golden + "version3.npy"), from_vector<bool>({true, false, false, true}, {2, 2})));
}

TEST_CASE("an npy header is what Python would read, however it is spaced and quoted", "[io]") {
  const Tensor expected = from_vector<bool>(std::vector<bool>(8, true), {8});
  for (const std::string header : {"{'descr': '|b1', 'fortran_order': False, 'shape': (8,), }    \n",
                                   "{\"shape\":(8,),\"descr\":\"|b1\",\"fortran_order\":False}",
                                   " { 'fortran_order' : True , 'shape' : ( 8 , ) , 'descr' : '|b1' }\n\n"})
    CHECK(equal(parse_npy(with_header(header)), expected));
  const std::string rest = ", 'descr': '|b1', 'fortran_order': True}";
  CHECK(parse_npy(with_header("{'shape': ()" + rest, 1)).shape() == Shape{});
  CHECK(parse_npy(with_header("{'shape': (2, 4)" + rest)).shape() == Shape{2, 4});
  CHECK(parse_npy(with_header("{'shape': (2, 4,)" + rest)).shape() == Shape{2, 4});
  CHECK(parse_npy(with_header("{'shape': (0, 4)" + rest, 0)).shape() == Shape{0, 4});
}

TEST_CASE("a tensor that is no npy is written row by row, and read back to the bit", "[io]") {
  const TemporaryFolder folder;
  Generator generator(3);
  const Tensor x = randn({3, 5}, f64, generator);
  for (const DType dtype : {f32, f64, i64, boolean})
    for (const Tensor& view : {x, x.t(), x.select(0, 1), x.slice(1, 0, 5, 2), x.slice(0, 1, 1)}) {
      const Tensor value = view.to(dtype);
      write_npy(folder / "x.npy", value);
      CHECK(equal(read_npy(folder / "x.npy"), value));
      CHECK(read_file(folder / "x.npy") == format_npy(value));
    }
}

TEST_CASE("an npy file that is not right is refused with the reason", "[io][error]") {
  const auto refusal = [](const std::string& bytes) {
    return message_of([&] { parse_npy(bytes, "x.npy"); });
  };
  const std::string good = format_npy(zeros({2}));
  CHECK(refusal("") == "[load] x.npy does not begin as an .npy file does. Is it another format?");
  CHECK(refusal("NUMPY file") == "[load] x.npy does not begin as an .npy file does. Is it another format?");
  std::string version = good;
  version[6] = '\4';
  CHECK(refusal(version) ==
        "[load] x.npy is of version 4.0 of .npy; read are 1.0, 2.0 and 3.0. Save it again?");
  CHECK(refusal(std::string("\x93NUMPY\2\0\0\0", 10)) ==
        "[load] x.npy ends inside its header. Was it cut short?");
  CHECK(refusal(good.substr(0, 127)) == "[load] x.npy ends inside its header. Was it cut short?");
  CHECK(refusal(good.substr(0, 135)) ==
        "[load] x.npy has 7 bytes, but shape (2,) of f32 takes 8. Is the file damaged?");
  CHECK(refusal(good + "x") ==
        "[load] x.npy has 9 bytes, but shape (2,) of f32 takes 8. Is the file damaged?");

  const auto of_elements = [&](const std::string& descr) {
    return refusal(with_header("{'descr': " + descr + ", 'fortran_order': False, 'shape': (8,)}"));
  };
  for (const std::string descr : {">f4", "<f2", "|i1", "<c8", "|O", "<U3", ""})
    CHECK(of_elements("'" + descr + "'") ==
          "[load] x.npy has elements of '" + descr +
              "'; read are '<f4', '<f8', '<i8' and '|b1'. Convert with astype before saving?");
  CHECK(of_elements("[('a', '<f4')]") ==
        "[load] x.npy: the header is not as NumPy writes it, seen at its byte 10. Is the file damaged?");

  const auto of_shape = [&](const std::string& shape) {
    return refusal(with_header("{'descr': '|b1', 'fortran_order': True, 'shape': " + shape + "}"));
  };
  for (const std::string shape :
       {"8", "(8)", "[8]", "(8,", "(8 8)", "(,)", "(8.0,)", "(8L,)", "(99999999999999999999,)"})
    CHECK(
        of_shape(shape).starts_with("[load] x.npy: the header is not as NumPy writes it, seen at its byte "));
  CHECK(of_shape("(-8,)") == "[load] x.npy has a size below 0: (-8,). Is the file damaged?");
  CHECK(of_shape("(1, 1, 1, 1, 1, 1, 1, 1, 8)") ==
        "[load] x.npy has 9 axes; a tensor has at most 8. Join some before saving?");
  CHECK(of_shape("(4294967296, 4294967296)") ==
        "[load] x.npy has shape (4294967296, 4294967296), which spans more than 2^63 bytes. Is the file "
        "damaged?");

  const std::string keys[] = {"'descr': '|b1', ", "'fortran_order': False, ", "'shape': (8,), "};
  const std::string damaged = "[load] x.npy: the header is not as NumPy writes it, seen at its byte ";
  CHECK(refusal(with_header("{" + keys[0] + keys[1] + "}")).starts_with(damaged));
  CHECK(refusal(with_header("{" + keys[0] + keys[2] + "}")).starts_with(damaged));
  CHECK(refusal(with_header("{" + keys[1] + keys[2] + "}")).starts_with(damaged));
  CHECK(refusal(with_header("{" + keys[0] + keys[1] + keys[2] + keys[0] + "}")).starts_with(damaged));
  CHECK(refusal(with_header("{" + keys[0] + keys[1] + keys[2] + "'more': 1}")).starts_with(damaged));
  CHECK(refusal(with_header("{" + keys[0] + keys[1] + keys[2] + "} more")).starts_with(damaged));
  CHECK(refusal(with_header("{'descr")).starts_with(damaged));
  CHECK(refusal(with_header("{'descr': '|b1', 'fortran_order': 1, 'shape': (8,)}")).starts_with(damaged));
}
