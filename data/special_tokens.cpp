#include <gradus/data/special_tokens.h>

#include <functional>
#include <set>
#include <utility>

#include <gradus/core/check.h>

namespace gradus::data {
namespace {

std::map<std::string, std::int64_t, std::less<>> ids_in(const Vocabulary& vocabulary,
                                                        const std::vector<std::string>& names) {
  std::map<std::string, std::int64_t, std::less<>> ids;
  for (const std::string& name : names)
    if (const auto id = vocabulary.find(name)) ids.emplace(name, *id);
  return ids;
}

std::map<std::string, std::int64_t, std::less<>> numbered(const std::vector<std::string>& names) {
  std::map<std::string, std::int64_t, std::less<>> ids;
  for (const std::string& name : names) {
    const bool is_new = ids.emplace(name, ids.size()).second;
    check(is_new, "tokenizer", "the special token '", name, "' is named twice");
  }
  return ids;
}

}  // namespace

SpecialTokens::SpecialTokens(const std::vector<std::string>& names) : SpecialTokens(numbered(names)) {}

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary, const std::vector<std::string>& names)
    : SpecialTokens(ids_in(vocabulary, names)) {}

SpecialTokens::SpecialTokens(std::map<std::string, std::int64_t, std::less<>> ids) : ids_(std::move(ids)) {
  std::set<std::size_t, std::greater<>> lengths;
  for (const auto& [token, id] : ids_) {
    check(!token.empty(), "tokenizer", "token ", id, " is an empty text, which would stand everywhere");
    lengths.insert(token.size());
    may_begin_[static_cast<unsigned char>(token[0])] = true;
  }
  lengths_.assign(lengths.begin(), lengths.end());
}

SpecialTokens::Found SpecialTokens::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    if (!may_begin_[static_cast<unsigned char>(text[begin])]) continue;
    for (const std::size_t length : lengths_) {
      if (length > text.size() - begin) continue;
      const auto found = ids_.find(text.substr(begin, length));
      if (found != ids_.end()) return {begin, begin + length, found->second};
    }
  }
  return {text.size(), text.size(), -1};
}

}  // namespace gradus::data
