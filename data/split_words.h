// The words of a text, as BERT's basic tokenizer cuts it (Devlin et al. 2018).
//
// Control characters, private ones, U+0000, U+FFFD and what is not UTF-8 are taken out, as if they were not
// there. Words end at white space; each punctuation mark and each Chinese character is a word of its own.
// Punctuation is what Unicode calls so, and all of ASCII's signs: $ + < = > ^ ` | ~ too. Chinese characters
// are the blocks of CJK ideographs; kana and Hangul are written in words.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include <gradus/data/special_tokens.h>
#include <gradus/data/tokenizer.h>

namespace gradus::data {

enum class Letters {
  kept,
  lower_case,
  lower_case_without_accents,  // decomposed too (NFD), without nonspacing marks: É is e, and 각 its jamo
};

struct Word {
  std::string_view text;          // as the letters were asked for
  std::span<const Span> origins;  // for each byte of it, the bytes of the text that it was made from
  Span origin;                    // of the whole word
  std::int64_t characters;
  std::int64_t special = -1;  // the id, where it is a special token; `text` and `origins` are empty then
};

struct Splitting {
  Letters letters = Letters::kept;
  std::int64_t longest = INT64_MAX;  // of a word with more characters, its `text` has only so many
};

// Calls `use` for one word after the other, special tokens that are spelled out among them. A word is gone
// when `use` returns.
void split_words(std::string_view text, const Splitting& splitting, const SpecialTokens& special,
                 const std::function<void(const Word&)>& use);

// Whether a character is always a word of its own: punctuation, or Chinese.
bool is_word_of_its_own(char32_t c);

}  // namespace gradus::data
