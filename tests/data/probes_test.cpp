// The sequence probes: each target is what a program written otherwise makes of the input.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::data;
using gradus::test::message_of;

namespace {

const std::map<std::string, Probe> probes = {
    {"copying", copying(10, 1, 10)},      {"reversing", reversing(10, 3, 10)},
    {"sorting", sorting(6, 3)},           {"addition", addition(2)},
    {"copy_memory", copy_memory(10, 5)},  {"dyck", dyck(3, 4, 24)},
    {"mapping", random_mapping(4, 4, 12)}};

template <class Check>
void for_examples(const Probe& probe, const Check& check) {
  for (const Split split : {Split::train, Split::held_out})
    for (std::int64_t i = 0; i < 500; ++i) check(probe.example(3, i, split));
}

}  // namespace

TEST_CASE("a probe's example depends on its seed and number alone, and ids have names", "[data]") {
  for (const auto& [name, probe] : probes) {
    INFO(name);
    const Example last = probe.example(5, 99, Split::train), other = probe.example(6, 99, Split::train);
    for (std::int64_t i = 0; i < 99; ++i) probe.example(5, i, Split::train);
    const Example again = probe.example(5, 99, Split::train);
    CHECK(last.input == again.input);
    CHECK(last.target == again.target);
    CHECK(last.input != other.input);
    for_examples(probe, [&, &probe = probe](const Example& example) {
      for (const std::int64_t id : example.input) REQUIRE((id >= 0 && id < std::ssize(probe.symbols)));
      for (const std::int64_t id : example.target)
        REQUIRE((id == ignore_index || (id >= 0 && id < std::ssize(probe.symbols))));
    });
  }
}

TEST_CASE("the probes are frozen", "[data]") {
  gradus::test::Hash hash;
  for (const auto& [name, probe] : probes)
    for (std::int64_t i = 0; i < 10'000; ++i) {
      const Example example = probe.example(0, i, Split::train);
      hash.add(probe.written(example.input) + " : " + probe.written(example.target) + "\n");
    }
  CHECK(hash.value() == 0x89aa2bd0f933fe07);
}

TEST_CASE("no input is both for training and held out, and a tenth of them is", "[data]") {
  const Probe probe = sorting(6, 3);
  std::set<Ids> train, held_out;
  for (std::int64_t i = 0; i < 20'000; ++i) train.insert(probe.example(1, i, Split::train).input);
  for (std::int64_t i = 0; i < 5'000; ++i) held_out.insert(probe.example(2, i, Split::held_out).input);
  CHECK(train.size() + held_out.size() == 729);  // 3^6: each is one or the other
  for (const Ids& input : held_out) CHECK(train.count(input) == 0);
  CHECK(std::abs(static_cast<double>(held_out.size()) - 72.9) < 4 * std::sqrt(729 * 0.1 * 0.9));
}

TEST_CASE("copied, reversed and sorted sequences are that", "[data]") {
  std::set<std::size_t> lengths;
  for_examples(probes.at("copying"), [&](const Example& example) {
    lengths.insert(example.input.size());
    CHECK(example.target == example.input);
  });
  CHECK(lengths == std::set<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  for_examples(probes.at("reversing"), [](const Example& example) {
    for (std::size_t i = 0; i < example.input.size(); ++i)
      CHECK(example.target[example.target.size() - 1 - i] == example.input[i]);
  });
  for_examples(probes.at("sorting"), [](const Example& example) {
    for (std::int64_t symbol = 0; symbol < 3; ++symbol)
      CHECK(std::count(example.input.begin(), example.input.end(), symbol) ==
            std::count(example.target.begin(), example.target.end(), symbol));
    for (std::size_t i = 1; i < example.target.size(); ++i) CHECK(example.target[i - 1] <= example.target[i]);
  });
}

TEST_CASE("sums are right, read as text", "[data]") {
  for (const std::int64_t digits : {2, 17}) {
    const Probe probe = addition(digits);
    for_examples(probe, [&](const Example& example) {
      std::string sum = probe.written(example.input), result = probe.written(example.target);
      for (std::string* text : {&sum, &result}) std::erase(*text, ' ');
      std::istringstream in(sum);
      std::int64_t a = 0, b = 0;
      char plus = 0, equals = 0;
      in >> a >> plus >> b >> equals;
      REQUIRE((plus == '+' && equals == '='));
      CHECK(std::stoll(result) == a + b);
      CHECK(result.size() == static_cast<std::size_t>(digits + 1));
    });
  }
}

TEST_CASE("copy memory asks for the symbols after the sign, and for blanks before", "[data]") {
  const Probe probe = copy_memory(3, 4, 5);
  for_examples(probe, [&](const Example& example) {
    const std::string input = probe.written(example.input), target = probe.written(example.target);
    CHECK(input.substr(6) == "_ _ _ > _ _ _");
    CHECK(target == "_ _ _ _ _ _ _ " + input.substr(0, 5));
  });
}

TEST_CASE("brackets match, to the depth asked for, and the target closes the innermost", "[data]") {
  const Probe probe = dyck(3, 4, 24);
  std::size_t deepest = 0;
  for_examples(probe, [&](const Example& example) {
    std::string text = probe.written(example.input);
    std::erase(text, ' ');
    CHECK(text.size() == 24);
    for (std::size_t end = 1; end <= text.size(); ++end) {
      // Matching pairs are struck out until none is left: what stays is open.
      std::string open = text.substr(0, end);
      for (std::size_t at = 0; at + 1 < open.size();) {
        const std::string pair = open.substr(at, 2);
        if (pair == "()" || pair == "[]" || pair == "{}") {
          open.erase(at, 2);
          at = 0;
        } else {
          ++at;
        }
      }
      REQUIRE(open.find_first_of(")]}") == std::string::npos);
      deepest = std::max(deepest, open.size());
      const std::string asked = probe.symbols[static_cast<std::size_t>(example.target[end - 1])];
      const std::map<char, std::string> closes = {{'(', ")"}, {'[', "]"}, {'{', "}"}};
      REQUIRE(asked == (open.empty() ? "none" : closes.at(open.back())));
      if (end == text.size()) REQUIRE(open.empty());
    }
  });
  CHECK(deepest == 4);
}

TEST_CASE("a random mapping is asked for where its key stood before", "[data]") {
  std::map<std::string, std::set<std::string>> values_of;
  const Probe probe = probes.at("mapping");
  for_examples(probe, [&](const Example& example) {
    std::map<std::string, std::string> seen;
    for (std::size_t i = 0; i < example.input.size(); i += 2) {
      const std::string key = probe.symbols[static_cast<std::size_t>(example.input[i])];
      const std::string value = probe.symbols[static_cast<std::size_t>(example.input[i + 1])];
      REQUIRE((key[0] == 'k' && value[0] == 'v'));
      REQUIRE(example.target[i + 1] == ignore_index);
      REQUIRE((example.target[i] == ignore_index) == (seen.count(key) == 0));
      if (seen.count(key)) {
        REQUIRE(seen[key] == value);
        REQUIRE(example.target[i] == example.input[i + 1]);
      }
      seen[key] = value;
      values_of[key].insert(value);
    }
  });
  for (const auto& [key, values] : values_of) CHECK(values.size() == 4);  // no key has a value of its own
}

TEST_CASE("the adding problem marks one number in each half, and one is its best constant answer", "[data]") {
  const std::int64_t count = 4000, length = 31;
  const Adding problem = adding_problem(1, 0, count, length);
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    double sum = 0;
    std::vector<std::int64_t> marked;
    for (std::int64_t t = 0; t < length; ++t) {
      const double number = problem.x[i][t][0].item(), mark = problem.x[i][t][1].item();
      REQUIRE((number >= 0 && number < 1 && (mark == 0 || mark == 1)));
      sum += number * mark;
      if (mark == 1) marked.push_back(t);
    }
    REQUIRE(marked.size() == 2);
    REQUIRE((marked[0] < 15 && marked[1] >= 15));
    const double y = problem.y[i][0].item();
    REQUIRE(y == Approx(sum));
    squares += (y - 1) * (y - 1);
  }
  // The variance of (y - 1)^2 is that of a sum of two uniform numbers: 1/15 - 1/36.
  const double error = std::sqrt((1.0 / 15 - 1.0 / 36) / static_cast<double>(count));
  CHECK(std::abs(squares / static_cast<double>(count) - 1.0 / 6) < 4 * error);
  const Adding later = adding_problem(1, 100, 3, length);
  CHECK(equal(later.x, problem.x.slice(0, 100, 103)));
}

TEST_CASE("sines keep the recurrence of their period, and noise has the deviation asked for", "[data]") {
  const Tensor waves = sines(1, 0, 20, {.length = 200});
  for (std::int64_t i = 0; i < 20; ++i) {
    const std::vector<double> x = waves[i].to(f64).to_vector<double>();
    // sin(a + d) + sin(a - d) = 2 cos(d) sin(a): the same factor at every t.
    double numerator = 0, denominator = 0;
    for (std::size_t t = 1; t + 1 < x.size(); ++t) {
      numerator += (x[t - 1] + x[t + 1]) * x[t];
      denominator += x[t] * x[t];
    }
    const double factor = numerator / denominator;
    for (std::size_t t = 1; t + 1 < x.size(); ++t)
      REQUIRE(std::abs(x[t - 1] + x[t + 1] - factor * x[t]) < 1e-5);
    const double period = 2 * std::numbers::pi / std::acos(factor / 2);
    CHECK((period > 7.99 && period < 32.01));
  }
  const Tensor noise = sines(2, 0, 50, {.length = 1000, .noise = 0.5}) - sines(2, 0, 50, {.length = 1000});
  CHECK(std::sqrt(mean(square(noise)).item()) == Approx(0.5).epsilon(0.02));
}

TEST_CASE("probes refuse sizes that make no sense", "[data]") {
  CHECK(message_of([] { copying(1, 1, 3); }) == "[probe] copying needs at least 2 symbols, not 1");
  CHECK(message_of([] { reversing(5, 4, 3); }) == "[probe] reversing cannot have lengths from 4 to 3");
  CHECK(message_of([] { sorting(2, 3); }) ==
        "[probe] sorting of 3 symbols and length 2 has fewer than 100 inputs, too few to hold some out");
  CHECK(message_of([] { addition(0); }) == "[probe] addition is of numbers with 1 to 17 digits, not 0");
  CHECK(message_of([] { dyck(5, 2, 10); }) == "[probe] dyck knows 1 to 4 kinds of brackets, ()[]{}<>, not 5");
  CHECK(message_of([] { dyck(2, 2, 9); }) == "[probe] dyck needs an even length of at least 8, not 9");
  CHECK(message_of([] { random_mapping(3, 1, 4); }) ==
        "[probe] random_mapping needs 1 key, 2 values and 2 shots or more, not 3, 1 and 4");
  CHECK(message_of([] { adding_problem(0, 0, 1, 1); }) ==
        "[probe] the adding problem needs a length of at least 2, not 1");
}
