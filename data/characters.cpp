#include <gradus/data/characters.h>

#include <iomanip>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/json_file.h>
#include <gradus/data/unicode.h>

namespace gradus::data {
namespace {

constexpr char file_name[] = "characters.json";

// f(character, its first byte, whether it is one) for each character or byte that no special token holds;
// special(found) for those.
template <class F, class Special>
void for_each_character(std::string_view text, bool bytes, const SpecialTokens& tokens, const F& f,
                        const Special& special) {
  for (std::size_t at = 0; at < text.size();) {
    const SpecialTokens::Found found = tokens.find(text, at);
    while (at < found.begin) {
      const CodePoint c = bytes ? CodePoint{0, 1, true} : code_point_at(text, at);
      f(text.substr(at, c.size), at, c.valid);
      at += c.size;
    }
    if (found.begin < found.end) special(found);
    at = found.end;
  }
}

// A character as an error shows it: 'é' (U+00E9), or a byte's value.
std::string shown(std::string_view character, bool bytes) {
  std::ostringstream text;
  text << std::hex << std::uppercase << std::setfill('0');
  if (bytes || !code_point_at(character, 0).valid)
    text << "byte value 0x" << std::setw(2) << static_cast<int>(static_cast<unsigned char>(character[0]));
  else
    text << '\'' << character << "' (U+" << std::setw(4)
         << static_cast<std::uint32_t>(code_point_at(character, 0).value) << ')';
  return text.str();
}

}  // namespace

Characters::Characters(Vocabulary vocabulary, Options options)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      special_(vocabulary_, options_.special_tokens) {
  for (const std::string& token : vocabulary_.tokens()) {
    if (special_.ids().contains(token)) continue;
    check(!token.empty() && token.size() == (options_.bytes ? 1 : code_point_at(token, 0).size), "characters",
          "token '", token, "' is neither a single ", options_.bytes ? "byte" : "character",
          " nor one of the special tokens");
  }
}

Encoding Characters::encode(std::string_view text) const {
  const std::optional<std::int64_t> unknown = vocabulary_.find("[UNK]");
  Encoding encoding;
  const auto add = [&](std::int64_t id, std::size_t begin, std::size_t end) {
    encoding.ids.push_back(id);
    encoding.spans.push_back({static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)});
  };
  const auto add_character = [&](std::string_view character, std::size_t at, bool valid) {
    const std::optional<std::int64_t> id = valid ? vocabulary_.find(character) : std::nullopt;
    if (!id && !unknown)
      fail("characters", shown(character, options_.bytes), " at byte ", at, " is none of the ",
           vocabulary_.size(), " tokens. Leave it out, or train on texts that have it?");
    add(id ? *id : *unknown, at, at + character.size());
  };
  for_each_character(text, options_.bytes, special_, add_character,
                     [&](const SpecialTokens::Found& found) { add(found.id, found.begin, found.end); });
  return encoding;
}

std::string Characters::decode(std::span<const std::int64_t> ids) const {
  std::string text;
  for (const std::int64_t id : ids) text += vocabulary_.token(id);
  return text;
}

// Bytes are numbers in the file: alone, they are not text.
void Characters::save(const std::filesystem::path& folder) const {
  Json::Array tokens;
  for (const std::string& token : vocabulary_.tokens()) {
    if (options_.bytes && !special_.ids().contains(token))
      tokens.emplace_back(std::int64_t{static_cast<unsigned char>(token[0])});
    else
      tokens.push_back(token);
  }
  write_json(folder, file_name,
             Json::Object{{"bytes", options_.bytes},
                          {"special_tokens", array_of(options_.special_tokens)},
                          {"tokens", tokens}});
}

Characters load_characters(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / file_name;
  const Json json = read_json(path);
  Characters::Options options{json.at("bytes").boolean(), texts_of(json.at("special_tokens"))};
  std::vector<std::string> tokens;
  for (const Json& token : json.at("tokens").array()) {
    if (!token.is_integer()) {
      tokens.push_back(token.text());
      continue;
    }
    const std::int64_t byte = token.integer();
    check(options.bytes && byte >= 0 && byte < 256, "characters", path.string(), ": token ", byte,
          options.bytes ? " is no byte, which is 0 to 255" : " is a number, and its tokens are characters");
    tokens.emplace_back(1, static_cast<char>(byte));
  }
  return {Vocabulary(std::move(tokens)), std::move(options)};
}

CharactersTrainer::CharactersTrainer(Characters::Options options)
    : options_(std::move(options)), special_(options_.special_tokens) {}

void CharactersTrainer::add(std::string_view text) {
  std::set<std::string> characters = characters_;
  for_each_character(
      text, options_.bytes, special_,
      [&](std::string_view character, std::size_t at, bool valid) {
        check(valid, "characters", shown(character, true), " at byte ", at,
              " of the text is not UTF-8. Train on bytes?");
        characters.emplace(character);
      },
      [](const SpecialTokens::Found&) {});
  characters_ = std::move(characters);
}

Characters CharactersTrainer::train() const {
  check(!characters_.empty(), "characters", "there is no text to learn from. Add one before training");
  std::vector<std::string> tokens = options_.special_tokens;
  tokens.insert(tokens.end(), characters_.begin(), characters_.end());
  return {Vocabulary(std::move(tokens)), options_};
}

}  // namespace gradus::data
