#include <gradus/data/text_file.h>

#include <algorithm>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/lines.h>

namespace gradus::data {
namespace {

// f(), whose error is told with the place.
template <class F, class... Parts>
decltype(auto) placed(const F& f, const Parts&... place) {
  try {
    return f();
  } catch (const Error& error) {
    fail("json_lines", place..., ": ", error.what());
  }
}

}  // namespace

TextFile::TextFile(const std::string& path) : file_(path), name_(path) { find_lines(file_->bytes()); }

TextFile::TextFile(std::string_view text, const std::string& name) : name_(name) { find_lines(text); }

void TextFile::find_lines(std::string_view text) {
  text_ = without_byte_order_mark(text);
  check(!text_.empty(), "text_file", name_, " is empty. Is it the right one?");
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const std::size_t valid = valid_utf8_prefix(line);
    check(valid == line.size(), "text_file", name_, " line ", number, " is not UTF-8 from its byte ",
          valid + 1, " on. Save the file as UTF-8?");
    begins_.push_back(static_cast<std::uint64_t>(line.data() - text_.data()));
  });
  begins_.push_back(text_.size());
}

std::string_view TextFile::operator[](std::int64_t line) const {
  check(line >= 0 && line < size(), "text_file", name_, " has no line ", line, ": they go from 0 to ",
        size() - 1);
  const auto i = static_cast<std::size_t>(line);
  return without_line_end(text_.substr(begins_[i], begins_[i + 1] - begins_[i]));
}

std::string TextFile::where(std::int64_t line) const { return name_ + " line " + std::to_string(line + 1); }

std::vector<LineRange> documents(const TextFile& file) {
  std::vector<LineRange> found;
  bool inside = false;
  for (std::int64_t line = 0; line < file.size(); ++line) {
    const bool empty = file[line].find_first_not_of(" \t") == std::string_view::npos;
    if (!empty && !inside) found.push_back({line, line});
    if (!empty) found.back().end = line + 1;
    inside = !empty;
  }
  check(!found.empty(), "documents", file.where(0), " and all others are empty. Is it the right file?");
  return found;
}

TsvPairs::TsvPairs(TextFile file) : file_(std::move(file)) {
  for (std::int64_t line = 0; line < size(); ++line) {
    const std::int64_t columns = std::ranges::count(file_[line], '\t') + 1;
    check(columns == 2, "tsv", file_.where(line), " has ", columns, columns == 1 ? " column" : " columns",
          "; a pair has two, parted by a tab. ",
          columns > 2 ? "cut -f 1,2 ?" : "Is a line broken, or empty?");
    const auto [first, second] = (*this)[line];
    check(!first.empty() && !second.empty(), "tsv", file_.where(line), ": the ",
          first.empty() ? "first" : "second", " text is empty. Leave the line out?");
  }
}

TsvPairs::Pair TsvPairs::operator[](std::int64_t line) const {
  const std::string_view view = file_[line];
  const std::size_t tab = view.find('\t');
  return {view.substr(0, tab), view.substr(tab + 1)};
}

JsonLines::Record::Record(std::string_view line, std::string where)
    : where_(std::move(where)), object_(parse_json(line, where_)) {
  placed([&] { (void)object_.object(); }, where_);
}

const Json& JsonLines::Record::operator[](std::string_view field) const {
  if (const Json* const member = object_.find(field)) return *member;
  std::string names;
  for (const auto& [name, member] : object_.object()) names += (names.empty() ? "\"" : "\", \"") + name;
  fail("json_lines", where_, " has no field \"", field, "\"; it has ", names.empty() ? "none" : names + "\"",
       ". Is the name right?");
}

const std::string& JsonLines::Record::text(std::string_view field) const {
  const Json& value = (*this)[field];
  const auto as_text = [&]() -> const std::string& { return value.text(); };
  return placed(as_text, where_, ", \"", field, '"');
}

std::int64_t JsonLines::Record::integer(std::string_view field) const {
  const Json& value = (*this)[field];
  return placed([&] { return value.integer(); }, where_, ", \"", field, '"');
}

double JsonLines::Record::number(std::string_view field) const {
  const Json& value = (*this)[field];
  return placed([&] { return value.number(); }, where_, ", \"", field, '"');
}

}  // namespace gradus::data
