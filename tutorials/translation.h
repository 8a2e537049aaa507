// What the chapters with an encoder and a decoder learn from: digits that are to be written as they were
// read, and sentences to translate, of so few words that a small net learns them in seconds.
#pragma once

#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

namespace translation {

using namespace gradus;

using Pairs = std::vector<data::IdsPair>;

enum Special : std::int64_t { padding, begin, end };  // ids of all vocabularies

inline data::Source<data::PairBatch> batches(Pairs pairs, std::int64_t size) {
  return data::pair_batches(std::move(pairs), {.size = {.sequences = size}, .ids = {begin, end, padding}});
}

// Both sides of all pairs, in their order.
inline data::Padded sources(const Pairs& pairs) {
  std::vector<data::IdsView> sides;
  for (const data::IdsPair& pair : pairs) sides.push_back(pair.source);
  return data::pad(sides, padding);
}
inline data::Shifted targets(const Pairs& pairs) {
  std::vector<data::IdsView> sides;
  for (const data::IdsPair& pair : pairs) sides.push_back(pair.target);
  return data::shift(sides, {begin, end, padding});
}

// The rows of ids (B, T), each up to its end.
inline std::vector<data::Ids> rows_of(const Tensor& ids) {
  std::vector<data::Ids> rows;
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    rows.push_back(ids[row].to_vector<std::int64_t>());
    rows.back().erase(std::ranges::find(rows.back(), end), rows.back().end());
  }
  return rows;
}

// In percent: words that stand where they should, the end among them, and sentences without a fault.
struct Right {
  double words, sentences;
};

inline Right compare(const std::vector<data::Ids>& written, const Pairs& pairs) {
  data::Share words, sentences;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    data::Ids ours = written[i], right = pairs[i].target;
    ours.push_back(end);
    right.push_back(end);
    ours.resize(std::max(ours.size(), right.size()), padding);
    sentences += {std::ranges::equal(ours, right), 1};
    for (std::size_t t = 0; t < right.size(); ++t) words += {ours[t] == right[t], 1};
  }
  return {100 * words.value(), 100 * sentences.value()};
}

// Digit d is id d + 3.
constexpr std::int64_t copy_words = 13;

// `count` sequences of `from` to `to` digits, and each of them again. No held-out one is in training.
inline Pairs copies(data::Split split, int count, int from, int to) {
  const data::Probe probe = data::copying(10, from, to);
  Pairs pairs;
  for (int i = 0; i < count; ++i) {
    data::Ids ids = probe.example(1, i, split).input;
    for (std::int64_t& id : ids) id += end + 1;
    pairs.push_back({ids, ids});
  }
  return pairs;
}

// Lengths of sequences of digits.
constexpr int shortest = 3, longest_in_training = 10, longest = 15;

// A column for each line, a row for each length: the mean over five seeds, which the line gets, and the range
// of what measure(line's number, seed, length) returns. Slope: of the means, for each further digit, within
// the lengths of training.
template <class Measure>
void print_by_length(std::vector<figure::Series>& lines, const Measure& measure) {
  std::printf("\nlength");
  for (std::size_t k = 0; k < lines.size(); ++k)
    std::printf("   %-*s", k + 1 < lines.size() ? 21 : 0, lines[k].name.c_str());
  for (int length = shortest; length <= longest; ++length) {
    std::printf("\n%6d", length);
    for (std::size_t k = 0; k < lines.size(); ++k) {
      const chapter::Spread right = chapter::over_seeds([&](int seed) { return measure(k, seed, length); });
      std::printf("   ");
      chapter::print(right, 1, 5);
      lines[k].x.push_back(length);
      lines[k].y.push_back(right.mean);
    }
  }
  std::printf("\n slope");
  constexpr int further = longest_in_training - shortest;
  for (std::size_t k = 0; k < lines.size(); ++k)
    std::printf("%*.1f", k == 0 ? 8 : 24, (lines[k].y[further] - lines[k].y[0]) / further);
  std::printf("\n");
}

// Pairs of data::EnFr that have no other English words than these. Lengths are those of the English, and the
// full stop counts.
struct Sentences {
  static constexpr std::size_t shortest = 4, longest_in_training = 10, longest = 12;
  inline static const char* const words =
      ". I you he she it we they me him her us them my your his our their 's the a an two three four "
      "some this these and because that is are was were be very too does do did not n't will never "
      "always often Hugo Tom Jerry Paul Anna Arthur Sarah Alice Julie Emma cat cats mouse mice dog dogs "
      "bird birds wolf wolves teacher baker student child girl boy king queen witch frog goat ant owl "
      "turtle cow spider animal chases chase chased sees see saw scares scare scared catches catch "
      "caught loses lose lost loves love loved finds find found helps help helped white black old big "
      "small clever brave young happy sad shy strong weak hungry tired";

  std::vector<data::Pair> training = draw(data::EnFr::Split::training, 150000, longest_in_training);
  std::vector<data::Pair> held_out = draw(data::EnFr::Split::random, 50000, longest);
  data::Vocabulary english = vocabulary(&data::Pair::english), french = vocabulary(&data::Pair::french);

  data::IdsPair ids(const data::Pair& pair) const {
    const auto ids_of = [](const data::Vocabulary& vocabulary, const std::vector<std::string>& words) {
      data::Ids ids;
      for (const std::string& word : words) ids.push_back(vocabulary.id(word));
      return ids;
    };
    return {ids_of(english, pair.english), ids_of(french, pair.french)};
  }

  Pairs ids(const std::vector<data::Pair>& pairs) const {
    Pairs all;
    for (const data::Pair& pair : pairs) all.push_back(ids(pair));
    return all;
  }

  std::string text(const data::Ids& french_ids) const {
    std::vector<std::string> tokens;
    for (const std::int64_t id : french_ids) tokens.push_back(french.token(id));
    return data::sentence_of(tokens);
  }

  // The first held-out pair of this English.
  const data::Pair& held_out_pair(const std::string& english_text) const {
    const auto is_it = [&](const data::Pair& pair) {
      return data::sentence_of(pair.english) == english_text;
    };
    return *std::ranges::find_if(held_out, is_it);
  }

  std::vector<data::Pair> held_out_of(std::size_t length) const {
    std::vector<data::Pair> pairs;
    const auto has_length = [&](const data::Pair& pair) { return pair.english.size() == length; };
    std::ranges::copy_if(held_out, std::back_inserter(pairs), has_length);
    return pairs;
  }

 private:
  static std::vector<data::Pair> draw(data::EnFr::Split split, std::int64_t count, std::size_t at_most) {
    std::istringstream list(words);
    const std::set<std::string> known{std::istream_iterator<std::string>(list), {}};
    const auto is_known = [&](const std::string& word) { return known.contains(word); };
    const data::EnFr corpus(1);
    std::vector<data::Pair> pairs;
    for (std::int64_t i = 0; i < count; ++i) {
      data::Pair pair = corpus.pair(split, i);
      if (pair.english.size() <= at_most && std::ranges::all_of(pair.english, is_known))
        pairs.push_back(std::move(pair));
    }
    return pairs;
  }

  data::Vocabulary vocabulary(std::vector<std::string> data::Pair::*side) const {
    std::set<std::string> all;
    for (const auto* pairs : {&training, &held_out})
      for (const data::Pair& pair : *pairs) all.insert((pair.*side).begin(), (pair.*side).end());
    std::vector<std::string> tokens{"[PAD]", "[BEGIN]", "[END]"};
    tokens.insert(tokens.end(), all.begin(), all.end());
    return data::Vocabulary(tokens);
  }
};

// A source is two to five numbers, to be written with Arabic or Roman digits.
namespace numerals {

enum : std::int64_t { one = end + 1, roman_one = one + 5, hi = roman_one + 5, sir, etc, vocabulary };
inline const char* const names[] = {"[PAD]", "[BEGIN]", "[END]", "1",  "2", "3",  "4",   "5",
                                    "I",     "II",      "III",   "IV", "V", "hi", "sir", "etc"};

// Which translations are right, each as likely as the others:
//   free_choice   each number in either way
//   all_alike     all Arabic or all Roman
//   one_roman     one Roman, the others Arabic
// And by chance of 0.55, 0.2 and 0.25:
//   answers       "hi" and a free choice, "sir" and all Arabic, or "etc" alone
enum Corpus { free_choice, all_alike, one_roman, answers };

inline Pairs draw(Corpus corpus, std::uint64_t seed, std::size_t count) {
  data::Random random(seed, corpus);
  Pairs pairs(count);
  for (auto& [source, target] : pairs) {
    source.resize(static_cast<std::size_t>(2 + random.below(4)));
    for (std::int64_t& id : source) id = one + random.below(5);
    target = source;
    const std::int64_t all = random.below(2), place = random.below(std::ssize(source));
    for (std::int64_t i = 0; i < std::ssize(source); ++i) {
      const bool either = random.chance(0.5);
      if (corpus == all_alike ? all == 1 : corpus == one_roman ? i == place : either)
        target[i] += roman_one - one;
    }
    if (corpus != answers) continue;
    const std::size_t kind = random.weighted(std::array{0.55, 0.2, 0.25});
    if (kind == 1) target = source;
    target.insert(target.begin(), kind == 0 ? hi : sir);
    if (kind == 2) target = {etc};
  }
  return pairs;
}

// Without what begins and ends.
inline std::string text(const data::Ids& ids) {
  std::string all;
  for (const std::int64_t id : ids)
    if (id > end) all.append(all.empty() ? "" : " ").append(names[id]);
  return all;
}

}  // namespace numerals

}  // namespace translation
