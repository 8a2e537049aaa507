// Tokenizers on a generated text of 5 MB: words of syllables, the n-th most frequent about 1 / n as often as
// the first.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <memory>

#include <gradus/data/bpe.h>
#include <gradus/data/random.h>
#include <gradus/data/wordpiece.h>

#include "ops.h"

namespace gradus::bench {
namespace {

constexpr std::size_t text_bytes = 5'000'000, word_bytes = 10'000'000;
constexpr double distinct_words = 100'000;
constexpr std::int64_t merges = 8000;

std::string word_of(data::Random random) {
  static constexpr const char* consonants[] = {"b", "c", "d", "f", "g",  "h",  "l",  "m",  "n",  "p",
                                               "r", "s", "t", "v", "st", "tr", "ch", "qu", "br", "pl"};
  static constexpr const char* vowels[] = {"a", "e", "i", "o", "u", "ea", "ou", "é"};
  std::string word;
  for (std::int64_t syllables = 1 + random.below(4); syllables > 0; --syllables) {
    (word += random.pick(consonants)) += random.pick(vowels);
    if (random.chance(0.3)) word += random.pick(consonants);
  }
  return word;
}

std::string generated_text() {
  data::Random random(0, 0);
  std::string text;
  while (text.size() < text_bytes) {
    const auto rank = static_cast<std::uint64_t>(std::pow(distinct_words, random.uniform()));  // P(n) ~ 1 / n
    text += word_of(data::Random(1, rank));
    text += random.chance(0.1) ? ", " : random.chance(0.1) ? ".\n" : " ";
  }
  text.resize(text_bytes);
  return text;
}

data::Bpe trained_bpe(const std::string& text) {
  data::BpeTrainer trainer;
  trainer.add(text);
  return trainer.train(256 + merges + 1);
}

data::WordPiece trained_wordpiece(const std::string& text) {
  data::WordPieceTrainer trainer({});
  trainer.add(text);
  return trainer.train(merges);
}

double seconds_of(const Work& work) { return by_turns(work, {}, {.at_least = 5}).ours; }

using Rows = std::array<std::string, 4>;  // learning, encoding, decoding, and encoding of a single word

Rows rows_of(const std::string& kind) {
  const std::string name = "tokenizer " + kind;
  return {name + " train", name + " encode", name + " decode", name + " 1 word"};
}

bool wants_any(const OpsBench& bench, const std::string& kind) {
  const Rows rows = rows_of(kind);
  return std::any_of(rows.begin(), rows.end(), [&](const std::string& row) { return bench.wants(row); });
}

void measure(OpsBench& bench, const std::string& kind, const std::string& text,
             const std::function<std::unique_ptr<data::Tokenizer>()>& trained) {
  const auto [train, encode, decode, word] = rows_of(kind);
  const std::unique_ptr<data::Tokenizer> tokenizer = trained();
  if (bench.wants(train)) bench.add(train, "5 MB, 8,000", 1, seconds_of([&] { trained(); }), "s");
  const auto rate = [&](const std::string& row, const char* shape, std::size_t bytes, const Work& work) {
    if (bench.wants(row))
      bench.add(row, shape, 1, 1e-6 * static_cast<double>(bytes) / seconds_of(work), "MB/s");
  };
  rate(encode, "5 MB", text.size(), [&] { tokenizer->encode(text); });
  const data::Encoding encoding = tokenizer->encode(text);
  rate(decode, "5 MB", text.size(), [&] { tokenizer->decode(encoding.ids); });
  std::string letters;
  while (letters.size() < word_bytes)
    std::copy_if(text.begin(), text.end(), std::back_inserter(letters),
                 [](char c) { return 'a' <= c && c <= 'z'; });
  letters.resize(word_bytes);
  rate(word, "10 MB", letters.size(), [&] { tokenizer->encode(letters); });
}

}  // namespace

void measure_tokenizers(OpsBench& bench) {
  const bool bpe = wants_any(bench, "bpe"), wordpiece = wants_any(bench, "wordpiece");
  if (!bpe && !wordpiece) return;
  const std::string text = generated_text();
  if (bpe) measure(bench, "bpe", text, [&] { return std::make_unique<data::Bpe>(trained_bpe(text)); });
  if (wordpiece)
    measure(bench, "wordpiece", text,
            [&] { return std::make_unique<data::WordPiece>(trained_wordpiece(text)); });
}

}  // namespace gradus::bench
