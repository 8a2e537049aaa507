#include <gradus/data/ngram.h>

#include <cmath>

#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int64_t vocabulary = 5;

// Each token is likely the one before plus one, so that contexts say something; token 4 never comes.
Ids stream_of(std::uint64_t seed, int length) {
  Random random(seed, 0);
  Ids ids;
  for (int i = 0; i < length; ++i)
    ids.push_back(i > 0 && random.chance(0.7) ? (ids.back() + 1) % 4 : random.below(4));
  return ids;
}

// (count(context, token) + a) / (count(context) + a V), by looking at every place of every stream.
double by_definition(const std::vector<Ids>& streams, Ids context, std::int64_t token, int order, double a) {
  if (order == 0) return 1.0 / vocabulary;
  while (context.size() > static_cast<std::size_t>(order - 1)) context.erase(context.begin());
  double both = 0, any = 0;
  for (const Ids& stream : streams)
    for (std::size_t at = context.size(); at < stream.size(); ++at) {
      const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(at - context.size());
      if (!std::equal(context.begin(), context.end(), begin)) continue;
      any += 1;
      both += stream[at] == token;
    }
  return (both + a) / (any + a * vocabulary);
}

}  // namespace

TEST_CASE("an n-gram model's probabilities are its counts, by definition", "[data]") {
  const std::vector<Ids> streams = {stream_of(1, 60), stream_of(2, 1), {}, stream_of(3, 25)};
  const Ids other = stream_of(4, 40);
  for (const int order : {0, 1, 2, 3, 4})
    for (const double a : {1.0, 0.01}) {
      NgramModel model({.vocabulary = vocabulary, .order = order, .a = a});
      for (const Ids& stream : streams) model.train(stream);
      const std::vector<double> all = model.log_probabilities(other);
      double sum = 0;
      for (std::size_t at = 0; at < other.size(); ++at) {
        const Ids context(other.begin(), other.begin() + static_cast<std::ptrdiff_t>(at));
        const double p = by_definition(streams, context, other[at], order, a);
        REQUIRE(all[at] == Approx(std::log(p)));
        REQUIRE(model.log_probability(context, other[at]) == all[at]);
        sum -= std::log(p);
      }
      CHECK(model.cross_entropy(other) == Approx(sum / static_cast<double>(other.size())));
    }
}

TEST_CASE("an n-gram model's probabilities sum to one in every context, seen or not", "[data]") {
  for (const int order : {0, 1, 2, 3}) {
    NgramModel model({.vocabulary = vocabulary, .order = order, .a = 0.3});
    model.train(stream_of(5, 50));
    for (const Ids& context : {Ids{}, Ids{0}, Ids{4}, Ids{0, 1}, Ids{3, 1}, Ids{4, 4}, Ids{1, 4, 2, 3}}) {
      double sum = 0;
      for (std::int64_t token = 0; token < vocabulary; ++token)
        sum += std::exp(model.log_probability(context, token));
      CHECK(sum == Approx(1));
    }
  }
}

TEST_CASE("smoothed without end a model is uniform, and before it has seen anything", "[data]") {
  const Ids stream = stream_of(6, 100);
  const double uniform = std::log(static_cast<double>(vocabulary));
  CHECK(NgramModel({.vocabulary = vocabulary, .order = 0}).cross_entropy(stream) == Approx(uniform));
  for (const int order : {1, 2, 3}) {
    NgramModel model({.vocabulary = vocabulary, .order = order, .a = 1e12});
    CHECK(model.cross_entropy(stream) == Approx(uniform));
    model.train(stream);
    CHECK(model.cross_entropy(stream) == Approx(uniform).epsilon(1e-9));
  }
}

TEST_CASE("of a long stream a model's loss is the entropy that the stream was drawn with", "[data]") {
  // The next token is the one before plus one with 0.7 + 0.3 / 4, each other one with 0.3 / 4.
  const double follows = 0.7 + 0.3 / 4, other = 0.3 / 4;
  const double entropy = -follows * std::log(follows) - 3 * other * std::log(other);
  const Ids seen = stream_of(7, 100000), held_out = stream_of(8, 100000);
  const auto loss = [&](int order) {
    NgramModel model({.vocabulary = 4, .order = order, .a = 0.1});
    model.train(seen);
    return model.cross_entropy(held_out);
  };
  CHECK(loss(1) == Approx(std::log(4.0)).margin(0.002));  // all tokens are as frequent
  // -log p of a token deviates by 1; the mean of 10^5 by 0.003, four times that is 0.013.
  CHECK(loss(2) == Approx(entropy).margin(0.013));
  CHECK(loss(3) == Approx(entropy).margin(0.013));
}

TEST_CASE("a large vocabulary's trigrams are told apart", "[data]") {
  constexpr std::int64_t V = 2000000;  // V^3 is just below 2^63
  NgramModel model({.vocabulary = V, .order = 3, .a = 1});
  const Ids ids{V - 1, V - 1, V - 1, V - 1, V - 2};
  model.train(ids);
  const Ids context{V - 1, V - 1};
  CHECK(model.log_probability(context, V - 1) == Approx(std::log(3.0 / (3 + V))));
  CHECK(model.log_probability(context, V - 2) == Approx(std::log(2.0 / (3 + V))));
  CHECK(model.log_probability(context, 0) == Approx(std::log(1.0 / (3 + V))));
}

TEST_CASE("what an n-gram model cannot count is refused and changes nothing", "[data][error]") {
  const auto refusal = [](const NgramModel::Options& options) {
    return message_of([&] { NgramModel model(options); });
  };
  CHECK(refusal({.vocabulary = 0, .order = 1}) ==
        "[ngram_model] the vocabulary must have tokens, not 0. Its size()?");
  CHECK(refusal({.vocabulary = 5, .order = -1}) ==
        "[ngram_model] the order must be 0 (uniform), 1 (unigram), 2 (bigram) or more, not -1");
  for (const double a : {0.0, -1.0, std::nan("")})
    CHECK(refusal({.vocabulary = 5, .order = 1, .a = a}).find("a must be above 0") != std::string::npos);
  CHECK(refusal({.vocabulary = 2100000, .order = 3}) ==
        "[ngram_model] there are more than 2^63 sequences of 3 of 2100000 tokens. A lower order?");

  NgramModel model({.vocabulary = vocabulary, .order = 2});
  const Ids wrong{0, 1, 5}, right{0, 1};
  CHECK(message_of([&] { model.train(wrong); }) ==
        "[ngram_model] there is no token 5: they go from 0 to 4. Another tokenizer's?");
  CHECK(model.cross_entropy(right) == Approx(std::log(5.0)));
  CHECK(message_of([&] { model.log_probability({}, -1); }).find("no token -1") != std::string::npos);
  CHECK(message_of([&] { model.cross_entropy({}); }) ==
        "[ngram_model] of no tokens there is no mean. Was the data empty?");
}
