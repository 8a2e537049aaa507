#include <gradus/data/wordpiece.h>

#include <map>
#include <utility>

#include <gradus/core/check.h>
#include <gradus/data/json_file.h>
#include <gradus/data/pair_joiner.h>
#include <gradus/data/unicode.h>

namespace gradus::data {
namespace {

constexpr char vocabulary_file[] = "vocab.txt", options_file[] = "tokenizer_config.json";
constexpr char unknown_token[] = "[UNK]";
constexpr std::string_view continuation = "##";
const std::vector<std::string> special_names = {"[PAD]", unknown_token, "[CLS]", "[SEP]", "[MASK]"};

Splitting splitting(const WordPiece::Options& options) {
  return {.letters = options.lower_case ? Letters::lower_case_without_accents : Letters::kept,
          .longest = options.longest_word};
}

void require_unknown(const Vocabulary& vocabulary, const std::string& name) {
  check(vocabulary.find(unknown_token).has_value(), "wordpiece", name,
        " has no token [UNK], which stands for words that cannot be split. Add it as a line of its own?");
}

WordPiece::Options read_options(const std::filesystem::path& path) {
  WordPiece::Options options;
  if (!std::filesystem::exists(path)) return options;
  const Json json = read_json(path);
  const auto set = [&](const char* key) {
    const Json* const value = json.find(key);
    return value != nullptr && !value->is_null() ? value : nullptr;
  };
  if (const Json* const lower = set("do_lower_case")) options.lower_case = lower->boolean();
  if (const Json* const longest = set("max_input_chars_per_word")) options.longest_word = longest->integer();
  const auto require = [&](const char* key, const Json& wanted) {
    const Json* const value = set(key);
    check(value == nullptr || *value == wanted, "wordpiece", path.string(), " sets ", key, " to ",
          value == nullptr ? "" : format_json(*value), ", with which words are split in another way; only ",
          format_json(wanted), " is known here. Train a tokenizer of your own?");
  };
  require("strip_accents", options.lower_case);
  require("tokenize_chinese_chars", true);
  require("unk_token", unknown_token);
  return options;
}

}  // namespace

WordPiece::WordPiece(Vocabulary vocabulary, const Options& options)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      special_(vocabulary_, special_names),
      trie_(vocabulary_.tokens()),
      inside_(trie_.find(continuation)) {
  require_unknown(vocabulary_, "the vocabulary");
  check(options.longest_word >= 1, "wordpiece", "words of at most ", options.longest_word,
        " characters would all be [UNK]. 100, as BERT's?");
  unknown_ = vocabulary_.id(unknown_token);
}

Encoding WordPiece::encode(std::string_view text) const {
  Encoding encoding;
  split_words(text, splitting(options_), special_, [&](const Word& word) { encode_word(word, encoding); });
  return encoding;
}

void WordPiece::encode_word(const Word& word, Encoding& into) const {
  const auto add = [&](std::int64_t id, Span span) {
    into.ids.push_back(id);
    into.spans.push_back(span);
  };
  const std::size_t before = into.ids.size();
  const auto unknown = [&] {
    into.ids.resize(before);
    into.spans.resize(before);
    add(unknown_, word.origin);
  };
  if (word.special >= 0) return add(word.special, word.origin);
  if (word.characters > options_.longest_word) return unknown();
  for (std::size_t begin = 0, end = 0; begin < word.text.size(); begin = end) {
    std::int32_t longest = Trie::none;
    std::int32_t node = begin == 0 ? Trie::root : inside_;
    for (std::size_t at = begin; node != Trie::none && at < word.text.size(); ++at) {
      node = trie_.step(node, word.text[at]);
      if (node != Trie::none && trie_.token(node) != Trie::none) longest = trie_.token(node), end = at + 1;
    }
    if (longest == Trie::none) return unknown();
    add(longest, {word.origins[begin].begin, word.origins[end - 1].end});
  }
}

std::string WordPiece::decode(std::span<const std::int64_t> ids) const {
  std::string text;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string_view token = vocabulary_.token(ids[i]);
    const bool closes = token == "." || token == "," || token == "!" || token == "?";
    if (i > 0 && token.starts_with(continuation))
      token.remove_prefix(continuation.size());
    else if (i > 0 && !closes)
      text += ' ';
    text += token;
  }
  return text;
}

void WordPiece::save(const std::filesystem::path& folder) const {
  write_json(folder, options_file,
             Json::Object{{"do_lower_case", options_.lower_case},
                          {"max_input_chars_per_word", options_.longest_word}});
  write_vocabulary((folder / vocabulary_file).string(), vocabulary_);
}

WordPiece load_wordpiece(const std::filesystem::path& folder) {
  const std::string path = (folder / vocabulary_file).string();
  Vocabulary vocabulary = read_vocabulary(path);
  require_unknown(vocabulary, path);
  return {std::move(vocabulary), read_options(folder / options_file)};
}

void WordPieceTrainer::add(std::string_view text) {
  static const SpecialTokens special(special_names);
  split_words(text, splitting(options_), special, [&](const Word& word) {
    if (word.special < 0 && word.characters <= options_.longest_word) count(counts_, word.text);
  });
}

WordPiece WordPieceTrainer::train(std::int64_t vocabulary_size) const {
  check(!counts_.empty(), "wordpiece", "there is no text to learn from. Add one before training");
  std::map<char32_t, std::int32_t> first, later;  // the tokens of characters
  for (const auto& [word, count] : counts_) {
    for_each_code_point(word, [&](char32_t c) {
      first[c] = 0;
      if (!is_word_of_its_own(c)) later[c] = 0;
    });
  }
  const auto least = static_cast<std::int64_t>(special_names.size() + first.size() + later.size());
  check(vocabulary_size >= least, "wordpiece", "a vocabulary of ", vocabulary_size, " has no room for ",
        special_names.size(), " special tokens, ", first.size(), " characters that begin a word and ",
        later.size(), " that continue one. ", least, " or more?");
  std::vector<std::string> tokens = special_names;
  const auto add = [&](std::string_view begin, std::map<char32_t, std::int32_t>& characters) {
    for (auto& [c, token] : characters) {
      token = static_cast<std::int32_t>(tokens.size());
      append_utf8(tokens.emplace_back(begin), c);
    }
  };
  add("", first);
  add(continuation, later);
  PairJoiner words;
  std::vector<std::int32_t> pieces;
  for (const auto& [word, count] : counts_) {  // their order changes no count
    pieces.clear();
    for_each_code_point(word, [&](char32_t c) { pieces.push_back((pieces.empty() ? first : later).at(c)); });
    words.add(pieces, count);
  }
  while (static_cast<std::int64_t>(tokens.size()) < vocabulary_size && words.find_best()) {
    const auto [left, right] = words.best();
    words.join_best(static_cast<std::int32_t>(tokens.size()));
    tokens.push_back(tokens[static_cast<std::size_t>(left)] +
                     tokens[static_cast<std::size_t>(right)].substr(continuation.size()));
  }
  return {Vocabulary(std::move(tokens)), options_};
}

}  // namespace gradus::data
