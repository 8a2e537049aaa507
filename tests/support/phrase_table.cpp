#include "support/phrase_table.h"

#include <algorithm>

namespace gradus::test {

namespace {

std::string joined(const std::vector<std::string>& tokens, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += tokens[i] + ' ';
  return text;
}

}  // namespace

PhraseTable::PhraseTable(std::span<const data::Pair> pairs, std::size_t longest) : longest_(longest) {
  for (const data::Pair& pair : pairs) learn(pair);
}

void PhraseTable::learn(const data::Pair& pair) {
  const auto size = static_cast<std::int64_t>(pair.english.size());
  const auto french_size = static_cast<std::int64_t>(pair.french.size());
  std::vector<bool> is_linked(pair.french.size());
  for (const data::Link& link : pair.alignment) is_linked[static_cast<std::size_t>(link.french)] = true;
  const auto is_free = [&](std::int64_t f) {
    return f >= 0 && f < french_size && !is_linked[static_cast<std::size_t>(f)];
  };
  for (std::int64_t begin = 0; begin < size; ++begin) {
    const std::int64_t last = std::min(size, begin + static_cast<std::int64_t>(longest_));
    for (std::int64_t end = begin + 1; end <= last; ++end) {
      std::int64_t from = french_size, to = 0;
      for (const data::Link& link : pair.alignment) {
        if (link.english < begin || link.english >= end) continue;
        from = std::min(from, link.french);
        to = std::max(to, link.french + 1);
      }
      const bool reaches_out =
          std::any_of(pair.alignment.begin(), pair.alignment.end(), [&](const data::Link& l) {
            return l.french >= from && l.french < to && (l.english < begin || l.english >= end);
          });
      if (from >= to || reaches_out) continue;
      auto& translations =
          phrases_[joined(pair.english, static_cast<std::size_t>(begin), static_cast<std::size_t>(end))];
      for (std::int64_t f = from;; --f) {
        for (std::int64_t t = to;; ++t) {
          ++translations[{pair.french.begin() + f, pair.french.begin() + t}];
          if (!is_free(t)) break;
        }
        if (!is_free(f - 1)) break;
      }
    }
  }
}

std::vector<std::string> PhraseTable::translate(const std::vector<std::string>& english) const {
  std::vector<std::string> french;
  for (std::size_t begin = 0; begin < english.size();) {
    std::size_t end = std::min(english.size(), begin + longest_);
    while (end > begin && !phrases_.contains(joined(english, begin, end))) --end;
    if (end == begin) {
      french.push_back(english[begin++]);
      continue;
    }
    const auto& translations = phrases_.at(joined(english, begin, end));
    const auto& best = *std::max_element(translations.begin(), translations.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
    french.insert(french.end(), best.first.begin(), best.first.end());
    begin = end;
  }
  return french;
}

}  // namespace gradus::test
