#include <gradus/data/words.h>

#include <algorithm>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/json_file.h>

namespace gradus::data {
namespace {

constexpr char file_name[] = "words.json";

Splitting splitting(const Words::Options& options) {
  return {.letters = options.lower_case ? Letters::lower_case : Letters::kept};
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

Words::Words(Vocabulary vocabulary, Options options)
    : vocabulary_(std::move(vocabulary)),
      options_(std::move(options)),
      special_(vocabulary_, options_.special_tokens) {}

Encoding Words::encode(std::string_view text) const {
  const std::optional<std::int64_t> unknown = vocabulary_.find("[UNK]");
  Encoding encoding;
  split_words(text, splitting(options_), special_, [&](const Word& word) {
    std::optional<std::int64_t> id = word.special;
    if (word.special < 0) id = vocabulary_.find(word.text);
    if (!id && !unknown)
      fail("words", "'", text_of(text, word.origin), "' at byte ", word.origin.begin, " is none of the ",
           vocabulary_.size(), " tokens. Another word, or train on texts that have it?");
    encoding.ids.push_back(id ? *id : *unknown);
    encoding.spans.push_back(word.origin);
  });
  return encoding;
}

std::string Words::decode(std::span<const std::int64_t> ids) const {
  std::string text;
  bool glued = true;
  for (const std::int64_t id : ids) {
    const std::string& word = vocabulary_.token(id);
    const bool glues = is_one_of(word, {"'", "’", "-"});
    if (!glued && !glues && !is_one_of(word, {".", ",", "!", "?"})) text += ' ';
    text += word;
    glued = glues;
  }
  return text;
}

void Words::save(const std::filesystem::path& folder) const {
  write_json(folder, file_name,
             Json::Object{{"lower_case", options_.lower_case},
                          {"special_tokens", array_of(options_.special_tokens)},
                          {"tokens", array_of(vocabulary_.tokens())}});
}

Words load_words(const std::filesystem::path& folder) {
  const Json json = read_json(folder / file_name);
  return {Vocabulary(texts_of(json.at("tokens"))),
          {json.at("lower_case").boolean(), texts_of(json.at("special_tokens"))}};
}

WordsTrainer::WordsTrainer(Words::Options options)
    : options_(std::move(options)), special_(options_.special_tokens) {}

void WordsTrainer::add(std::string_view text) {
  split_words(text, splitting(options_), special_, [&](const Word& word) {
    if (word.special < 0) count(counts_, word.text);
  });
}

Words WordsTrainer::train(std::int64_t least_count) const {
  check(!counts_.empty(), "words", "there is no text to learn from. Add one before training");
  std::vector<std::pair<std::int64_t, std::string>> words;
  for (const auto& [word, count] : counts_)
    if (count >= least_count) words.emplace_back(-count, word);
  std::sort(words.begin(), words.end());  // UTF-8 sorts as code points do
  std::vector<std::string> tokens = options_.special_tokens;
  for (auto& [count, word] : words) tokens.push_back(std::move(word));
  return {Vocabulary(std::move(tokens)), options_};
}

}  // namespace gradus::data
