// Sequences made by a rule, to ask of a model what it can learn and how far back it sees.
//
//   const Probe probe = sorting(6, 3);
//   const Example example = probe.example(seed, i, Split::train);   // input 2 0 1 1 0 2, target 0 0 1 1 2 2
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <gradus/core/tensor.h>
#include <gradus/data/pad.h>
#include <gradus/data/random.h>
#include <gradus/data/split.h>

namespace gradus::data {

struct Example {
  Ids input, target;  // ignore_index where nothing is asked
};

struct Probe {
  std::vector<std::string> symbols;  // how each id is written
  std::function<Example(Random&)> draw;

  // A tenth of all inputs, by a hash, is held out.
  Example example(std::uint64_t seed, std::int64_t i, Split split) const;
  std::string written(const Ids& ids) const;  // with spaces between; - for ignore_index
};

// The input again; from behind; in order. Symbols are a number each, lengths from `shortest` to `longest`.
Probe copying(std::int64_t symbols, std::int64_t shortest, std::int64_t longest);
Probe reversing(std::int64_t symbols, std::int64_t shortest, std::int64_t longest);
Probe sorting(std::int64_t length, std::int64_t symbols);

// "4 7 + 8 5 =" and "1 3 2": two numbers of `digits` digits, and their sum, which has a digit more.
Probe addition(std::int64_t digits);

// `remember` symbols, then `wait` - 1 blanks, a sign to begin and `remember` blanks; the target is blank, and
// the symbols from the sign on.   Hochreiter & Schmidhuber 1997; Arjovsky, Shah & Bengio 2016
Probe copy_memory(std::int64_t remember, std::int64_t wait, std::int64_t symbols = 8);

// Brackets of `kinds` kinds that match, at most `depth` open at once. The target after each is the bracket
// that closes what was opened last, or the last symbol where nothing is open.
Probe dyck(std::int64_t kinds, std::int64_t depth, std::int64_t length);

// Keys and values by turns: which value a key has is drawn anew for each example. The target is asked at keys
// that came before, and is their value: it stands in this sequence and nowhere else.
Probe random_mapping(std::int64_t keys, std::int64_t values, std::int64_t shots);

// The adding problem: numbers from [0, 1), two of them marked, one in each half; the target is the sum of
// these two. Always to say 1 has a mean squared error of 1/6.   Hochreiter & Schmidhuber 1997
struct Adding {
  Tensor x;  // (count, length, 2): numbers and marks
  Tensor y;  // (count, 1)
};
Adding adding_problem(std::uint64_t seed, std::int64_t first, std::int64_t count, std::int64_t length);

// sin(2 pi (t / period + phase)) + noise for t = 0 … length - 1, period and phase drawn for each.   (count,
// length)
struct SineOptions {
  std::int64_t length = 64;
  double shortest = 8, longest = 32;  // period
  double noise = 0;                   // its standard deviation
};
Tensor sines(std::uint64_t seed, std::int64_t first, std::int64_t count, const SineOptions& options = {});

}  // namespace gradus::data
