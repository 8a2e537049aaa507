// Neighbours and analogies against a search in plain loops.
#include <gradus/models/word_vectors.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <gradus/core/create.h>
#include <gradus/models/rnn_lm.h>

#include "support/catch.h"
#include "support/op_table.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

std::string word_of(std::int64_t id) { return std::string(1, static_cast<char>('a' + id)); }

data::Vocabulary letters(std::int64_t count) {
  std::vector<std::string> words;
  for (std::int64_t id = 0; id < count; ++id) words.push_back(word_of(id));
  return data::Vocabulary(words);
}

std::vector<double> row(const Tensor& vectors, std::int64_t id) { return Array(vectors[id].to(f64)).values; }

double length_of(const std::vector<double>& x) {
  double squares = 0;
  for (const double element : x) squares += element * element;
  return std::sqrt(squares);
}

double cosine_of(const std::vector<double>& x, const std::vector<double>& y) {
  double product = 0;
  for (std::size_t c = 0; c < x.size(); ++c) product += x[c] * y[c];
  return product / (length_of(x) * length_of(y));
}

// The words by falling cosine with `to`, but for those aside.
std::vector<std::string> by_search(const Tensor& vectors, const std::vector<double>& to,
                                   const std::vector<std::int64_t>& aside) {
  std::vector<std::pair<double, std::string>> found;
  for (std::int64_t id = 0; id < vectors.size(0); ++id)
    if (std::find(aside.begin(), aside.end(), id) == aside.end())
      found.push_back({-cosine_of(row(vectors, id), to), word_of(id)});
  std::sort(found.begin(), found.end());
  std::vector<std::string> words;
  for (const auto& [cosine, word] : found) words.push_back(word);
  return words;
}

std::vector<std::string> words_of(const std::vector<WordVectors::Neighbour>& neighbours) {
  std::vector<std::string> words;
  for (const auto& [word, cosine] : neighbours) words.push_back(word);
  return words;
}

}  // namespace

TEST_CASE("the nearest words are those of the largest cosines, the word itself aside", "[model]") {
  for (const DType dtype : {f32, f64}) {
    const Tensor vectors = randn({26, 5}, dtype);
    const WordVectors words(letters(26), vectors);
    for (std::int64_t id = 0; id < 26; ++id) {
      const std::vector<std::string> expected = by_search(vectors, row(vectors, id), {id});
      const auto found = words.nearest(word_of(id), 25);
      CHECK(words_of(found) == expected);
      for (const auto& [word, cosine] : found)
        CHECK(cosine == Approx(cosine_of(row(vectors, id), row(vectors, word[0] - 'a'))).margin(1e-12));
      CHECK(words_of(words.nearest(word_of(id), 3)) ==
            std::vector<std::string>(expected.begin(), expected.begin() + 3));
      CHECK(words.nearest(word_of(id), 100).size() == 25);
    }
  }
}

TEST_CASE("an analogy adds and takes away vectors of length 1, its three words aside", "[model]") {
  const Tensor vectors = randn({26, 5}, f64);
  const WordVectors words(letters(26), vectors);
  for (std::int64_t a = 0; a < 26; ++a) {
    const std::int64_t b = (a + 7) % 26, c = (a + 12) % 26;
    const std::vector<double> of_a = row(vectors, a), of_b = row(vectors, b), of_c = row(vectors, c);
    std::vector<double> to;
    for (std::size_t i = 0; i < 5; ++i)
      to.push_back(of_a[i] / length_of(of_a) - of_b[i] / length_of(of_b) + of_c[i] / length_of(of_c));
    const auto found = words.analogy(word_of(a), word_of(b), word_of(c), 23);
    CHECK(words_of(found) == by_search(vectors, to, {a, b, c}));
    CHECK(found[0].cosine == Approx(cosine_of(to, row(vectors, found[0].word[0] - 'a'))));
  }

  const Tensor royal = tensor({{1, 1, 0}, {1, -1, 0}, {0, 1, 1}, {0, -1, 1}, {0, 0, 1}, {0.2, 0.2, 1}}, f64);
  const data::Vocabulary people({"king", "man", "queen", "woman", "girl", "boy"});
  // king - man = (0, 2, 0) / sqrt(2)
  CHECK(WordVectors(people, royal).analogy("king", "man", "woman", 1)[0].word == "queen");
}

TEST_CASE("equally near words keep the vocabulary's order, and zeros are near nothing", "[model]") {
  const WordVectors words(letters(6), tensor({{1, 0}, {0, 0}, {0, 3}, {0, -1}, {2, 0}, {0.5, 0}}));
  const auto found = words.nearest("a", 5);
  CHECK(words_of(found) == std::vector<std::string>{"e", "f", "b", "c", "d"});
  CHECK(found[0].cosine == 1);
  CHECK(found[2].cosine == 0);
  for (const auto& [word, cosine] : words.nearest("b", 5)) CHECK(cosine == 0);
  for (const auto& [word, cosine] : words.analogy("a", "e", "b", 3)) CHECK(cosine == 0);
}

TEST_CASE("neither large nor small vectors change a cosine", "[model]") {
  const Tensor vectors = randn({10, 4}, f64);
  const auto expected = WordVectors(letters(10), vectors).nearest("a", 9);
  for (const double scale : {1e200, 1e-200}) {
    const auto found = WordVectors(letters(10), vectors.clone().mul_(scale)).nearest("a", 9);
    CHECK(words_of(found) == words_of(expected));
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].cosine == Approx(expected[i].cosine));
  }
}

TEST_CASE("word vectors are a copy of any model's embedding", "[model]") {
  const RnnLm model({.vocabulary = 7, .width = 4, .hidden = 4});
  const WordVectors words(letters(7), model.embedding.weight);
  const std::vector<std::string> before = words_of(words.nearest("a", 6));
  CHECK(before == by_search(model.embedding.weight.detach(), row(model.embedding.weight.detach(), 0), {0}));
  model.embedding.weight.detach().zero_();
  CHECK(words_of(words.nearest("a", 6)) == before);
}

TEST_CASE("word vectors refuse what is not a vector for each word", "[model]") {
  const auto refused = [](const Tensor& vectors) {
    return message_of([&] { WordVectors(letters(3), vectors); });
  };
  CHECK(
      refused(zeros({4, 2})) ==
      "[word_vectors] vectors must be (3, width), a row for each token, not (4, 2). Of another vocabulary?");
  CHECK(refused(zeros({3})).find("not (3,)") != std::string::npos);
  CHECK(refused(zeros({3, 0})).find("not (3, 0)") != std::string::npos);
  CHECK(refused(zeros({3, 2}, i64)) == "[word_vectors] vectors are f32 or f64, not i64. Convert them?");
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Tensor vectors = ones({3, 2});
    vectors[1][0].fill_(bad);
    CHECK(refused(vectors) ==
          "[word_vectors] a vector has an element that is no finite number. Did the training diverge?");
  }
  const WordVectors words(letters(3), ones({3, 2}));
  CHECK(message_of([&] { words.nearest("z", 1); }) == "[vocabulary] 'z' is none of its 3 tokens");
  CHECK(message_of([&] { words.analogy("a", "b", "z", 1); }) == "[vocabulary] 'z' is none of its 3 tokens");
  CHECK(message_of([&] { words.nearest("a", 0); }) == "[word_vectors] asked for 0 words. 5?");
}
