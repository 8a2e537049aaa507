#include <gradus/core/random.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include <gradus/core/create.h>
#include <gradus/core/kernels/random.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"

using namespace gradus;

namespace {

using Words = std::array<std::uint32_t, 4>;

// The 32-bit word of lane i, one block at a time.
std::uint32_t word_of(const RandomState& from, std::int64_t i) {
  const std::uint64_t block = from.counter + static_cast<std::uint64_t>(i / 4);
  return philox({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
                {static_cast<std::uint32_t>(from.seed),
                 static_cast<std::uint32_t>(from.seed >> 32)})[static_cast<std::size_t>(i % 4)];
}

// How far counts are from equal: about `counts.size() - 1`, give or take its root's double.
double chi_square(const std::vector<double>& counts) {
  const double expected =
      std::accumulate(counts.begin(), counts.end(), 0.0) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

// No further from its mean than five standard deviations, once in two million.
bool is_plausible_chi_square(double value, double freedom) {
  return std::abs(value - freedom) < 5 * std::sqrt(2 * freedom);
}

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};
Moments moments_of(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  Moments m;
  for (const double x : values) m.mean += x / n;
  for (const double x : values) {
    const double d = x - m.mean;
    m.variance += d * d / n;
    m.skewness += d * d * d / n;
    m.kurtosis += d * d * d * d / n;
  }
  return m;
}

std::vector<double> doubles(const Tensor& x) {
  if (x.dtype() == f64) return x.to_vector<double>();
  const std::vector<float> narrow = x.to_vector<float>();
  return {narrow.begin(), narrow.end()};
}

}  // namespace

TEST_CASE("Philox gives the published known answers", "[random]") {
  // kat_vectors of the Random123 library: counter, key, answer.
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t all = 0xffffffff;
  CHECK(philox({all, all, all, all}, {all, all}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("words drawn many at a time are those drawn one by one", "[random]") {
  for (const RandomState from : {RandomState{0, 0}, RandomState{0x123456789abcdef0, 0xfffffff0},
                                 RandomState{5, std::numeric_limits<std::uint64_t>::max() - 9}})
    for (const std::int64_t begin : {0, 1, 3, 255, 256, 1001})
      for (const std::int64_t count : {0, 1, 5, 256, 700}) {
        std::vector<std::uint32_t> words(static_cast<std::size_t>(count));
        kernels::random_words(from, begin, count, words.data());
        for (std::int64_t i = 0; i < count; ++i)
          REQUIRE(words[static_cast<std::size_t>(i)] == word_of(from, begin + i));
      }
}

TEST_CASE("rand takes 24 bits of each word, and 53 of each two in f64", "[random]") {
  Generator generator(42);
  generator.set_state({42, 1000});
  const std::vector<float> narrow = rand({700}, generator).to_vector<float>();
  for (std::int64_t i = 0; i < 700; ++i)
    REQUIRE(narrow[static_cast<std::size_t>(i)] ==
            std::ldexp(static_cast<float>(word_of({42, 1000}, i) >> 8), -24));
  generator.set_state({42, 1000});
  const std::vector<double> wide = rand({700}, f64, generator).to_vector<double>();
  for (std::int64_t i = 0; i < 700; ++i) {
    const std::uint64_t high = word_of({42, 1000}, 2 * i), low = word_of({42, 1000}, 2 * i + 1);
    REQUIRE(wide[static_cast<std::size_t>(i)] ==
            std::ldexp(static_cast<double>((high >> 5 << 26) + (low >> 6)), -53));
  }
}

TEST_CASE("random tensors are the same bits for any number of threads", "[random][threads]") {
  const int before = threads();
  const auto draw = [](int count) {
    set_threads(count);
    Generator generator(7);
    const Shape shape{3, 33333};
    return std::vector<Tensor>{
        rand(shape, generator),       rand(shape, f64, generator),         randn(shape, generator),
        randn(shape, f64, generator), randint(-5, 1000, shape, generator), bernoulli(0.3, shape, generator),
        randperm(1000, generator)};
  };
  const std::vector<Tensor> alone = draw(1);
  const std::int64_t regions = parallel_regions();
  const std::vector<Tensor> two = draw(2), five = draw(5);
  CHECK(parallel_regions() == regions + 12);
  set_threads(before);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    CHECK(equal(alone[i], two[i]));
    CHECK(equal(alone[i], five[i]));
  }
}

TEST_CASE("an element depends on its place alone, not on the size of its tensor", "[random]") {
  const auto check_prefix = [](const auto& draw) {
    Generator one(3), other(3);
    const Tensor few = draw(Shape{1001}, one), many = draw(Shape{5000}, other);
    CHECK(equal(few, many.window({1001}, {1}, 0)));
  };
  check_prefix([](const Shape& shape, Generator& g) { return rand(shape, g); });
  check_prefix([](const Shape& shape, Generator& g) { return rand(shape, f64, g); });
  check_prefix([](const Shape& shape, Generator& g) { return randn(shape, g); });
  check_prefix([](const Shape& shape, Generator& g) { return randn(shape, f64, g); });
  check_prefix([](const Shape& shape, Generator& g) { return randint(0, 9, shape, g); });
  check_prefix([](const Shape& shape, Generator& g) { return bernoulli(0.5, shape, g); });
}

TEST_CASE("draws one after the other use every block once", "[random]") {
  Generator generator(9);
  const Tensor first = rand({5}, generator);  // two blocks, three lanes of the second unused
  CHECK(generator.state().counter == 2);
  const Tensor second = rand({8}, generator);
  CHECK(generator.state().counter == 4);
  rand({3}, f64, generator);
  CHECK(generator.state().counter == 6);
  rand({0}, generator);
  CHECK(generator.state().counter == 6);
  Generator again(9);
  const std::vector<float> together = rand({16}, again).to_vector<float>();
  CHECK(first.to_vector<float>() == std::vector<float>(together.begin(), together.begin() + 5));
  CHECK(second.to_vector<float>() == std::vector<float>(together.begin() + 8, together.end()));
}

TEST_CASE("a generator's state is saved and restored exactly", "[random]") {
  Generator generator(0xdeadbeefcafe);
  randn({777}, generator);
  const RandomState saved = generator.state();
  const Tensor expected = randn({100}, generator);
  CHECK_FALSE(generator.state() == saved);
  CHECK_FALSE(equal(randn({100}, generator), expected));
  Generator other(1);
  for (Generator* const restored : {&generator, &other}) {
    restored->set_state(saved);
    CHECK(restored->state() == saved);
    CHECK(equal(randn({100}, *restored), expected));
  }
}

TEST_CASE("manual_seed repeats what the default generator draws", "[random]") {
  const RandomState before = default_generator().state();
  manual_seed(12);
  const Tensor a = randn({10}), b = randint(0, 100, {10}), c = randperm(10);
  manual_seed(12);
  CHECK(equal(randn({10}), a));
  CHECK(equal(randint(0, 100, {10}), b));
  CHECK(equal(randperm(10), c));
  manual_seed(13);
  CHECK_FALSE(equal(randn({10}), a));
  default_generator().set_state(before);
}

TEST_CASE("threads that share a generator never draw the same block", "[random][threads]") {
  Generator generator(2);
  std::vector<std::vector<std::uint64_t>> starts(4);
  std::vector<std::thread> users;
  for (auto& own : starts)
    users.emplace_back([&own, &generator] {
      for (int i = 0; i < 1000; ++i) own.push_back(generator.reserve(3).counter);
    });
  for (std::thread& user : users) user.join();
  std::vector<std::uint64_t> all;
  for (const auto& own : starts) all.insert(all.end(), own.begin(), own.end());
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == 3 * i);
  CHECK(generator.state().counter == 12000);
}

TEST_CASE("rand is uniform in [0, 1)", "[random]") {
  for (const DType dtype : {f32, f64}) {
    Generator generator(101);
    const std::vector<double> values = doubles(rand({400000}, dtype, generator));
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    REQUIRE(*least >= 0);
    REQUIRE(*most < 1);
    std::vector<double> counts(200);
    for (const double value : values) ++counts[static_cast<std::size_t>(value * 200)];
    CHECK(is_plausible_chi_square(chi_square(counts), 199));
    // Neighbours, and lanes of different blocks, have nothing to do with each other.
    for (const std::size_t lag : {1, 2, 3, 4, 256}) {
      double product = 0;
      for (std::size_t i = lag; i < values.size(); ++i)
        product += (values[i] - 0.5) * (values[i - lag] - 0.5);
      CHECK(std::abs(product) < 5 * std::sqrt(static_cast<double>(values.size())) / 12);
    }
  }
}

TEST_CASE("randn has the normal distribution", "[random]") {
  for (const DType dtype : {f32, f64}) {
    Generator generator(103);
    constexpr double n = 400000;
    const std::vector<double> values = doubles(randn({400000}, dtype, generator));
    const Moments m = moments_of(values);
    // Five standard deviations of each moment's estimate.
    CHECK(std::abs(m.mean) < 5 / std::sqrt(n));
    CHECK(std::abs(m.variance - 1) < 5 * std::sqrt(2 / n));
    CHECK(std::abs(m.skewness) < 5 * std::sqrt(15 / n));
    CHECK(std::abs(m.kurtosis - 3) < 5 * std::sqrt(96 / n));
    // Through its distribution function a normal number becomes a uniform one.
    std::vector<double> counts(200);
    double beyond_four = 0;
    for (const double value : values) {
      ++counts[std::min<std::size_t>(199,
                                     static_cast<std::size_t>(100 * std::erfc(-value / std::sqrt(2.0))))];
      beyond_four += std::abs(value) > 4;
    }
    CHECK(is_plausible_chi_square(chi_square(counts), 199));
    CHECK(beyond_four >= 8);  // 25 are expected
    CHECK(beyond_four <= 50);
    double product = 0;  // the two of a pair
    for (std::size_t i = 0; i < values.size(); i += 2) product += values[i] * values[i + 1];
    CHECK(std::abs(product) < 5 * std::sqrt(n / 2));
  }
}

TEST_CASE("randn in f32 is Box and Muller's pair of the words drawn", "[random]") {
  Generator generator(5);
  const std::vector<double> values = doubles(randn({600}, generator));
  for (std::int64_t i = 0; i < 600; i += 2) {
    const double u = ((word_of({5, 0}, i) >> 1) + 0.5) / std::ldexp(1.0, 31);
    const double angle = 2 * std::acos(-1.0) * std::ldexp(word_of({5, 0}, i + 1) >> 8, -24);
    const double radius = std::sqrt(-2 * std::log(u));
    REQUIRE(std::abs(values[static_cast<std::size_t>(i)] - radius * std::cos(angle)) < 2e-6);
    REQUIRE(std::abs(values[static_cast<std::size_t>(i) + 1] - radius * std::sin(angle)) < 2e-6);
  }
}

TEST_CASE("randint is uniform between its limits", "[random]") {
  Generator generator(107);
  const std::vector<std::int64_t> values = randint(-5, 8, {130000}, generator).to_vector<std::int64_t>();
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  REQUIRE(*least == -5);
  REQUIRE(*most == 7);
  std::vector<double> counts(13);
  for (const std::int64_t value : values) ++counts[static_cast<std::size_t>(value + 5)];
  CHECK(is_plausible_chi_square(chi_square(counts), 12));
  CHECK(equal(randint(3, 4, {10}, generator), full({10}, 3, i64)));
}

TEST_CASE("randint spans all of i64", "[random]") {
  using Limits = std::numeric_limits<std::int64_t>;
  Generator generator(109);
  std::vector<double> counts(16);
  for (const std::int64_t value :
       randint(Limits::min(), Limits::max(), {16000}, generator).to_vector<std::int64_t>())
    ++counts[static_cast<std::size_t>((value >> 60) + 8)];
  CHECK(is_plausible_chi_square(chi_square(counts), 15));
}

TEST_CASE("randperm is a permutation, each as likely as the others", "[random]") {
  Generator generator(113);
  for (const std::int64_t n : {0, 1, 2, 129, 1000}) {
    std::vector<std::int64_t> values = randperm(n, generator).to_vector<std::int64_t>();
    std::sort(values.begin(), values.end());
    for (std::int64_t i = 0; i < n; ++i) REQUIRE(values[static_cast<std::size_t>(i)] == i);
  }
  std::vector<double> counts(24);
  for (int repeat = 0; repeat < 24000; ++repeat) {
    const std::vector<std::int64_t> p = randperm(4, generator).to_vector<std::int64_t>();
    std::size_t number = 0;  // of the permutation, by how many smaller ones stand after each
    for (std::size_t i = 0; i < 4; ++i) {
      const auto smaller = std::count_if(p.begin() + static_cast<std::ptrdiff_t>(i), p.end(),
                                         [&](auto q) { return q < p[i]; });
      number = number * (4 - i) + static_cast<std::size_t>(smaller);
    }
    ++counts[number];
  }
  CHECK(is_plausible_chi_square(chi_square(counts), 23));
}

TEST_CASE("bernoulli is true as often as it should be", "[random]") {
  Generator generator(127);
  for (const double p : {0.0, 0.001, 0.25, 0.5, 0.9, 1.0}) {
    const std::vector<bool> values = bernoulli(p, {200000}, generator).to_vector<bool>();
    const double share = static_cast<double>(std::count(values.begin(), values.end(), true)) / 200000;
    CHECK(std::abs(share - p) <= 5 * std::sqrt(p * (1 - p) / 200000));
  }
}

TEST_CASE("a mask is drawn again from the state it was drawn in", "[random]") {
  Generator generator(131);
  rand({10}, generator);
  const RandomState state = generator.state();
  const Tensor mask = bernoulli(0.5, {9, 9}, generator);
  CHECK(equal(bernoulli(0.5, {9, 9}, state), mask));
  CHECK(generator.state().counter == state.counter + 21);
}
