#include <gradus/data/probes.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <numeric>

#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::data {
namespace {

void append_numbers(std::vector<std::string>& names, const char* before, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) names.emplace_back(before).append(std::to_string(i));
}

std::vector<std::string> numbers(std::int64_t count) {
  std::vector<std::string> names;
  append_numbers(names, "", count);
  return names;
}

Ids drawn(Random& random, std::int64_t count, std::int64_t symbols) {
  Ids ids(static_cast<std::size_t>(count));
  for (std::int64_t& id : ids) id = random.below(symbols);
  return ids;
}

void check_sizes(const char* probe, std::int64_t symbols, std::int64_t shortest, std::int64_t longest) {
  check(symbols >= 2, "probe", probe, " needs at least 2 symbols, not ", symbols);
  check(shortest >= 1 && shortest <= longest, "probe", probe, " cannot have lengths from ", shortest, " to ",
        longest);
  // Fewer inputs than this, and no tenth of them need exist.
  check(std::pow(static_cast<double>(symbols), static_cast<double>(longest)) >= 100, "probe", probe, " of ",
        symbols, " symbols and length ", longest, " has fewer than 100 inputs, too few to hold some out");
}

template <class Rule>
Probe of_any_length(const char* name, std::int64_t symbols, std::int64_t shortest, std::int64_t longest,
                    Rule rule) {
  check_sizes(name, symbols, shortest, longest);
  return {numbers(symbols), [=](Random& random) {
            const Ids input = drawn(random, shortest + random.below(longest - shortest + 1), symbols);
            Ids target = input;
            rule(target);
            return Example{input, target};
          }};
}

}  // namespace

Example Probe::example(std::uint64_t seed, std::int64_t i, Split split) const {
  Random random(seed, static_cast<std::uint64_t>(i));
  return draw_of_split(
      "probe", split, [&] { return draw(random); }, [](const Example& example) { return example.input; });
}

std::string Probe::written(const Ids& ids) const {
  std::string text;
  for (const std::int64_t id : ids) {
    if (!text.empty()) text += ' ';
    text += id == ignore_index ? "-" : symbols.at(static_cast<std::size_t>(id));
  }
  return text;
}

Probe copying(std::int64_t symbols, std::int64_t shortest, std::int64_t longest) {
  return of_any_length("copying", symbols, shortest, longest, [](Ids&) {});
}

Probe reversing(std::int64_t symbols, std::int64_t shortest, std::int64_t longest) {
  return of_any_length("reversing", symbols, shortest, longest,
                       [](Ids& ids) { std::reverse(ids.begin(), ids.end()); });
}

Probe sorting(std::int64_t length, std::int64_t symbols) {
  return of_any_length("sorting", symbols, length, length,
                       [](Ids& ids) { std::sort(ids.begin(), ids.end()); });
}

Probe addition(std::int64_t digits) {
  check(digits >= 1 && digits <= 17, "probe", "addition is of numbers with 1 to 17 digits, not ", digits);
  std::vector<std::string> symbols = numbers(10);
  symbols.insert(symbols.end(), {"+", "="});
  return {symbols, [digits](Random& random) {
            const Ids a = drawn(random, digits, 10), b = drawn(random, digits, 10);
            const auto value = [](const Ids& of) {
              return std::accumulate(of.begin(), of.end(), std::int64_t{0},
                                     [](std::int64_t left, std::int64_t digit) { return 10 * left + digit; });
            };
            Example example{a, Ids(static_cast<std::size_t>(digits + 1))};
            example.input.push_back(10);
            example.input.insert(example.input.end(), b.begin(), b.end());
            example.input.push_back(11);
            std::int64_t sum = value(a) + value(b);
            for (auto digit = example.target.rbegin(); digit != example.target.rend(); ++digit, sum /= 10) {
              *digit = sum % 10;
            }
            return example;
          }};
}

Probe copy_memory(std::int64_t remember, std::int64_t wait, std::int64_t symbols) {
  check(wait >= 1, "probe", "copy_memory waits at least 1 step, not ", wait);
  check_sizes("copy_memory", symbols, remember, remember);
  std::vector<std::string> names = numbers(symbols);
  names.insert(names.end(), {"_", ">"});
  return {names, [=](Random& random) {
            const Ids kept = drawn(random, remember, symbols);
            const auto length = static_cast<std::size_t>(2 * remember + wait);
            Example example{Ids(length, symbols), Ids(length, symbols)};
            std::copy(kept.begin(), kept.end(), example.input.begin());
            std::copy(kept.begin(), kept.end(), example.target.end() - remember);
            example.input[static_cast<std::size_t>(remember + wait - 1)] = symbols + 1;
            return example;
          }};
}

// At each place the walk goes up or down with equal chance, unless the floor, the ceiling or the way home
// leaves one choice.
Probe dyck(std::int64_t kinds, std::int64_t depth, std::int64_t length) {
  static const std::string brackets = "()[]{}<>";
  check(kinds >= 1 && kinds <= 4, "probe", "dyck knows 1 to 4 kinds of brackets, ()[]{}<>, not ", kinds);
  check(depth >= 1, "probe", "dyck needs a depth of at least 1, not ", depth);
  check(length >= 8 && length % 2 == 0, "probe", "dyck needs an even length of at least 8, not ", length);
  std::vector<std::string> symbols;
  for (std::int64_t i = 0; i < 2 * kinds; ++i) symbols.emplace_back(1, brackets[static_cast<std::size_t>(i)]);
  symbols.emplace_back("none");
  return {symbols, [=](Random& random) {
            Example example;
            Ids open;
            for (std::int64_t left = length; left > 0; --left) {
              const auto height = static_cast<std::int64_t>(open.size());
              const bool up = height == 0 || (height < depth && height < left && random.chance(0.5));
              if (up) open.push_back(random.below(kinds));
              example.input.push_back(2 * open.back() + (up ? 0 : 1));
              if (!up) open.pop_back();
              example.target.push_back(open.empty() ? 2 * kinds : 2 * open.back() + 1);
            }
            return example;
          }};
}

Probe random_mapping(std::int64_t keys, std::int64_t values, std::int64_t shots) {
  check(keys >= 1 && values >= 2 && shots >= 2, "probe",
        "random_mapping needs 1 key, 2 values and 2 shots or more, not ", keys, ", ", values, " and ", shots);
  std::vector<std::string> symbols;
  append_numbers(symbols, "k", keys);
  append_numbers(symbols, "v", values);
  return {symbols, [=](Random& random) {
            const Ids value_of = drawn(random, keys, values);
            std::vector<bool> shown(static_cast<std::size_t>(keys));
            Example example;
            for (std::int64_t shot = 0; shot < shots; ++shot) {
              const auto key = static_cast<std::size_t>(random.below(keys));
              const std::int64_t value = keys + value_of[key];
              example.input.insert(example.input.end(), {static_cast<std::int64_t>(key), value});
              example.target.insert(example.target.end(), {shown[key] ? value : ignore_index, ignore_index});
              shown[key] = true;
            }
            return example;
          }};
}

Adding adding_problem(std::uint64_t seed, std::int64_t first, std::int64_t count, std::int64_t length) {
  check(length >= 2, "probe", "the adding problem needs a length of at least 2, not ", length);
  const Adding problem{zeros({count, length, 2}), zeros({count, 1})};
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(seed, static_cast<std::uint64_t>(first + i));
    float* const x = problem.x.data<float>() + i * length * 2;
    for (std::int64_t t = 0; t < length; ++t) x[2 * t] = static_cast<float>(random.bits() >> 8) * 0x1p-24f;
    const std::int64_t half = length / 2;
    for (const std::int64_t t : {random.below(half), half + random.below(length - half)}) {
      x[2 * t + 1] = 1;
      problem.y.data<float>()[i] += x[2 * t];
    }
  }
  return problem;
}

Tensor sines(std::uint64_t seed, std::int64_t first, std::int64_t count, const SineOptions& options) {
  check(options.length >= 1, "probe", "sines need a length of at least 1, not ", options.length);
  check(options.shortest > 0 && options.shortest <= options.longest, "probe",
        "sines cannot have periods from ", options.shortest, " to ", options.longest);
  check(options.noise >= 0, "probe", "the noise of sines cannot be ", options.noise);
  const Tensor waves = Tensor::empty({count, options.length}, f32);
  for (std::int64_t i = 0; i < count; ++i) {
    Random random(seed, static_cast<std::uint64_t>(first + i));
    const double period = options.shortest + (options.longest - options.shortest) * random.uniform();
    const double phase = random.uniform();
    for (std::int64_t t = 0; t < options.length; ++t) {
      double noise = -6;  // twelve uniform numbers have a variance of 1
      for (int draw = 0; draw < 12; ++draw) noise += random.uniform();
      const double turns = static_cast<double>(t) / period + phase;
      waves.data<float>()[i * options.length + t] =
          static_cast<float>(std::sin(2 * std::numbers::pi * turns) + options.noise * noise);
    }
  }
  return waves;
}

}  // namespace gradus::data
