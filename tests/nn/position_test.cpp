// Positions: worked numbers, and the laws that make one way of telling them better than another.
#include <cmath>
#include <set>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/position.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using gradus::test::message_of;

namespace {

Tensor noise(const Shape& shape, std::uint64_t seed, DType dtype = f64) {
  Generator generator(seed);
  return randn(shape, dtype, generator);
}

PositionalEncoding encoding(Position position, std::int64_t width, std::int64_t max_length = 64) {
  PositionalEncoding made({.width = width, .position = position, .max_length = max_length});
  made.to(f64);
  return made;
}

constexpr Position all_positions[] = {Position::none,       Position::index,   Position::normalised,
                                      Position::sinusoidal, Position::learned, Position::rotary};

}  // namespace

TEST_CASE("sinusoids have the numbers that one works out by hand", "[nn]") {
  // Position 3 of width 128: the exponents of 10,000 are 0, 0, 2/128, 2/128, 4/128, 4/128.
  const Tensor wide = sinusoids(4, 128, 10000, f64)[3].slice(0, 0, 6);
  CHECK(
      allclose(wide, tensor({0.141120, -0.989992, 0.517306, -0.855801, 0.778273, -0.627927}, f64), 0, 1e-6));
  const Tensor narrow = sinusoids(3, 4, 10000, f64);  // "Je suis étudiant"
  CHECK(allclose(
      narrow,
      tensor(
          {{0, 1, 0, 1}, {0.841471, 0.540302, 0.010000, 0.999950}, {0.909297, -0.416147, 0.019999, 0.999800}},
          f64),
      0, 1e-6));
  CHECK(sinusoids(3, 4).dtype() == f32);
  CHECK(allclose(sinusoids(3, 4), narrow.to(f32), 1e-7, 1e-7));
  CHECK(sinusoids(5, 3).shape() == Shape{5, 3});
}

TEST_CASE("sinusoids stay within one and tell a thousand positions apart", "[nn]") {
  const std::vector<double> table = sinusoids(1000, 16, 10000, f64).to_vector<double>();
  std::set<std::vector<double>> rows;
  for (auto row = table.begin(); row != table.end(); row += 16) rows.emplace(row, row + 16);
  CHECK(rows.size() == 1000);
  for (const double value : table) CHECK(std::abs(value) <= 1);
}

TEST_CASE("a shift of sinusoids is a linear map that does not depend on the position", "[nn]") {
  constexpr std::int64_t width = 8, length = 50;
  const std::int64_t shift = GENERATE(1, 7, 20);
  // (sin, cos) of angle a + b from those of a: (sin a cos b + cos a sin b, cos a cos b - sin a sin b).
  Tensor map = zeros({width, width}, f64);
  for (std::int64_t i = 0; i < width; i += 2) {
    const double b =
        static_cast<double>(shift) / std::pow(10000, static_cast<double>(i) / static_cast<double>(width));
    map[i][i].fill_(std::cos(b));
    map[i][i + 1].fill_(std::sin(b));
    map[i + 1][i].fill_(-std::sin(b));
    map[i + 1][i + 1].fill_(std::cos(b));
  }
  const Tensor table = sinusoids(length + shift, width, 10000, f64);
  CHECK(
      allclose(matmul(table.slice(0, 0, length), map.t()), table.slice(0, shift, shift + length), 0, 1e-12));
}

TEST_CASE("each kind of position adds its own numbers", "[nn]") {
  const Tensor x = noise({2, 5, 4}, 1), count = arange(5, f64).unsqueeze(-1);
  CHECK(equal(encoding(Position::none, 4)(x), x));
  CHECK(equal(encoding(Position::rotary, 4)(x), x));
  CHECK(equal(encoding(Position::index, 4)(x), x + count));
  CHECK(allclose(encoding(Position::normalised, 4)(x), x + count / 4., 1e-15, 1e-15));
  CHECK(equal(encoding(Position::sinusoidal, 4)(x), x + sinusoids(5, 4, 10000, f64)));
  const PositionalEncoding learned = encoding(Position::learned, 4);
  CHECK(equal(learned(x).detach(), x + learned.weight.detach().slice(0, 0, 5)));
  CHECK(equal(encoding(Position::normalised, 4)(x.slice(1, 0, 1)), x.slice(1, 0, 1)));  // not 0 / 0
}

TEST_CASE("normalised positions lie closer together in a longer sequence", "[nn]") {
  const PositionalEncoding normalised = encoding(Position::normalised, 1);
  const auto step = [&](std::int64_t length) { return normalised(zeros({length, 1}, f64))[1].item(); };
  CHECK(step(5) == Approx(0.25));
  CHECK(step(101) == Approx(0.01));
}

TEST_CASE("token by token, an offset gives the positions of the whole, but for normalised ones", "[nn]") {
  const Position position = GENERATE(from_range(std::begin(all_positions), std::end(all_positions)));
  const PositionalEncoding encode = encoding(position, 4);
  const Tensor x = noise({2, 5, 4}, 1);
  std::vector<Tensor> tokens;
  for (std::int64_t t = 0; t < 5; ++t) tokens.push_back(encode(x.slice(1, t, t + 1), t).detach());
  CHECK(equal(concat(tokens, 1), encode(x).detach()) == (position != Position::normalised));
}

TEST_CASE("learned positions are weights of which those in use are trained", "[nn][grad]") {
  const PositionalEncoding learned = encoding(Position::learned, 3, 8);
  REQUIRE(learned.state().size() == 1);
  CHECK(learned.state()[0].name == "weight");
  CHECK(learned.weight.shape() == Shape{8, 3});
  const Tensor x = noise({2, 4, 3}, 1).requires_grad_();
  CHECK_THAT(gradcheck([&] { return learned(x, 2); }, {{"x", x}, {"weight", learned.weight}}),
             passes_gradcheck());
  const Tensor gradient = grad({sum(learned(x, 2))}, {learned.weight})[0];
  CHECK(equal(sum(gradient, 1), tensor({0, 0, 6, 6, 6, 6, 0, 0}, f64)));
  for (const Position position : all_positions)
    CHECK(encoding(position, 4).parameter_count() == (position == Position::learned ? 64 * 4 : 0));
}

TEST_CASE("positions pass the gradient on as it is", "[nn][grad]") {
  const Position position = GENERATE(from_range(std::begin(all_positions), std::end(all_positions)));
  const PositionalEncoding encode = encoding(position, 4);
  const Tensor x = noise({2, 3, 4}, 1).requires_grad_();
  CHECK_THAT(gradcheck([&] { return encode(x, 1); }, {{"x", x}}), passes_gradcheck());
}

TEST_CASE("a rotary product depends on how far apart query and key are, not on where", "[nn]") {
  const Rotary turn({.width = 6, .max_length = 200});
  const Tensor q = noise({2, 5, 6}, 1), k = noise({2, 7, 6}, 2);
  const Tensor scores = matmul(turn(q), turn(k).t());
  for (const std::int64_t shift : {1, 30, 190})
    CHECK(allclose(matmul(turn(q, shift), turn(k, shift).t()), scores, 1e-11, 1e-11));
  CHECK(!allclose(matmul(turn(q, 1), turn(k).t()), scores));
  CHECK(allclose(sum(square(turn(q, 9)), -1), sum(square(q), -1), 1e-12, 1e-12));  // turned, not stretched
  CHECK(equal(turn(q.slice(1, 0, 1)), q.slice(1, 0, 1)));                          // position 0 stays
}

TEST_CASE("a rotary layer turns pairs of neighbours as complex numbers, and checks its gradients",
          "[nn][grad]") {
  const Rotary turn({.width = 4, .max_length = 3, .base = 100});
  const Tensor y = turn(tensor({{1, 0, 0, 1}, {1, 0, 0, 1}, {1, 0, 0, 1}}, f64));
  const double t = 2;  // angles 2 and 2 / 100^(2/4); 1 turns to cos + i sin, i to i cos - sin
  CHECK(
      allclose(y[2], tensor({std::cos(t), std::sin(t), -std::sin(t / 10), std::cos(t / 10)}, f64), 0, 1e-15));
  const Tensor x = noise({2, 2, 4}, 1).requires_grad_();
  CHECK_THAT(gradcheck([&] { return turn(x, 1); }, {{"x", x}}), passes_gradcheck());
}

TEST_CASE("a clone tells the same positions", "[nn]") {
  const Position position = GENERATE(from_range(std::begin(all_positions), std::end(all_positions)));
  const PositionalEncoding original({.width = 4, .position = position});
  const Tensor x = noise({2, 3, 4}, 1, f32);
  CHECK(equal(original.clone()(x), original(x)));
}

TEST_CASE("positions refuse what they have no row for", "[nn][error]") {
  const std::string op = "[positional_encoding] ";
  const Position position = GENERATE(Position::sinusoidal, Position::learned);
  const PositionalEncoding encode = encoding(position, 4, 5);
  CHECK(message_of([&] {
          encode(zeros({2, 6, 4}, f64));
        }) ==
        op +
            "a sequence of 6 tokens is longer than max_length 5. Cut it, or make the layer with a max_length "
            "of 6?");
  CHECK(message_of([&] {
          encode(zeros({2, 1, 4}, f64), 7);
        }) ==
        op +
            "a sequence of 8 tokens is longer than max_length 5. Cut it, or make the layer with a max_length "
            "of 8?");
  CHECK(message_of([&] {
          encode(zeros({2, 1, 4}, f64), -1);
        }) == op + "the offset is the number of tokens before x, not -1. 0?");
  CHECK(message_of([&] {
          encode(zeros({2, 3, 5}, f64));
        }) == op + "x must be (..., T, 4), not (2, 3, 5). Transpose it, or make the layer with that width?");
  CHECK(message_of([&] { encode(zeros({4}, f64)); }) ==
        op + "x must be (..., T, 4), not (4,). Transpose it, or make the layer with that width?");
  CHECK(message_of([&] { PositionalEncoding({.width = 0, .position = position}); }) ==
        op + "needs sizes above 0; got width 0 and max_length 1024. Set both?");
  CHECK(message_of([] { Rotary({.width = 5}); }) ==
        "[rotary] turns pairs of features, and a width of 5 is odd. An even width for each head?");
  CHECK(message_of([] {
          Rotary({.width = 4, .max_length = 2})(zeros({3, 4}));
        }) ==
        "[rotary] a sequence of 3 tokens is longer than max_length 2. Cut it, or make the layer with a "
        "max_length of 3?");
  CHECK(message_of([] { sinusoids(3, 4, 0); }) ==
        "[sinusoids] the base of the wave lengths must be above 0, not 0. 10,000?");
}
