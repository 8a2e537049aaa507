// What vectors of words know: which words are alike, and what is to c as a is to b.
//
//   const WordVectors vectors(tokenizer.vocabulary(), model.input.weight);
//   for (const auto& [word, cosine] : vectors.nearest("boat", 5)) ...
//
// For any model's embedding matrix. Likeness is the cosine of two vectors; that with zeros, which have no
// direction, counts as 0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gradus/core/tensor.h>
#include <gradus/data/vocabulary.h>

namespace gradus::models {

class WordVectors {
 public:
  // vectors: (V, width), row i of token i. They are copied.
  WordVectors(data::Vocabulary vocabulary, const Tensor& vectors);

  struct Neighbour {
    std::string word;
    double cosine;
  };
  // The `count` words nearest to this one, itself aside, the nearest first.
  std::vector<Neighbour> nearest(std::string_view word, std::int64_t count) const;
  // Nearest to a - b + c, each of length 1, these three aside: king - man + woman is near queen.
  // Mikolov, Yih & Zweig 2013
  std::vector<Neighbour> analogy(std::string_view a, std::string_view b, std::string_view c,
                                 std::int64_t count) const;

 private:
  std::vector<Neighbour> nearest(const Tensor& to, const std::vector<std::int64_t>& aside,
                                 std::int64_t count) const;

  data::Vocabulary vocabulary_;
  Tensor unit_;  // (V, width), f64: rows of length 1, or zeros
};

}  // namespace gradus::models
