#include <gradus/cli/unknown_words.h>

#include <algorithm>
#include <iostream>
#include <optional>

namespace gradus::cli {

void tell_unknown_words(const std::string& verb, const data::Tokenizer& tokenizer,
                        const std::vector<std::string>& texts) {
  constexpr std::size_t most = 5;
  const std::optional<std::int64_t> unknown = tokenizer.vocabulary().find("[UNK]");
  std::vector<std::string> words;
  for (const std::string& text : texts) {
    const data::Encoding encoding = tokenizer.encode(text);
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      const std::string_view word = data::text_of(text, encoding.spans[i]);
      if (encoding.ids[i] == unknown && word != "[UNK]" && std::ranges::count(words, word) == 0)
        words.emplace_back(word);
    }
  }
  if (words.empty()) return;
  std::cerr << verb << ": the model does not know, and reads as [UNK]:";
  for (std::size_t i = 0; i < std::min(most, words.size()); ++i)
    std::cerr << (i > 0 ? ", " : " ") << words[i];
  if (words.size() > most) std::cerr << ", and " << words.size() - most << " more";
  std::cerr << std::endl;
}

}  // namespace gradus::cli
