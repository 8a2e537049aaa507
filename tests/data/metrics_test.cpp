#include <gradus/data/metrics.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include <gradus/core/create.h>
#include <gradus/data/random.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

using Words = std::vector<std::string>;
using Numbers = std::vector<double>;
using Labels = std::vector<std::int64_t>;

Words words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

Approx close_to(double value) { return Approx(value).epsilon(1e-12); }

// Spearman's coefficient where no number comes twice: 1 - 6 sum of squared differences of ranks / (n^3 - n).
double spearman_without_ties(const Numbers& x, const Numbers& y) {
  const auto rank = [](const Numbers& values, double of) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), [&](double v) { return v < of; }));
  };
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(rank(x, x[i]) - rank(y, y[i]), 2);
  const auto n = static_cast<double>(x.size());
  return 1 - 6 * sum / (n * n * n - n);
}

}  // namespace

TEST_CASE("a perplexity is the number of equally likely tokens that surprise as much", "[data]") {
  CHECK(perplexity(std::log(50.0)) == close_to(50));
  CHECK(perplexity(0) == 1);
  // Two batches of unequal size: the sums are added, not the means.
  CHECK(perplexity(3 * std::log(2.0) + 1 * std::log(32.0), 4) == close_to(4));
  CHECK(message_of([] { perplexity(0, 0); }) ==
        "[perplexity] is per token, and there are 0. Was the data empty?");
}

TEST_CASE("accuracy counts the targets that are not ignored", "[data]") {
  const Tensor targets = from_vector<std::int64_t>({1, 2, -100, 3, -100, 0}, {2, 3});
  const Tensor predicted = from_vector<std::int64_t>({1, 0, 5, 3, -100, 0}, {2, 3});
  CHECK(accuracy(predicted, targets) == Share{3, 4});
  CHECK(accuracy(predicted, targets, std::nullopt) == Share{4, 6});
  CHECK(accuracy(predicted, targets, 0) == Share{3, 5});
  const auto across = [](const Tensor& x) { return x.window({3, 2}, {1, 3}, 0); };
  CHECK(accuracy(across(predicted), across(targets)) == Share{3, 4});
  Share sum = accuracy(predicted, targets);
  sum += {1, 1};
  CHECK(sum.value() == 0.8);
  CHECK(message_of([] {
          Share{0, 0}.value();
        }) == "[share] of nothing at all there is no share. Was every target ignored, or the data empty?");
  CHECK(message_of([&] {
          accuracy(predicted.window({2, 2}, {3, 1}, 0), targets);
        }) == "[accuracy] predictions are (2, 2) and targets (2, 3). Take argmax over the classes?");
}

TEST_CASE("an exact match agrees in every token", "[data]") {
  CHECK(exact_match<Labels>({{1, 2}, {1}, {}, {3}}, {{1, 2}, {1, 2}, {}, {4}}) == Share{2, 4});
  CHECK(exact_match<std::string>({"a", "b"}, {"a", "B"}).value() == 0.5);
  CHECK(message_of([] { exact_match<std::string>({"a"}, {}); }) ==
        "[exact_match] 1 predictions for 0 that are expected. Is one missing?");
}

TEST_CASE("token F1 is the harmonic mean of precision and recall over bags of tokens", "[data]") {
  // 2 of 3 predicted, 2 of 4 expected: 2 (2/3)(1/2) / (2/3 + 1/2) = 4/7, whatever the order.
  CHECK(token_f1(words_of("the red barn"), words_of("barn that is red")) == close_to(4.0 / 7));
  // "a" comes twice here and three times there, which is two tokens in both.
  CHECK(token_f1(words_of("a a b"), words_of("a a a")) == close_to(2.0 / 3));
  CHECK(token_f1(Labels{1, 2}, Labels{3}) == 0);
  CHECK(token_f1(Labels{}, Labels{}) == 1);
  CHECK(token_f1(Labels{}, Labels{1}) == 0);
  CHECK(token_f1(words_of("The barn."), words_of("barn")) == 0);  // as they are
}

TEST_CASE("the size of the common bag is what counting one by one gives", "[data]") {
  Random random(1, 0);
  for (int trial = 0; trial < 200; ++trial) {
    Labels a, b;
    for (std::int64_t n = random.below(12); n > 0; --n) a.push_back(random.below(5));
    for (std::int64_t n = random.below(12); n > 0; --n) b.push_back(random.below(5));
    std::int64_t common = 0;
    std::multiset<std::int64_t> left(b.begin(), b.end());
    for (const std::int64_t token : a)
      if (const auto found = left.find(token); found != left.end()) left.erase(found), ++common;
    REQUIRE(in_both(a, b) == common);
  }
}

TEST_CASE("entities are found in tags as conlleval finds them", "[data]") {
  const auto found = [](const std::string& tags) { return entities(words_of(tags)); };
  using Entities = std::vector<Entity>;
  CHECK(found("").empty());
  CHECK(found("O O").empty());
  CHECK(found("B-PER I-PER O B-LOC") == Entities{{"PER", 0, 2}, {"LOC", 3, 4}});
  CHECK(found("B-PER B-PER I-PER") == Entities{{"PER", 0, 1}, {"PER", 1, 3}});
  // I- without a B- of its type begins an entity.
  CHECK(found("I-PER I-PER O I-LOC") == Entities{{"PER", 0, 2}, {"LOC", 3, 4}});
  CHECK(found("B-PER I-LOC I-LOC") == Entities{{"PER", 0, 1}, {"LOC", 1, 3}});
  CHECK(found("I-LOC B-LOC") == Entities{{"LOC", 0, 1}, {"LOC", 1, 2}});
  CHECK(message_of([&] { found("O E-PER"); }) ==
        "[entities] tag 1 is 'E-PER'; tags are O, B-type and I-type. Is it another scheme?");
  for (const char* tag : {"B", "I-", "o", "B_PER"})
    CHECK(message_of([&] { found(tag); }).find(" tag 0 is '" + std::string(tag)) != std::string::npos);
}

TEST_CASE("the entities of any well-formed tags are those that the tags were written from", "[data]") {
  Random random(2, 0);
  const Words types = {"PER", "LOC", "ORG"};
  for (int trial = 0; trial < 200; ++trial) {
    Words tags;
    std::vector<Entity> written;
    while (tags.size() < 12) {
      if (random.chance(0.4)) {
        tags.push_back("O");
        continue;
      }
      const auto begin = static_cast<std::int64_t>(tags.size());
      const std::string& type = random.pick(types);
      tags.push_back("B-" + type);
      while (random.chance(0.5)) tags.push_back("I-" + type);
      written.push_back({type, begin, static_cast<std::int64_t>(tags.size())});
    }
    REQUIRE(entities(tags) == written);
  }
}

TEST_CASE("span F1 asks for type, begin and end, and is added up over sentences", "[data]") {
  const Words expected = words_of("B-PER I-PER O B-LOC O B-ORG I-ORG");
  const Words predicted = words_of("B-PER I-PER O B-ORG O B-ORG O");
  Overlap sum = entity_overlap(predicted, expected);
  CHECK(sum == Overlap{1, 3, 3});
  sum += entity_overlap(words_of("O B-LOC"), words_of("O O"));
  CHECK(sum == Overlap{1, 4, 3});
  CHECK(sum.precision() == 0.25);
  CHECK(sum.recall() == close_to(1.0 / 3));
  CHECK(sum.f1() == close_to(2 * 0.25 * (1.0 / 3) / (0.25 + 1.0 / 3)));
  CHECK(Overlap{}.f1() == 0);
  CHECK(message_of([&] { entity_overlap(predicted, words_of("O")); }) ==
        "[entity_overlap] 7 tags are predicted for 1 tokens. Are the tags of word pieces among them?");
}

TEST_CASE("correlations are what their formulas give by hand", "[data]") {
  // x - mean: -2, 0, 2; y - mean: -1, 1, 0.  pearson = 2 / sqrt(8 * 2).
  CHECK(pearson(Numbers{1, 3, 5}, Numbers{2, 4, 3}) == close_to(0.5));
  CHECK(pearson(Numbers{1, 2, 3}, Numbers{-10, -20, -30}) == close_to(-1));
  CHECK(pearson(Numbers{1, 2, 3}, Numbers{7, 7, 7}) == 0);
  CHECK(pearson(Numbers{1e-200, 2e-200}, Numbers{1, 2}) == 0);  // sums of squares are below the least double
  // Monotone, not linear.
  CHECK(spearman(Numbers{1, 2, 3, 4}, Numbers{1, 10, 100, 1000}) == close_to(1));
  // Ranks 1.5 1.5 3 against 1 2 3: 1.5 / sqrt(1.5 * 2).
  CHECK(spearman(Numbers{5, 5, 9}, Numbers{1, 2, 3}) == close_to(std::sqrt(3.0) / 2));
  CHECK(message_of([] { pearson(Numbers{1}, Numbers{}); }) ==
        "[pearson] compares pairs, and is given 1 and 0 values. Is one missing?");
  CHECK(message_of([] { spearman(Numbers{}, Numbers{}); }) ==
        "[spearman] there is nothing to compare. Was the data empty?");
  CHECK(message_of([] {
          spearman(Numbers{1, std::nan("")}, Numbers{1, 2});
        }) == "[spearman] value 1 is nan, which compares with nothing. Did a loss diverge?");
}

TEST_CASE("Spearman's coefficient of distinct numbers is its formula in differences of ranks", "[data]") {
  Random random(3, 0);
  for (int trial = 0; trial < 50; ++trial) {
    Numbers x, y;
    for (int i = 0; i < 20; ++i) x.push_back(random.uniform()), y.push_back(x.back() + 2 * random.uniform());
    REQUIRE(spearman(x, y) == close_to(spearman_without_ties(x, y)));
  }
}

TEST_CASE("Matthews' coefficient is that of the table of two classes, and Pearson's of 0 and 1", "[data]") {
  Random random(4, 0);
  for (int trial = 0; trial < 50; ++trial) {
    Labels p, t;
    Numbers x, y;
    double tp = 0, tn = 0, fp = 0, fn = 0;
    for (int i = 0; i < 30; ++i) {
      t.push_back(random.chance(0.3));
      p.push_back(random.chance(0.7) ? t.back() : random.chance(0.5));
      x.push_back(static_cast<double>(p.back())), y.push_back(static_cast<double>(t.back()));
      (p.back() ? (t.back() ? tp : fp) : (t.back() ? fn : tn)) += 1;
    }
    const double below = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    REQUIRE(matthews(p, t) == close_to(below == 0 ? 0 : (tp * tn - fp * fn) / std::sqrt(below)));
    REQUIRE(matthews(p, t) == Approx(pearson(x, y)).margin(1e-12));
  }
  CHECK(matthews(Labels{2, 0, 1, 1}, Labels{2, 0, 1, 1}) == close_to(1));
  CHECK(matthews(Labels{1, 1, 1}, Labels{0, 1, 2}) == 0);
  // s = 4, tr C = 3, p = (2, 1, 1), t = (1, 1, 2): (12 - 5) / sqrt((16 - 6)(16 - 6)).
  CHECK(matthews(Labels{0, 0, 1, 2}, Labels{0, 2, 1, 2}) == close_to(0.7));
}
