#include <optional>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/json.h>
#include <gradus/data/bpe.h>
#include <gradus/data/byte_characters.h>
#include <gradus/data/lines.h>

namespace gradus::data {
namespace {

constexpr char vocabulary_file[] = "vocab.json", merges_file[] = "merges.txt";
constexpr std::string_view version = "#version: 0.2", any_version = "#version";

Vocabulary parse_vocabulary(std::string_view text, const std::string& path) {
  const Json json = parse_json(without_byte_order_mark(text), path);
  check(json.is_object() && !json.object().empty(), "bpe", path,
        " has no tokens. It should be an object of tokens and their ids");
  const auto size = static_cast<std::int64_t>(json.object().size());
  std::vector<std::optional<std::string>> tokens(json.object().size());
  for (const auto& [token, id] : json.object()) {
    check(!token.empty(), "bpe", path, ": a token is the empty text");
    check(id.is_integer(), "bpe", path, ": the id of token '", token, "' is ", format_json(id),
          ", which is no integer");
    check(id.integer() >= 0 && id.integer() < size, "bpe", path, ": token '", token, "' has id ",
          id.integer(), ", but ", size, " tokens go from 0 to ", size - 1);
    std::optional<std::string>& place = tokens[static_cast<std::size_t>(id.integer())];
    check(!place, "bpe", path, ": tokens '", place.value_or(""), "' and '", token, "' both have id ",
          id.integer());
    place = token;
  }
  std::vector<std::string> in_order;
  for (std::optional<std::string>& token : tokens) in_order.push_back(std::move(*token));
  Vocabulary vocabulary(std::move(in_order));
  for (const unsigned char byte : bytes_by_character())
    check(vocabulary.find(character_of(byte)).has_value(), "bpe", path, " has no token '", character_of(byte),
          "', which is byte ", static_cast<int>(byte), ". Not every text could be encoded");
  return vocabulary;
}

std::vector<Bpe::Merge> parse_merges(std::string_view text, const std::string& path,
                                     const Vocabulary& vocabulary) {
  std::vector<Bpe::Merge> merges;
  PairMap<std::size_t> lines;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    if (number == 1 && line.starts_with(any_version)) return;
    const auto require = [&](bool holds, const auto&... what) {
      check(holds, "bpe", path, " line ", number, " is '", line, "': ", what...);
    };
    const std::size_t space = line.find(' ');
    const std::string_view left = line.substr(0, space);
    const std::string_view right = space == std::string_view::npos ? "" : line.substr(space + 1);
    require(!left.empty() && !right.empty() && right.find(' ') == std::string_view::npos,
            "a merge is two tokens parted by a space");
    const std::string joined = std::string(left).append(right);
    for (const std::string_view token : {left, right, std::string_view(joined)}) {
      require(bytes_of_characters(token).has_value(), "'", token,
              "' is not spelled in the characters of bytes");
      require(vocabulary.find(token).has_value(), "'", token, "' is no token of ", vocabulary_file);
    }
    merges.push_back({vocabulary.id(left), vocabulary.id(right)});
    const auto [first, is_new] = lines.emplace(static_cast<std::int32_t>(merges.back().left),
                                               static_cast<std::int32_t>(merges.back().right), number);
    require(is_new, "line ", *first, " was that merge already");
  });
  return merges;
}

}  // namespace

Bpe parse_bpe(const BpeFiles& files, const std::filesystem::path& folder) {
  Vocabulary vocabulary = parse_vocabulary(files.vocabulary, (folder / vocabulary_file).string());
  std::vector<Bpe::Merge> merges = parse_merges(files.merges, (folder / merges_file).string(), vocabulary);
  return {std::move(vocabulary), std::move(merges)};
}

BpeFiles format_bpe(const Bpe& tokenizer) {
  const std::vector<std::string>& tokens = tokenizer.vocabulary().tokens();
  Json::Object ids;
  for (const std::string& token : tokens) ids.emplace_back(token, static_cast<std::int64_t>(ids.size()));
  std::string merges = std::string(version) + "\n";
  for (const auto& [left, right] : tokenizer.merges())
    merges += tokens[static_cast<std::size_t>(left)] + " " + tokens[static_cast<std::size_t>(right)] + "\n";
  return {format_json(ids), merges};
}

Bpe load_bpe(const std::filesystem::path& folder) {
  return parse_bpe(
      {read_file((folder / vocabulary_file).string()), read_file((folder / merges_file).string())}, folder);
}

void Bpe::save(const std::filesystem::path& folder) const {
  const BpeFiles files = format_bpe(*this);
  make_folder(folder.string());
  const auto write = [&](const char* name, const std::string& text) {
    write_atomically((folder / name).string(), [&](const Sink& sink) { sink(text); });
  };
  write(vocabulary_file, files.vocabulary);
  write(merges_file, files.merges);
}

}  // namespace gradus::data
