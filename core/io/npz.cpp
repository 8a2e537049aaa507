#include <gradus/core/io/npz.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include <gradus/core/io/bytes.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/core/io/npy.h>
#include <gradus/core/kernels/copy.h>

namespace gradus {
namespace {

constexpr std::uint32_t local_mark = 0x04034b50, directory_mark = 0x02014b50, end_mark = 0x06054b50,
                        end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::size_t end_size = 22, end64_size = 56, locator_size = 20;
constexpr std::uint32_t in_zip64 = 0xffffffff;  // stands for a number in the field of the same name behind it
constexpr std::uint16_t is_utf8 = 0x800;        // a flag: the name is
constexpr std::string_view suffix = ".npy";

// CRC-32, polynomial 0x04c11db7 with its bits reversed.
constexpr auto crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? 0xedb88320u : 0);
    table[byte] = rest;
  }
  return table;
}();

std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) {
  std::uint32_t rest = ~before;
  for (const char c : bytes) rest = rest >> 8 ^ crc_table[(rest ^ static_cast<unsigned char>(c)) & 0xff];
  return ~rest;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Numbers and pieces of an archive, one behind the other.
class Cursor {
 public:
  Cursor(std::string_view bytes, std::uint64_t at, const std::string& what)
      : bytes_(bytes), at_(at), what_(what) {
    check(at <= bytes.size(), "load", what, " would begin behind the end of the file. Was it cut short?");
  }
  std::string_view take(std::uint64_t size) {
    check(size <= bytes_.size() - at_, "load", what_, " ends behind the end of the file. Was it cut short?");
    const std::string_view piece = bytes_.substr(at_, size);
    at_ += size;
    return piece;
  }
  template <class T>
  T take() {
    return number_at<T>(take(sizeof(T)), 0);
  }
  template <class T>
  void expect(T wanted) {
    const T found = take<T>();
    check(found == wanted, "load", what_, " has ", found, " at byte ", at_ - sizeof(T),
          " of the file, where ", wanted, " should be. Is the file damaged?");
  }
  std::uint64_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::uint64_t at_;
  const std::string what_;
};

// What the directory and the header before a member both say.
struct Member {
  std::uint16_t flags, method;
  std::uint32_t crc;
  std::uint64_t stored_size, size;
  std::string_view name;
  friend bool operator==(const Member&, const Member&) = default;
};

// Replaces numbers that did not fit their fields, in this order, by those of the zip64 field.
void widen(std::string_view extra, std::initializer_list<std::uint64_t*> numbers, const std::string& what) {
  Cursor fields(extra, 0, what);
  while (fields.at() < extra.size()) {
    const auto kind = fields.take<std::uint16_t>();
    const std::string_view field = fields.take(fields.take<std::uint16_t>());
    if (kind != 1) continue;
    Cursor wide(field, 0, what);
    for (std::uint64_t* const number : numbers)
      if (*number == in_zip64) *number = wide.take<std::uint64_t>();
  }
}

// The part of a header that both kinds have; what follows differs.
Member common_part(Cursor& header) {
  Member member{};
  header.take<std::uint16_t>();  // the version of zip that is needed
  member.flags = header.take<std::uint16_t>();
  member.method = header.take<std::uint16_t>();
  header.take<std::uint32_t>();  // time and date
  member.crc = header.take<std::uint32_t>();
  member.stored_size = header.take<std::uint32_t>();
  member.size = header.take<std::uint32_t>();
  return member;
}

void check_readable(const Member& member, const std::string& what) {
  check((member.flags & 1) == 0, "load", what, " is encrypted. Save it without a password?");
  check((member.flags & 8) == 0, "load", what,
        " has its sizes behind it, as when it was written to a pipe. Save to a file?");
  check((member.flags & ~is_utf8) == 0, "load", what, " has unknown flags ", member.flags,
        ". Save with np.savez?");
  check(member.method != 8, "load", what, " is deflated, as by np.savez_compressed. Save with np.savez?");
  check(member.method == 0, "load", what, " is packed by method ", member.method, ". Save with np.savez?");
  check(member.stored_size == member.size, "load", what, " has two sizes, ", member.stored_size, " and ",
        member.size, ". Is the file damaged?");
  check(is_ascii(member.name) ||
            (member.flags & is_utf8 && valid_utf8_prefix(member.name) == member.name.size()),
        "load", what, " has a name that is not UTF-8. Rename it?");
  check(member.name.ends_with(suffix), "load", what, " is not an .npy file. Take it out?");
}

struct Directory {
  std::uint64_t count, size, begin;
};

// The record at the very end says where the directory is; if its fields are too small, one before it does.
Directory directory_of(std::string_view bytes, const std::string& name) {
  check(bytes.size() >= end_size && number_at<std::uint32_t>(bytes, bytes.size() - end_size) == end_mark,
        "load", name, " does not end as an .npz file does. Was it cut short, or is it another format?");
  std::uint64_t end = bytes.size() - end_size;
  Cursor record(bytes, end + 4, name);
  record.expect<std::uint32_t>(0);  // of one disk, this is the first
  Directory found{};
  found.count = record.take<std::uint16_t>();
  record.expect(static_cast<std::uint16_t>(found.count));
  found.size = record.take<std::uint32_t>();
  found.begin = record.take<std::uint32_t>();
  record.expect<std::uint16_t>(0);  // no comment
  if (end >= end64_size + locator_size &&
      number_at<std::uint32_t>(bytes, end - locator_size) == locator_mark) {
    Cursor locator(bytes, end - locator_size + 4, name);
    end -= end64_size + locator_size;
    locator.expect<std::uint32_t>(0);
    locator.expect<std::uint64_t>(end);
    locator.expect<std::uint32_t>(1);  // disk
    Cursor record64(bytes, end, name);
    record64.expect(end64_mark);
    record64.expect<std::uint64_t>(end64_size - 12);
    record64.take(4);  // versions
    record64.expect<std::uint64_t>(0);
    found.count = record64.take<std::uint64_t>();
    record64.expect(found.count);
    found.size = record64.take<std::uint64_t>();
    found.begin = record64.take<std::uint64_t>();
  }
  check(found.begin <= end && found.size == end - found.begin, "load", name, ": its directory of ",
        found.size, " bytes at byte ", found.begin, " does not end where its end record begins, at ", end,
        ". Is the file damaged?");
  return found;
}

std::string named(const std::string& name, std::string_view member) {
  return name + ": member " +
         (valid_utf8_prefix(member) == member.size() ? format_json(std::string(member))
                                                     : "of a strange name");
}

void write(const std::vector<NamedTensor>& tensors, const Sink& sink) {
  std::set<std::string> names;
  std::string directory;
  std::uint64_t at = 0;
  for (const auto& [tensor_name, value] : tensors) {
    const std::string name = tensor_name + std::string(suffix);
    check(names.insert(name).second, "save", "two tensors are called ", tensor_name, ". Rename one?");
    check(valid_utf8_prefix(name) == name.size() && name.size() < 0x10000, "save",
          "the name of a tensor is not UTF-8, or longer than zip allows. Rename it?");
    const Tensor rows = kernels::contiguous(value);
    const std::string header = npy_header(rows.shape(), rows.dtype());
    const std::uint64_t size = header.size() + static_cast<std::uint64_t>(rows.bytes());
    check(at + size + directory.size() + 4 * name.size() < in_zip64 - 1000 && names.size() < 0xffff, "save",
          "an .npz file is written up to 4 GiB and 65534 tensors. Use safetensors?");

    std::string common;                                                  // to both headers
    append_number<std::uint16_t>(common, 20);                            // version 2.0
    append_number<std::uint16_t>(common, is_ascii(name) ? 0 : is_utf8);  // flags
    append_number<std::uint16_t>(common, 0);                             // stored
    append_number<std::uint32_t>(common, 0x00210000);                    // midnight, 1980-01-01
    append_number<std::uint32_t>(common, crc32(bytes_of(rows), crc32(header)));
    append_number<std::uint32_t>(common, static_cast<std::uint32_t>(size));
    append_number<std::uint32_t>(common, static_cast<std::uint32_t>(size));
    append_number<std::uint16_t>(common, static_cast<std::uint16_t>(name.size()));
    append_number<std::uint16_t>(common, 0);  // nothing extra

    append_number(directory, directory_mark);
    append_number<std::uint16_t>(directory, 3 << 8 | 20);  // made on Unix
    directory += common;
    directory.append(6, '\0');                             // no comment, disk 0
    append_number<std::uint32_t>(directory, 0600u << 16);  // rw-------
    append_number<std::uint32_t>(directory, static_cast<std::uint32_t>(at));
    directory += name;

    std::string local;
    append_number(local, local_mark);
    local += common + name + header;
    sink(local);
    sink(bytes_of(rows));
    at += local.size() + static_cast<std::uint64_t>(rows.bytes());
  }
  const auto count = static_cast<std::uint16_t>(tensors.size());
  std::string end;
  append_number(end, end_mark);
  append_number<std::uint32_t>(end, 0);  // disks
  append_number(end, count);
  append_number(end, count);
  append_number<std::uint32_t>(end, static_cast<std::uint32_t>(directory.size()));
  append_number<std::uint32_t>(end, static_cast<std::uint32_t>(at));
  append_number<std::uint16_t>(end, 0);  // no comment
  sink(directory);
  sink(end);
}

}  // namespace

std::vector<NamedTensor> parse_npz(std::string_view bytes, const std::string& name) {
  const Directory directory = directory_of(bytes, name);
  const std::string_view before_end = bytes.substr(0, directory.begin + directory.size);
  Cursor entries(before_end, directory.begin, name + ": its directory");
  std::vector<NamedTensor> out;
  std::set<std::string_view> names;
  std::uint64_t at = 0;  // where the next member begins
  for (std::uint64_t i = 0; i < directory.count; ++i) {
    entries.expect(directory_mark);
    entries.take(2);  // made by
    Member member = common_part(entries);
    const auto name_size = entries.take<std::uint16_t>(), extra_size = entries.take<std::uint16_t>(),
               comment_size = entries.take<std::uint16_t>();
    entries.take(8);  // disk and attributes
    std::uint64_t begin = entries.take<std::uint32_t>();
    member.name = entries.take(name_size);
    const std::string what = named(name, member.name);
    widen(entries.take(extra_size), {&member.size, &member.stored_size, &begin}, what);
    entries.take(comment_size);
    check_readable(member, what);
    check(names.insert(member.name).second, "load", what, " comes twice. Is the file damaged?");
    check(begin == at, "load", what, " begins at byte ", begin, ", not where the one before ends, at ", at,
          ". Save with np.savez?");

    Cursor local(bytes.substr(0, directory.begin), begin, what);
    local.expect(local_mark);
    Member same = common_part(local);
    const auto same_name_size = local.take<std::uint16_t>(), same_extra_size = local.take<std::uint16_t>();
    same.name = local.take(same_name_size);
    widen(local.take(same_extra_size), {&same.size, &same.stored_size}, what);
    check(same == member, "load", what, " is described in two ways, by the directory and before it. ",
          "Is the file damaged?");
    const std::string_view content = local.take(member.size);
    check(crc32(content) == member.crc, "load", what, " does not have the checksum that was saved with it. ",
          "Is the file damaged?");
    at = local.at();
    out.push_back(
        {std::string(member.name.substr(0, member.name.size() - suffix.size())), parse_npy(content, what)});
  }
  check(at == directory.begin && entries.at() == before_end.size(), "load", name,
        ": there is more in it than its directory tells. Is the file damaged?");
  return out;
}

std::string format_npz(const std::vector<NamedTensor>& tensors) {
  std::string out;
  write(tensors, [&](std::string_view bytes) { out += bytes; });
  return out;
}

std::vector<NamedTensor> read_npz(const std::string& path) { return parse_npz(read_file(path), path); }

void write_npz(const std::string& path, const std::vector<NamedTensor>& tensors) {
  write_atomically(path, [&](const Sink& sink) { write(tensors, sink); });
}

}  // namespace gradus
