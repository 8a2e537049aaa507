#include <gradus/core/io/safetensors.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include <gradus/core/io/bytes.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/half.h>
#include <gradus/core/io/json.h>
#include <gradus/core/kernels/copy.h>

namespace gradus {
namespace {

constexpr std::size_t max_header = 100'000'000;  // what the Python library reads
constexpr char metadata_key[] = "__metadata__";

// In the order in which the data is written: larger elements first, so that each tensor is aligned to its
// elements. The last two are only read.
struct Format {
  const char* name;
  DType dtype;
  std::size_t size;               // of an element in the file
  float (*widen)(std::uint16_t);  // for those that are read as something else
};
constexpr Format formats[] = {{"I64", i64, 8, nullptr},      {"F64", f64, 8, nullptr},
                              {"F32", f32, 4, nullptr},      {"BOOL", boolean, 1, nullptr},
                              {"F16", f32, 2, f32_from_f16}, {"BF16", f32, 2, f32_from_bf16}};

const Format& format_called(const std::string& name, const std::string& what) {
  for (const Format& format : formats)
    if (name == format.name) return format;
  fail("load", what, " has dtype ", format_json(name),
       "; read are F32, F64, I64, BOOL, F16 and BF16. Convert it before saving?");
}

const Format& format_of(DType dtype) {
  return *std::find_if(std::begin(formats), std::end(formats),
                       [&](const Format& format) { return format.dtype == dtype; });
}

// A tensor as the header describes it; `what` names it in errors.
struct Entry {
  std::string name, what;
  const Format* format;
  Shape shape;
  std::size_t begin, end;
};

// A value of the header, refused by the name of what it belongs to where it is of the wrong kind.
template <class F>
auto in_header(const std::string& what, const F& read) {
  try {
    return read();
  } catch (const Error& error) {
    const std::string_view message = error.what();
    fail("load", what, ": ", message.substr(message.find(' ') + 1));
  }
}

Entry entry_of(const std::string& name, const Json& json, const std::string& file) {
  const std::string what = file + ": tensor " + format_json(name);
  return in_header(what, [&] {
    for (const auto& [key, value] : json.object())
      check(key == "dtype" || key == "shape" || key == "data_offsets", "load", "a tensor has no field ",
            format_json(key), ". Is the file damaged?");
    std::vector<std::int64_t> sizes;
    for (const Json& size : json.at("shape").array()) sizes.push_back(size.integer());
    const Json::Array& offsets = json.at("data_offsets").array();
    check(offsets.size() == 2, "load", "data_offsets are a beginning and an end, not ", offsets.size(),
          " numbers. Is the file damaged?");
    const std::int64_t begin = offsets[0].integer(), end = offsets[1].integer();
    check(0 <= begin && begin <= end, "load", "data_offsets [", begin, ", ", end,
          "] are no range. Is the file damaged?");
    return Entry{name,
                 what,
                 &format_called(json.at("dtype").text(), "it"),
                 checked_shape(sizes, "it"),
                 static_cast<std::size_t>(begin),
                 static_cast<std::size_t>(end)};
  });
}

// One after the other, the tensors cover the data from its first byte to its last.
void check_covers(std::vector<Entry>& entries, std::size_t size, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t covered = 0;
  for (const Entry& entry : entries) {
    check(entry.begin == covered, "load", entry.what, " begins at byte ", entry.begin, " of the data, ",
          entry.begin < covered ? "inside the one before, which ends at " : "behind a hole that begins at ",
          covered, ". Is the file damaged?");
    check(entry.end <= size, "load", entry.what, " ends at byte ", entry.end, " of the data, which has ",
          size, ". Was the file cut short?");
    covered = entry.end;
  }
  check(covered == size, "load", file, ": the tensors end at byte ", covered, " of the data, which has ",
        size, ". Was something appended?");
}

Tensor tensor_of(const Entry& entry, std::string_view data) {
  const std::string_view bytes = data.substr(entry.begin, entry.end - entry.begin);
  if (entry.format->widen == nullptr)
    return tensor_from_bytes(bytes, entry.shape, entry.format->dtype, entry.what);
  const std::int64_t count = numel_of(entry.shape, "load");
  check(bytes.size() == static_cast<std::size_t>(count) * entry.format->size, "load", entry.what, " has ",
        bytes.size(), " bytes, but shape ", entry.shape, " of ", entry.format->name, " takes ",
        static_cast<std::size_t>(count) * entry.format->size, ". Is the file damaged?");
  const Tensor out = Tensor::empty(entry.shape, f32, "load");
  for (std::int64_t i = 0; i < count; ++i)
    out.data<float>()[i] =
        entry.format->widen(number_at<std::uint16_t>(bytes, 2 * static_cast<std::size_t>(i)));
  return out;
}

// The tensors in the order of the file, their elements contiguous.
std::vector<NamedTensor> in_file_order(const std::vector<NamedTensor>& tensors) {
  std::vector<NamedTensor> sorted;
  for (const NamedTensor& entry : tensors) sorted.push_back({entry.name, kernels::contiguous(entry.value)});
  std::sort(sorted.begin(), sorted.end(), [](const NamedTensor& a, const NamedTensor& b) {
    const Format *const of_a = &format_of(a.value.dtype()), *const of_b = &format_of(b.value.dtype());
    return std::pair<const Format*, const std::string&>(of_a, a.name) <
           std::pair<const Format*, const std::string&>(of_b, b.name);
  });
  return sorted;
}

std::string header_of(const std::vector<NamedTensor>& sorted, const Metadata& metadata) {
  Json::Object header;
  if (!metadata.empty()) header.emplace_back(metadata_key, Json::Object(metadata.begin(), metadata.end()));
  std::int64_t offset = 0;
  std::set<std::string_view> names;
  for (const auto& [name, value] : sorted) {
    check(names.insert(name).second, "save", "two tensors are called ", name, ". Rename one?");
    check(name != metadata_key, "save", "a tensor cannot be called ", metadata_key,
          ", as safetensors calls its metadata that. Rename it?");
    const Json::Array shape(value.shape().begin(), value.shape().end());
    header.emplace_back(name, Json::Object{{"dtype", format_of(value.dtype()).name},
                                           {"shape", shape},
                                           {"data_offsets", Json::Array{offset, offset + value.bytes()}}});
    offset += value.bytes();
  }
  std::string text = format_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  check(text.size() <= max_header, "save", "the names and shapes take ", text.size(),
        " bytes; safetensors allows 10^8. Write several files?");
  return text;
}

void write(const std::vector<NamedTensor>& tensors, const Metadata& metadata, const Sink& sink) {
  const std::vector<NamedTensor> sorted = in_file_order(tensors);
  const std::string header = header_of(sorted, metadata);
  std::string size;
  append_number<std::uint64_t>(size, header.size());
  sink(size);
  sink(header);
  for (const NamedTensor& entry : sorted) sink(bytes_of(entry.value));
}

}  // namespace

Safetensors parse_safetensors(std::string_view bytes, const std::string& name) {
  check(bytes.size() >= 8, "load", name, " has ", bytes.size(),
        " bytes; a safetensors file has at least 8. Was it cut short?");
  const auto header_size = number_at<std::uint64_t>(bytes, 0);
  check(header_size <= max_header, "load", name, ": a header of ", header_size,
        " bytes is longer than the 10^8 that safetensors allows. Is it another format?");
  check(header_size <= bytes.size() - 8, "load", name, ": the header has ", header_size,
        " bytes, the file only ", bytes.size() - 8, " more. Was it cut short?");
  const std::string_view header = bytes.substr(8, header_size), data = bytes.substr(8 + header_size);
  check(header.starts_with('{'), "load", name, ": the header does not begin with '{'. Is it another format?");

  Safetensors out;
  std::vector<Entry> entries;
  const Json json = parse_json(header, name + ": the header");
  for (const auto& [key, value] : json.object()) {
    if (key != metadata_key) {
      entries.push_back(entry_of(key, value, name));
      continue;
    }
    in_header(name + ": " + metadata_key, [&, &fields = value] {
      for (const auto& [field, text] : fields.object()) out.metadata.emplace(field, text.text());
      return 0;
    });
  }
  check_covers(entries, data.size(), name);
  for (const Entry& entry : entries) out.tensors.push_back({entry.name, tensor_of(entry, data)});
  std::sort(out.tensors.begin(), out.tensors.end(),
            [](const NamedTensor& a, const NamedTensor& b) { return a.name < b.name; });
  return out;
}

std::string format_safetensors(const std::vector<NamedTensor>& tensors, const Metadata& metadata) {
  std::string out;
  write(tensors, metadata, [&](std::string_view bytes) { out += bytes; });
  return out;
}

Safetensors read_safetensors(const std::string& path) { return parse_safetensors(read_file(path), path); }

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                       const Metadata& metadata) {
  write_atomically(path, [&](const Sink& sink) { write(tensors, metadata, sink); });
}

}  // namespace gradus
