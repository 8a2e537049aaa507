#include <gradus/data/random.h>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include <gradus/core/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using data::Random;
using gradus::test::message_of;

namespace {

// |count - n p| in standard errors of a count of n draws, each with probability p.
double standard_errors(std::int64_t count, std::int64_t n, double p) {
  const double mean = static_cast<double>(n) * p;
  return std::abs(static_cast<double>(count) - mean) / std::sqrt(mean * (1 - p));
}

}  // namespace

TEST_CASE("a stream's bits are Philox blocks of (block, stream) under the seed", "[data][random]") {
  constexpr std::uint64_t seed = 0x0123456789abcdef, stream = 0xfedcba9876543210;
  Random random(seed, stream);
  for (std::uint32_t block = 0; block < 3; ++block) {
    const auto words = philox({block, 0, 0x76543210, 0xfedcba98}, {0x89abcdef, 0x01234567});
    for (std::size_t left = words.size(); left-- > 0;) CHECK(random.bits() == words[left]);
  }
}

TEST_CASE("the first choices of a stream are pinned", "[data][random]") {
  Random random(0, 0);
  CHECK(random.bits() == 0x9b00dbd8);  // Random123's known answer for zeros, its last word
  CHECK(random.bits() == 0xbc57ac4c);
  Random choices(1, 2);
  std::string text;
  for (int i = 0; i < 12; ++i) text += std::to_string(choices.below(10));
  CHECK(text == "025902874635");
}

TEST_CASE("what a stream gives does not depend on other streams or on when it is asked", "[data][random]") {
  std::vector<std::uint32_t> alone;
  for (std::uint64_t stream = 0; stream < 100; ++stream) alone.push_back(Random(7, stream).bits());
  std::vector<Random> all;
  for (std::uint64_t stream = 0; stream < 100; ++stream) all.emplace_back(7, stream);
  for (std::size_t i = 100; i-- > 0;) CHECK(all[i].bits() == alone[i]);
  std::set<std::uint32_t> distinct(alone.begin(), alone.end());
  for (std::uint64_t seed = 8; seed < 108; ++seed) distinct.insert(Random(seed, 0).bits());
  CHECK(distinct.size() == 200);
}

TEST_CASE("below chooses each number as often, whatever their count", "[data][random]") {
  struct Choice {
    std::int64_t n, classes;  // counted by their remainder, which is as likely for each class
  };
  constexpr std::int64_t draws = 60000;
  // Of 3 * 2^30 numbers, each third would come twice as often as the others if no draw were refused.
  for (const auto& [n, classes] : {Choice{1, 1}, Choice{2, 2}, Choice{3, 3}, Choice{7, 7}, Choice{100, 10},
                                   Choice{std::int64_t{3} << 30, 3}, Choice{std::int64_t{1} << 32, 16}}) {
    CAPTURE(n);
    Random random(1, static_cast<std::uint64_t>(n));
    std::map<std::int64_t, std::int64_t> counts;
    bool inside = true, upper = false;
    for (std::int64_t i = 0; i < draws; ++i) {
      const std::int64_t x = random.below(n);
      inside = inside && x >= 0 && x < n;
      upper = upper || x >= n / 2;
      ++counts[x % classes];
    }
    CHECK((inside && upper));
    CHECK(static_cast<std::int64_t>(counts.size()) == classes);
    if (n == 1) continue;
    for (const auto& [x, count] : counts)
      CHECK(standard_errors(count, draws, 1.0 / static_cast<double>(classes)) < 5);
  }
}

TEST_CASE("uniform numbers fill [0, 1) in steps of 2^-53", "[data][random]") {
  Random random(2, 0);
  constexpr int draws = 100000;
  double sum = 0, squares = 0, least = 1, most = 0;
  for (int i = 0; i < draws; ++i) {
    const double u = random.uniform();
    REQUIRE(u * 0x1p53 == std::floor(u * 0x1p53));
    sum += u, squares += u * u;
    least = std::min(least, u), most = std::max(most, u);
  }
  CHECK((least >= 0 && least < 1e-3));
  CHECK((most < 1 && most > 1 - 1e-3));
  // Mean 1/2 with variance 1/12; mean square 1/3 with variance 4/45.
  CHECK(std::abs(sum / draws - 0.5) < 5 * std::sqrt(1.0 / 12 / draws));
  CHECK(std::abs(squares / draws - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / draws));
}

TEST_CASE("chances and weights come as often as they say", "[data][random]") {
  Random random(3, 0);
  constexpr std::int64_t draws = 100000;
  for (const double p : {0.15, 0.5, 0.999}) {
    std::int64_t count = 0;
    for (std::int64_t i = 0; i < draws; ++i) count += random.chance(p);
    CHECK(standard_errors(count, draws, p) < 5);
  }
  for (int i = 0; i < 1000; ++i) REQUIRE_FALSE(random.chance(0));
  for (int i = 0; i < 1000; ++i) REQUIRE(random.chance(1));

  const std::array<double, 5> weights{0, 1, 0, 6, 3};
  std::array<std::int64_t, 5> counts{};
  for (std::int64_t i = 0; i < draws; ++i) ++counts[random.weighted(weights)];
  CHECK((counts[0] == 0 && counts[2] == 0));
  for (const std::size_t i : {1, 3, 4}) CHECK(standard_errors(counts[i], draws, weights[i] / 10) < 5);
}

TEST_CASE("a shuffle makes every order as likely, and pick takes every item", "[data][random]") {
  Random random(4, 0);
  constexpr std::int64_t draws = 48000;
  std::map<std::vector<int>, std::int64_t> orders;
  for (std::int64_t i = 0; i < draws; ++i) {
    std::vector<int> items{1, 2, 3, 4};
    random.shuffle(items);
    ++orders[items];
  }
  CHECK(orders.size() == 24);
  for (const auto& [order, count] : orders) CHECK(standard_errors(count, draws, 1.0 / 24) < 5);

  const std::vector<std::string> words{"a", "b", "c"};
  std::map<std::string, std::int64_t> picked;
  for (std::int64_t i = 0; i < draws; ++i) ++picked[random.pick(words)];
  for (const std::string& word : words) CHECK(standard_errors(picked[word], draws, 1.0 / 3) < 5);

  std::vector<int> none;
  random.shuffle(none);
  CHECK(none.empty());
}

TEST_CASE("choices from nothing are refused", "[data][random][error]") {
  Random random(0, 0);
  for (const std::int64_t n : {std::int64_t{0}, std::int64_t{-1}, (std::int64_t{1} << 32) + 1})
    CHECK(message_of([&] { random.below(n); }) ==
          "[random] below(" + std::to_string(n) + ") has nothing to choose from, or more than 2^32");
  const auto refusal = [&](std::vector<double> weights) {
    return message_of([&] { random.weighted(weights); });
  };
  CHECK(refusal({}) == "[random] weights that sum to 0 choose nothing");
  CHECK(refusal({0, 0}) == "[random] weights that sum to 0 choose nothing");
  CHECK(refusal({1, -0.5}) == "[random] a weight is -0.5: none may be below 0");
  CHECK(refusal({1, std::nan("")}) == "[random] a weight is nan: none may be below 0");
  CHECK(refusal({1, std::numeric_limits<double>::infinity()}) ==
        "[random] weights that sum to inf choose nothing");
}
