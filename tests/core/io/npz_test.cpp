#include <gradus/core/io/npz.h>

#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/npy.h>

#include <limits>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;
using gradus::test::TemporaryFolder;

namespace {

const std::string golden = GRADUS_SOURCE_DIR "/tests/core/io/golden/";

// What golden/make_npy.py says is in plain.npz and savez.npz.
std::vector<NamedTensor> arrays() {
  const Tensor many = arange(256, f64);
  return {{"f4", tensor({{0, 1, 2}, {3, 4, 0.1}})},
          {"f8", tensor(0.1, f64)},
          {"i8", from_vector<std::int64_t>({-1, 9007199254740993, std::numeric_limits<std::int64_t>::min()})},
          {"b1", from_vector<bool>({true, false, false, true}, {2, 2})},
          {"empty", zeros({0, 4})},
          {"many", many.window(Shape(8, 2), contiguous_strides(Shape(8, 2)), 0)},
          {"größe.weight", tensor({std::numeric_limits<double>::infinity(), -0.0})}};
}

bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const NamedTensor& x, const NamedTensor& y) {
    return x.name == y.name && equal(x.value, y.value);
  });
}

// Places in an archive of the one array x: its header, and its entry in the directory.
struct Places {
  std::size_t local = 0, flags = 6, method = 8, crc = 14, size = 22, name = 30, content = 35;
};
const std::string archive = format_npz({{"x", zeros({2})}});
const std::size_t end = archive.size() - 22, entry = end - 51;

std::string with(std::initializer_list<std::pair<std::size_t, char>> changes) {
  std::string bytes = archive;
  for (const auto& [at, byte] : changes) bytes.at(at) = byte;
  return bytes;
}

std::string refusal(const std::string& bytes) {
  return message_of([&] { parse_npz(bytes, "x.npz"); });
}

}  // namespace

TEST_CASE("npz archives that NumPy wrote are read, with zip64 and without", "[io]") {
  CHECK(same(read_npz(golden + "savez.npz"), arrays()));
  CHECK(same(read_npz(golden + "plain.npz"), arrays()));
  CHECK(same(read_npz(golden + "zip64.npz"), {arrays()[0], arrays()[2]}));
}

TEST_CASE("npz archives are written byte for byte as Python's zipfile and NumPy write them", "[io]") {
  const TemporaryFolder folder;
  write_npz(folder / "x.npz", arrays());
  CHECK(read_file(folder / "x.npz") == read_file(golden + "plain.npz"));
  CHECK(parse_npz(format_npz({})).empty());
}

TEST_CASE("npy files are written byte for byte as NumPy writes them", "[io]") {
  const std::string plain = read_file(golden + "plain.npz");
  for (const NamedTensor& array : arrays()) CHECK(plain.find(format_npy(array.value)) != std::string::npos);
}

TEST_CASE("what np.savez_compressed wrote is refused by name", "[io][error]") {
  CHECK(message_of([] { parse_npz(read_file(golden + "compressed.npz"), "x.npz"); }) ==
        "[load] x.npz: member \"f4.npy\" is deflated, as by np.savez_compressed. Save with np.savez?");
}

TEST_CASE("an npz archive that is not right is refused with the reason", "[io][error]") {
  const std::string no_end =
      "[load] x.npz does not end as an .npz file does. Was it cut short, or is it another format?";
  CHECK(refusal("") == no_end);
  CHECK(refusal(archive + "x") == no_end);
  CHECK(refusal(archive.substr(0, archive.size() - 1)) == no_end);
  CHECK(refusal(archive.substr(0, end)) == no_end);
  CHECK(refusal(with({{archive.size() - 2, '\1'}})) ==
        "[load] x.npz has 1 at byte " + std::to_string(archive.size() - 2) +
            " of the file, where 0 should be. Is the file damaged?");
  CHECK(
      refusal(archive.substr(1)) ==
      "[load] x.npz: its directory of 51 bytes at byte 171 does not end where its end record begins, at 221. "
      "Is the file damaged?");
  CHECK(refusal(with({{end + 8, '\2'}, {end + 10, '\2'}})) ==
        "[load] x.npz: its directory ends behind the end of the file. Was it cut short?");
  CHECK(refusal(with({{end + 8, '\0'}, {end + 10, '\0'}})) ==
        "[load] x.npz: there is more in it than its directory tells. Is the file damaged?");
  CHECK(refusal(with({{end + 8, '\2'}})).starts_with("[load] x.npz has 1 at byte "));
  CHECK(refusal(with({{entry, 'Q'}})).starts_with("[load] x.npz: its directory has 33639249 at byte "));
}

TEST_CASE("a member of an npz archive that is not right is refused by its name", "[io][error]") {
  const Places at;
  const std::size_t flags = entry + 8, method = entry + 10, size = entry + 20, begin = entry + 42,
                    name = entry + 46;
  const std::string member = "[load] x.npz: member \"x.npy\"";
  const std::string differs =
      member + " is described in two ways, by the directory and before it. Is the file damaged?";
  CHECK(refusal(with({{at.content + 130, '\1'}})) ==
        member + " does not have the checksum that was saved with it. Is the file damaged?");
  CHECK(refusal(with({{at.flags, '\1'}, {flags, '\1'}})) ==
        member + " is encrypted. Save it without a password?");
  CHECK(refusal(with({{at.flags, '\x8'}, {flags, '\x8'}})) ==
        member + " has its sizes behind it, as when it was written to a pipe. Save to a file?");
  CHECK(refusal(with({{flags, '\2'}})) == member + " has unknown flags 2. Save with np.savez?");
  CHECK(refusal(with({{method, '\xe'}})) == member + " is packed by method 14. Save with np.savez?");
  CHECK(refusal(with({{size, '\0'}})) == member + " has two sizes, 0 and 136. Is the file damaged?");
  CHECK(refusal(with({{begin, '\1'}})) ==
        member + " begins at byte 1, not where the one before ends, at 0. Save with np.savez?");
  CHECK(
      refusal(with({{name, 'y'}})) ==
      "[load] x.npz: member \"y.npy\" is described in two ways, by the directory and before it. Is the file "
      "damaged?");
  CHECK(refusal(with({{name + 4, 'x'}})) ==
        "[load] x.npz: member \"x.npx\" is not an .npy file. Take it out?");
  CHECK(refusal(with({{name, '\xff'}})) ==
        "[load] x.npz: member of a strange name has a name that is not UTF-8. Rename it?");
  for (const std::size_t place : {at.flags, at.method, at.crc, at.size, at.name})
    CHECK(refusal(with({{place, '\7'}})) == differs);
  CHECK(refusal(with({{at.local, 'Q'}})).starts_with(member + " has 67324753 at byte 0 of the file"));
  // More than is there.
  CHECK(refusal(with({{size + 1, '\1'}, {size + 5, '\1'}, {at.size - 3, '\1'}, {at.size + 1, '\1'}})) ==
        member + " ends behind the end of the file. Was it cut short?");

  const std::string twice = format_npz({{"x", zeros({2})}, {"y", zeros({2})}});
  std::string renamed = twice;
  for (std::size_t place; (place = renamed.find("y.npy")) != std::string::npos;) renamed[place] = 'x';
  CHECK(refusal(renamed) == member + " comes twice. Is the file damaged?");
}

TEST_CASE("an npz archive cut or changed anywhere is refused, or reads the same", "[io][error]") {
  const std::string whole = read_file(golden + "zip64.npz");
  const std::vector<NamedTensor> expected = parse_npz(whole);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS_AS(parse_npz(std::string_view(whole).substr(0, size)), Error);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    std::vector<NamedTensor> read = expected;
    try {
      read = parse_npz(changed);
    } catch (const Error&) {
    }
    CHECK(same(read, expected));  // dates, attributes and versions say nothing
  }
}

TEST_CASE("tensors that npz cannot name are refused", "[io][error]") {
  CHECK(message_of([] {
          format_npz({{"x", zeros({1})}, {"x", zeros({1})}});
        }) == "[save] two tensors are called x. Rename one?");
  CHECK(message_of([] {
          format_npz({{"\xff", zeros({1})}});
        }) == "[save] the name of a tensor is not UTF-8, or longer than zip allows. Rename it?");
}
