// From logits to tokens by chance: the bent distribution against plain loops, draws against the distribution.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include <gradus/core/create.h>
#include <gradus/data/random.h>
#include <gradus/models/sampling.h>

#include "support/catch.h"
#include "support/throws.h"
#include "support/writers.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

// What sampling.h says, token by token: how likely is i?
std::vector<double> bent(std::vector<double> logits, const Sampling& s, const data::Ids& before) {
  const std::size_t size = logits.size();
  for (const std::int64_t id : std::set<std::int64_t>(before.begin(), before.end())) {
    double& x = logits[static_cast<std::size_t>(id)];
    x = x > 0 ? x / s.repetition_penalty : x * s.repetition_penalty;
  }
  const auto ahead = [&](std::size_t i) {  // of i
    std::vector<std::size_t> all;
    for (std::size_t j = 0; j < size; ++j)
      if (logits[j] > logits[i] || (logits[j] == logits[i] && j < i)) all.push_back(j);
    return all;
  };
  const auto normalised = [&](std::vector<double> p) {
    double total = 0;
    for (const double x : p) total += x;
    for (double& x : p) x /= total;
    return p;
  };
  std::vector<double> p(size);
  for (std::size_t i = 0; i < size; ++i) {
    if (s.temperature == 0) {
      p[i] = ahead(i).empty() ? 1 : 0;
      continue;
    }
    const bool may = s.top_k == 0 || ahead(i).size() < static_cast<std::size_t>(s.top_k);
    p[i] = may ? std::exp(logits[i] / s.temperature) : 0;
  }
  const std::vector<double> all = p = normalised(p);
  for (std::size_t i = 0; i < size; ++i) {
    double mass = 0;
    for (const std::size_t j : ahead(i)) mass += all[j];
    if (s.top_p < 1 && mass >= s.top_p) p[i] = 0;
  }
  return normalised(p);
}

std::size_t possible(const std::vector<double>& p) {
  return static_cast<std::size_t>(std::count_if(p.begin(), p.end(), [](double x) { return x > 0; }));
}

}  // namespace

TEST_CASE("a distribution is bent as its formula says", "[model][sampling]") {
  data::Random random(1, 0);
  for (int trial = 0; trial < 2000; ++trial) {
    const std::int64_t size = 1 + random.below(9);
    std::vector<double> logits;
    // Often equal, now and then impossible.
    for (std::int64_t i = 0; i < size; ++i)
      logits.push_back(i > 0 && random.chance(0.1) ? -inf : static_cast<double>(random.below(7)) - 3);
    data::Ids before;
    while (random.chance(0.7)) before.push_back(random.below(size));
    const std::array temperatures = {0.0, 0.3, 1.0, 2.5};
    const std::array masses = {1.0, 0.99, 0.7, 0.21, 1e-9};
    const std::array penalties = {1.0, 1.3, 0.5};
    const Sampling sampling{.temperature = random.pick(temperatures),
                            .top_k = random.below(size + 3),
                            .top_p = random.pick(masses),
                            .repetition_penalty = random.pick(penalties)};
    const std::vector<double> expected = bent(logits, sampling, before);
    const std::vector<double> p = distribution(from_vector(logits), sampling, before);
    REQUIRE(p.size() == expected.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      INFO("trial " << trial << ", token " << i);
      CHECK((p[i] > 0) == (expected[i] > 0));
      CHECK(p[i] == Approx(expected[i]).epsilon(1e-12));
    }
  }
}

TEST_CASE("options that bend nothing leave the softmax, of f32 logits as well", "[model][sampling]") {
  const std::vector<double> p = distribution(tensor({0, 1, -2}), {}, {});
  const double total = 1 + std::exp(1) + std::exp(-2);
  CHECK(p[0] == Approx(1 / total));
  CHECK(p[1] == Approx(std::exp(1) / total));
  CHECK(p[2] == Approx(std::exp(-2) / total));
}

TEST_CASE("top_p keeps no token more than it needs", "[model][sampling]") {
  const Tensor logits = zeros({4});
  CHECK(distribution(logits, {.top_p = 0.25}, {}) == std::vector<double>{1, 0, 0, 0});
  CHECK(distribution(logits, {.top_p = 0.5}, {}) == std::vector<double>{0.5, 0.5, 0, 0});
  CHECK(distribution(logits, {.top_k = 2, .top_p = 0.5}, {}) == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("no temperature, however low or high, loses the distribution", "[model][sampling]") {
  const Tensor logits = tensor({1e4, 3.0, -1e4, 1e4}, f64);
  for (const double temperature : {0.0, 1e-320, 1e-30})
    CHECK(distribution(logits, {.temperature = temperature, .top_k = 1}, {}) ==
          std::vector<double>{1, 0, 0, 0});
  CHECK(distribution(logits, {.temperature = 1e-320}, {}) == std::vector<double>{0.5, 0, 0, 0.5});
  for (const double x : distribution(logits, {.temperature = 1e300}, {})) CHECK(x == Approx(0.25));
}

TEST_CASE("tokens are drawn as often as the bent distribution says", "[model][sampling]") {
  const data::Characters tokenizer = letters("abcdefgh");
  const std::vector<double> logits = {1, 0.5, 0, -0.5, 2, -1, 0.2, -3};
  const Sampling sampling = GENERATE(Sampling{}, Sampling{.temperature = 0.6}, Sampling{.top_k = 5},
                                     Sampling{.temperature = 1.5, .top_k = 7, .top_p = 0.9});
  const std::vector<double> expected = bent(logits, sampling, {});
  std::vector<double> counts(8);
  Same writer(logits);
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const char letter :
         generate(writer, tokenizer, "a", {.tokens = 1000, .sampling = sampling, .seed = seed}))
      ++counts[static_cast<std::size_t>(letter - 'a')];
  double chi_square = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    if (expected[i] == 0)
      CHECK(counts[i] == 0);
    else
      chi_square += std::pow(counts[i] - 20000 * expected[i], 2) / (20000 * expected[i]);
  }
  CHECK(possible(expected) == std::array{8U, 8U, 5U, 6U}.at(sampling.top_k == 5  ? 2
                                                            : sampling.top_p < 1 ? 3
                                                                                 : 0));
  CHECK(chi_square < 29.88);  // 7 degrees of freedom: once in 10,000
  CHECK(chi_square > 0.01);   // draws, not shares
}

TEST_CASE("sampling refuses each option that is none", "[model][sampling][error]") {
  const auto refusal = [](const Sampling& sampling) {
    return message_of([&] { distribution(tensor({1, 2}), sampling, {}); });
  };
  for (const double x : {-0.1, inf, not_a_number})
    CHECK(refusal({.temperature = x}).starts_with("[sampling] temperature is a number from 0 on, not "));
  CHECK(
      refusal({.temperature = -1}) ==
      "[sampling] temperature is a number from 0 on, not -1. 1 leaves the model's distribution, 0 takes the "
      "most likely token?");
  CHECK(refusal({.top_k = -1}) == "[sampling] top_k is how many tokens may come, not -1. 0 for all?");
  for (const double x : {0.0, -0.5, 1.0001, not_a_number})
    CHECK(refusal({.top_p = x}).starts_with("[sampling] top_p is a probability above 0, at most 1, not "));
  CHECK(
      refusal({.top_p = 90}) ==
      "[sampling] top_p is a probability above 0, at most 1, not 90. 1 for all tokens, .temperature = 0 for "
      "the most likely one?");
  for (const double x : {0.0, -1.0, inf, not_a_number})
    CHECK(refusal({.repetition_penalty = x})
              .starts_with("[sampling] repetition_penalty is a number above 0, not "));
  CHECK(refusal({.repetition_penalty = 0}) ==
        "[sampling] repetition_penalty is a number above 0, not 0. 1 for none?");

  CHECK(message_of([] {
          distribution(zeros({1, 2}), {}, {});
        }) == "[sampling] logits must be (V,), floating, not (1, 2) of f32. Select one row?");
  CHECK(message_of([] { distribution(zeros({2}, i64), {}, {}); }) ==
        "[sampling] logits must be (V,), floating, not (2,) of i64. Select one row?");
  CHECK(message_of([] { distribution(zeros({0}), {}, {}); }) ==
        "[sampling] logits must be (V,), floating, not (0,) of f32. Select one row?");
  CHECK(message_of([] {
          distribution(tensor({0, not_a_number}), {}, {});
        }) == "[sampling] a logit is nan: there is nothing to draw from. Did the training diverge?");
  CHECK(message_of([] {
          distribution(tensor({0, inf}), {}, {});
        }) == "[sampling] a logit is inf: there is nothing to draw from. Did the training diverge?");
  CHECK(message_of([] {
          distribution(tensor({-inf, -inf}), {}, {});
        }) == "[sampling] all logits are -inf, so that no token may come. Masked too much?");
  CHECK(message_of([] {
          distribution(zeros({2}), {}, std::vector<std::int64_t>{1, 2});
        }) ==
        "[sampling] token 2 was written before and is none of the 2 that have a logit. Another tokenizer's?");
}
