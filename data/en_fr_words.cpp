#include <gradus/data/en_fr_words.h>

#include <algorithm>

#include <gradus/core/check.h>
#include <gradus/data/en_fr.h>
#include <gradus/data/en_fr/lexicon.h>
#include <gradus/data/json_file.h>

namespace gradus::data {
namespace {

constexpr char file_name[] = "en_fr.json";
constexpr std::string_view spaces = " \t\r\n", curly = "’";

struct Cut {
  std::string token;
  Span span;
};

// Where the apostrophe that begins at byte `at` of a word ends; `at` itself where there is none.
std::size_t apostrophe_end(std::string_view word, std::size_t at) {
  if (word.substr(at).starts_with('\'')) return at + 1;
  return word.substr(at).starts_with(curly) ? at + curly.size() : at;
}

// did|n't, boy|'s: what follows an English apostrophe belongs to it. l'|animal: what precedes a French one
// does.
std::vector<std::size_t> borders(std::string_view word) {
  std::vector<std::size_t> found;
  for (std::size_t at = 0; at < word.size(); ++at) {
    const std::size_t end = apostrophe_end(word, at);
    if (end == at) continue;
    const std::string_view rest = word.substr(end);
    const bool is_not = rest == "t" && at > 0 && word[at - 1] == 'n';
    const std::size_t border = is_not ? at - 1 : rest == "s" ? at : end;
    if (border > 0 && border < word.size()) found.push_back(border);
  }
  return found;
}

bool keeps_its_capital(std::string_view token) {
  return token == "I" ||
         std::ranges::any_of(en_fr::names(), [&](const en_fr::Name& name) { return name.spelling == token; });
}

std::vector<Cut> cut(std::string_view text) {
  std::vector<Cut> cuts;
  const auto add = [&](std::size_t begin, std::size_t end) {
    std::string token;
    for (std::size_t at = begin; at < end; ++at) {
      const std::size_t apostrophe = apostrophe_end(text.substr(0, end), at);
      token += apostrophe > at ? '\'' : text[at];
      if (apostrophe > at) at = apostrophe - 1;
    }
    if (cuts.empty() && token[0] >= 'A' && token[0] <= 'Z' && !keeps_its_capital(token))
      token[0] = static_cast<char>(token[0] - 'A' + 'a');
    cuts.push_back({std::move(token), {static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end)}});
  };
  for (std::size_t begin = 0; (begin = text.find_first_not_of(spaces, begin)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_of(spaces, begin), text.size());
    const bool has_stop = end - begin > 1 && text[end - 1] == '.';
    const std::string_view word = text.substr(begin, end - begin - has_stop);
    std::size_t from = 0;
    for (const std::size_t border : borders(word)) {
      add(begin + from, begin + border);
      from = border;
    }
    add(begin + from, begin + word.size());
    if (has_stop) add(end - 1, end);
    begin = end;
  }
  return cuts;
}

}  // namespace

std::vector<std::string> tokens_of(std::string_view sentence) {
  std::vector<std::string> tokens;
  for (Cut& piece : cut(sentence)) tokens.push_back(std::move(piece.token));
  return tokens;
}

Encoding EnFrWords::encode(std::string_view text) const {
  Encoding encoding;
  bool has_ended = false;
  for (const auto& [token, span] : cut(text)) {
    const std::optional<std::int64_t> id = vocabulary_.find(token);
    check(!has_ended, "en_fr", "'", text_of(text, span), "' at byte ", span.begin,
          " begins a second sentence, and a text is one. Each in an argument or a line of its own?");
    has_ended = token == ".";
    check(id.has_value(), "en_fr", "'", text_of(text, span), "' at byte ", span.begin, " is none of the ",
          vocabulary_.size(), " tokens. Use words of the corpus?");
    encoding.ids.push_back(*id);
    encoding.spans.push_back(span);
  }
  check(has_ended || encoding.ids.empty(), "en_fr", "'", text,
        "' has no full stop, and every sentence of the corpus ends with one. Put one there?");
  return encoding;
}

std::string EnFrWords::decode(std::span<const std::int64_t> ids) const {
  std::vector<std::string> tokens;
  for (const std::int64_t id : ids) tokens.push_back(vocabulary_.token(id));
  return sentence_of(tokens);
}

void EnFrWords::save(const std::filesystem::path& folder) const {
  write_json(folder, file_name, Json::Object{{"tokens", array_of(vocabulary_.tokens())}});
}

EnFrWords load_en_fr_words(const std::filesystem::path& folder) {
  return EnFrWords(Vocabulary(texts_of(read_json(folder / file_name).at("tokens"))));
}

}  // namespace gradus::data
