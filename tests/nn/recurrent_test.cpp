#include <gradus/nn/recurrent.h>

#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/nn/gradcheck.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using namespace gradus::test;

namespace {

bool close(const Tensor& a, const Tensor& b, double tolerance = 1e-12) {
  return allclose(a, b, 0, tolerance);
}

Tensor lengths_of(const std::vector<std::int64_t>& lengths) { return from_vector(lengths); }

// The module in f64.
template <class M>
M wide(M module) {
  module.to(f64);
  return module;
}

std::vector<std::string> names_and_shapes(const Module& module) {
  std::vector<std::string> all;
  for (const NamedTensor& parameter : module.parameters()) {
    std::ostringstream text;
    text << parameter.name << ' ' << parameter.value.shape();
    all.push_back(text.str());
  }
  return all;
}

}  // namespace

TEST_CASE("a NaN among the inputs is seen in the output of every kind of sequence", "[nn][recurrent]") {
  const Tensor x = full({2, 3, 4}, std::numeric_limits<double>::quiet_NaN(), f32);
  const auto is_nan = [](const Tensor& y) { return std::isnan(y.detach().to_vector<float>().front()); };
  CHECK(is_nan(RNN({.in = 4, .hidden = 5})(x).output));
  CHECK(is_nan(RNN({.in = 4, .hidden = 5, .activation = Activation::relu})(x).output));
  CHECK(is_nan(GRU({.in = 4, .hidden = 5})(x).output));
  CHECK(is_nan(LSTM({.in = 4, .hidden = 5})(x).output));
}

TEST_CASE("an RNN gives what its cell gives step by step", "[nn]") {
  for (const Activation activation : {Activation::tanh, Activation::relu}) {
    const RNN rnn = wide(RNN({.in = 3, .hidden = 4, .activation = activation}));
    RNNCell cell = wide(RNNCell({.in = 3, .hidden = 4, .activation = activation}));
    cell.weights = rnn.weights[0];
    const Tensor x = randn({2, 5, 3}, f64);
    const auto [output, last] = rnn(x);
    Tensor h;
    for (std::int64_t t = 0; t < 5; ++t) {
      h = cell(x.select(1, t), h);
      CHECK(close(output.select(1, t), h));
    }
    CHECK(close(last, h.unsqueeze(0)));
  }
}

TEST_CASE("an LSTM of two layers gives what two cells give step by step", "[nn]") {
  const LSTM lstm = wide(LSTM({.in = 3, .hidden = 4, .layers = 2}));
  LSTMCell first = wide(LSTMCell({.in = 3, .hidden = 4})), second = wide(LSTMCell({.in = 4, .hidden = 4}));
  first.weights = lstm.weights[0];
  second.weights = lstm.weights[1];
  const Tensor x = randn({2, 5, 3}, f64), h0 = randn({2, 2, 4}, f64), c0 = randn({2, 2, 4}, f64);
  const auto [output, h, c] = lstm(x, {.h0 = h0, .c0 = c0});
  LstmState below{h0[0], c0[0]}, above{h0[1], c0[1]};
  for (std::int64_t t = 0; t < 5; ++t) {
    below = first(x.select(1, t), below);
    above = second(below.h, above);
    CHECK(close(output.select(1, t), above.h));
  }
  CHECK(close(h, stack({below.h, above.h}, 0)));
  CHECK(close(c, stack({below.c, above.c}, 0)));
}

TEST_CASE("a GRU gives what its cell gives step by step", "[nn]") {
  const GRU gru = wide(GRU({.in = 3, .hidden = 4}));
  GRUCell cell = wide(GRUCell({.in = 3, .hidden = 4}));
  cell.weights = gru.weights[0];
  const Tensor x = randn({2, 5, 3}, f64), h0 = randn({1, 2, 4}, f64);
  const auto [output, last] = gru(x, {.h0 = h0});
  Tensor h = h0[0];
  for (std::int64_t t = 0; t < 5; ++t) {
    h = cell(x.select(1, t), h);
    CHECK(close(output.select(1, t), h));
  }
  CHECK(close(last[0], h));
}

TEST_CASE("the GRU's reset gate takes effect behind the product with the state", "[nn]") {
  GRUCell cell = wide(GRUCell({.in = 1, .hidden = 1}));
  // r = z = sigmoid(0) = 1/2, n = tanh(0.5 x + r (2 h + 1)) with x = h = 1: tanh(0.5 + 3/2).
  // With the gate before the product, tanh(0.5 + 2 h / 2 + 1) would be tanh(2.5).
  cell.load_state({{"weight_ih", tensor({{0}, {0}, {0.5}}, f64)},
                   {"weight_hh", tensor({{0}, {0}, {2}}, f64)},
                   {"bias_ih", zeros({3}, f64)},
                   {"bias_hh", tensor({0, 0, 1}, f64)}});
  const Tensor one = ones({1, 1}, f64);
  CHECK(cell(one, one).item() == Approx(0.5 * std::tanh(2.0) + 0.5 * 1).epsilon(1e-14));
  CHECK(cell(one, one).item() == Approx(0.98201379003790845).epsilon(1e-14));
}

TEST_CASE("the GRU's update gate keeps the old state where it is 1", "[nn]") {
  GRUCell cell = wide(GRUCell({.in = 1, .hidden = 1}));
  // The order of gates is r, z, n: z = sigmoid(40) is 1 but for 4e-18.
  cell.load_state({{"weight_ih", zeros({3, 1}, f64)},
                   {"weight_hh", zeros({3, 1}, f64)},
                   {"bias_ih", tensor({0, 40, 5}, f64)},
                   {"bias_hh", zeros({3}, f64)}});
  CHECK(cell(ones({1, 1}, f64), full({1, 1}, 0.3, f64)).item() == Approx(0.3).epsilon(1e-14));
}

TEST_CASE("the LSTM's gates stand in the order i, f, g, o", "[nn]") {
  LSTMCell cell = wide(LSTMCell({.in = 1, .hidden = 1}));
  // i = sigmoid(0) = 1/2, f = sigmoid(ln 3) = 3/4, g = tanh(ln(3) / 2) = 1/2, o = sigmoid(-ln 3) = 1/4
  const double ln3 = std::log(3.0);
  cell.load_state({{"weight_ih", zeros({4, 1}, f64)},
                   {"weight_hh", zeros({4, 1}, f64)},
                   {"bias_ih", tensor({0, ln3, ln3 / 2, -ln3}, f64)},
                   {"bias_hh", zeros({4}, f64)}});
  const auto [h, c] = cell(ones({1, 1}, f64), {zeros({1, 1}, f64), full({1, 1}, 0.8, f64)});
  CHECK(c.item() == Approx(0.75 * 0.8 + 0.5 * 0.5).epsilon(1e-14));
  CHECK(h.item() == Approx(0.25 * std::tanh(0.85)).epsilon(1e-14));
}

TEST_CASE("weights have PyTorch's names, shapes and first values", "[nn]") {
  const LSTM lstm({.in = 3, .hidden = 4, .layers = 2, .bidirectional = Bidirectional::concat});
  CHECK(names_and_shapes(lstm) ==
        std::vector<std::string>{
            "weight_ih_l0 (16, 3)", "weight_hh_l0 (16, 4)", "bias_ih_l0 (16,)", "bias_hh_l0 (16,)",
            "weight_ih_l0_reverse (16, 3)", "weight_hh_l0_reverse (16, 4)", "bias_ih_l0_reverse (16,)",
            "bias_hh_l0_reverse (16,)", "weight_ih_l1 (16, 8)", "weight_hh_l1 (16, 4)", "bias_ih_l1 (16,)",
            "bias_hh_l1 (16,)", "weight_ih_l1_reverse (16, 8)", "weight_hh_l1_reverse (16, 4)",
            "bias_ih_l1_reverse (16,)", "bias_hh_l1_reverse (16,)"});
  CHECK(names_and_shapes(GRU({.in = 3, .hidden = 2, .bidirectional = Bidirectional::sum, .bias = false})) ==
        std::vector<std::string>{"weight_ih_l0 (6, 3)", "weight_hh_l0 (6, 2)", "weight_ih_l0_reverse (6, 3)",
                                 "weight_hh_l0_reverse (6, 2)"});
  CHECK(names_and_shapes(GRUCell({.in = 3, .hidden = 2})) ==
        std::vector<std::string>{"weight_ih (6, 3)", "weight_hh (6, 2)", "bias_ih (6,)", "bias_hh (6,)"});
  for (const NamedTensor& parameter : RNN({.in = 2, .hidden = 400}).parameters()) {
    CHECK(max(parameter.value).item() <= 0.05);
    CHECK(min(parameter.value).item() >= -0.05);
    CHECK(max(parameter.value).item() > 0.045);
    CHECK(min(parameter.value).item() < -0.045);
  }
}

TEST_CASE("the reverse direction is the forward one on the sequence turned round", "[nn]") {
  const GRU both = wide(GRU({.in = 3, .hidden = 4, .bidirectional = Bidirectional::concat}));
  GRU forward = wide(GRU({.in = 3, .hidden = 4})), backward = wide(GRU({.in = 3, .hidden = 4}));
  forward.weights[0] = both.weights[0];
  backward.weights[0] = both.weights[1];
  const Tensor x = randn({2, 5, 3}, f64), h0 = randn({2, 2, 4}, f64);
  const auto [there, h_there] = forward(x, {.h0 = h0.slice(0, 0, 1)});
  const auto [back, h_back] = backward(flip(x, 1), {.h0 = h0.slice(0, 1, 2)});
  const auto [output, h] = both(x, {.h0 = h0});
  CHECK(close(output, concat({there, flip(back, 1)}, -1)));
  CHECK(close(h, concat({h_there, h_back}, 0)));

  GRU summed = wide(GRU({.in = 3, .hidden = 4, .bidirectional = Bidirectional::sum}));
  summed.weights = both.weights;
  CHECK(close(summed(x, {.h0 = h0}).output, there + flip(back, 1)));
}

TEST_CASE("each row of a padded batch gives what it gives alone", "[nn]") {
  const LSTM lstm = wide(LSTM({.in = 3, .hidden = 4, .layers = 2, .bidirectional = Bidirectional::concat}));
  const std::vector<std::int64_t> lengths = {5, 2, 0, 1};
  const Tensor x = randn({4, 5, 3}, f64), h0 = randn({4, 4, 4}, f64), c0 = randn({4, 4, 4}, f64);
  const auto [output, h, c] = lstm(x, {.lengths = lengths_of(lengths), .h0 = h0, .c0 = c0});
  for (std::int64_t b = 0; b < 4; ++b) {
    INFO("row " << b);
    const std::int64_t length = lengths[static_cast<std::size_t>(b)];
    const Tensor h_b = h0.slice(1, b, b + 1), c_b = c0.slice(1, b, b + 1);
    const auto alone = lstm(x.slice(0, b, b + 1).slice(1, 0, length), {.h0 = h_b, .c0 = c_b});
    const Tensor row = output.slice(0, b, b + 1);
    CHECK(close(row.slice(1, 0, length), alone.output));
    CHECK(equal(row.slice(1, length, 5), zeros({1, 5 - length, 8}, f64)));
    CHECK(close(h.slice(1, b, b + 1), alone.h));
    CHECK(close(c.slice(1, b, b + 1), alone.c));
    if (length == 0) CHECK(equal(alone.h, h_b));
  }
}

TEST_CASE("padding changes nothing: neither what stands in it nor how much there is", "[nn][grad]") {
  const auto check = [](const auto& module) {
    const Tensor lengths = lengths_of({3, 1, 2});
    const Tensor x = randn({3, 3, 2}, f64);
    const Tensor nan = full({3, 2, 2}, std::numeric_limits<double>::quiet_NaN(), f64);
    Tensor spoilt = kernels::clone(x);
    spoilt[1].slice(0, 1, 3).copy_(nan[0]);
    spoilt[2].slice(0, 2, 3).copy_(nan[0].slice(0, 0, 1));
    struct Seen {
      Tensor output, h, dx;
      std::vector<Tensor> gradients;
    };
    const auto run = [&](const Tensor& values) {
      const Tensor input = kernels::clone(values).requires_grad_();
      const auto result = module(input, {.lengths = lengths});
      const Tensor output = result.output.slice(1, 0, 3), h = result.h;
      std::vector<Tensor> wanted{input};
      for (const NamedTensor& parameter : module.parameters()) wanted.push_back(parameter.value);
      std::vector<Tensor> gradients = grad({sum(square(output)) + sum(exp(h))}, wanted);
      Seen seen{output, h, gradients[0], {gradients.begin() + 1, gradients.end()}};
      CHECK(equal(seen.dx.slice(1, 3, seen.dx.size(1)), zeros({3, seen.dx.size(1) - 3, 2}, f64)));
      seen.dx = seen.dx.slice(1, 0, 3);
      return seen;
    };
    const Seen plain = run(x);
    CHECK(equal(plain.dx[1].slice(0, 1, 3), zeros({2, 2}, f64)));
    for (const Tensor& other : {spoilt, concat({x, nan}, 1)}) {
      const Seen seen = run(other);
      CHECK(close(seen.output, plain.output));
      CHECK(close(seen.h, plain.h));
      CHECK(close(seen.dx, plain.dx));
      for (std::size_t k = 0; k < plain.gradients.size(); ++k)
        CHECK(close(seen.gradients[k], plain.gradients[k]));
    }
  };
  for (const Bidirectional bidirectional : {Bidirectional::no, Bidirectional::concat}) {
    check(wide(RNN({.in = 2, .hidden = 3, .layers = 2, .bidirectional = bidirectional})));
    check(wide(GRU({.in = 2, .hidden = 3, .layers = 2, .bidirectional = bidirectional})));
    check(wide(LSTM({.in = 2, .hidden = 3, .layers = 2, .bidirectional = bidirectional})));
  }
}

TEST_CASE("RNN, GRU and LSTM pass gradcheck whole: layers, both directions, lengths, states", "[nn][grad]") {
  const Tensor lengths = lengths_of({3, 0, 2});
  const Tensor x = randn({3, 3, 2}, f64), h0 = randn({4, 3, 2}, f64), c0 = randn({4, 3, 2}, f64);
  for (const Bidirectional bidirectional : {Bidirectional::concat, Bidirectional::sum}) {
    const RNN rnn = wide(RNN({.in = 2, .hidden = 2, .layers = 2, .bidirectional = bidirectional}));
    CHECK_THAT(nn::gradcheck(rnn,
                             [&] {
                               const auto [output, h] = rnn(x, {.lengths = lengths, .h0 = h0});
                               return std::vector{output, h};
                             },
                             {{"x", x}, {"h0", h0}}),
               passes_gradcheck());
    const GRU gru = wide(GRU({.in = 2, .hidden = 2, .layers = 2, .bidirectional = bidirectional}));
    CHECK_THAT(nn::gradcheck(gru,
                             [&] {
                               const auto [output, h] = gru(x, {.lengths = lengths, .h0 = h0});
                               return std::vector{output, h};
                             },
                             {{"x", x}, {"h0", h0}}),
               passes_gradcheck());
    const LSTM lstm = wide(LSTM({.in = 2, .hidden = 2, .layers = 2, .bidirectional = bidirectional}));
    CHECK_THAT(nn::gradcheck(lstm,
                             [&] {
                               const auto [output, h, c] = lstm(x, {.lengths = lengths, .h0 = h0, .c0 = c0});
                               return std::vector{output, h, c};
                             },
                             {{"x", x}, {"h0", h0}, {"c0", c0}}),
               passes_gradcheck());
  }
}

TEST_CASE("the gradients of the two biases are tensors of their own", "[nn][grad]") {
  const LSTM lstm({.in = 2, .hidden = 3});
  sum(lstm(randn({2, 4, 2})).output).backward();
  const Tensor ih = lstm.weights[0].bias_ih.grad(), hh = lstm.weights[0].bias_hh.grad();
  CHECK(equal(ih, hh));
  Tensor(ih).mul_(2);
  CHECK_FALSE(equal(ih, hh));
}

TEST_CASE("dropout acts between layers, in training only", "[nn]") {
  const Tensor x = randn({2, 4, 3});
  const GRU single({.in = 3, .hidden = 4, .dropout = 0.5});
  CHECK(equal(single(x).output, single(x).output));
  GRU two({.in = 3, .hidden = 4, .layers = 2, .dropout = 0.5});
  CHECK_FALSE(equal(two(x).output, two(x).output));
  CHECK(equal(two(x).h[0], two(x).h[0]));  // the first layer's, before dropout
  two.eval();
  CHECK(equal(two(x).output, two(x).output));
  GRU all({.in = 3, .hidden = 4, .layers = 2, .dropout = 1}), none({.in = 3, .hidden = 4});
  none.weights[0] = all.weights[1];
  none.weights[0].weight_ih = zeros({12, 3});
  CHECK(allclose(all(x).output, none(x).output));
}

TEST_CASE("a recurrent module's clone has weights of its own and gives the same", "[nn]") {
  const LSTM lstm({.in = 3, .hidden = 4, .layers = 2, .bidirectional = Bidirectional::sum, .bias = false});
  const LSTM copy = lstm.clone();
  const Tensor x = randn({2, 4, 3});
  CHECK(equal(lstm(x).output, copy(x).output));
  CHECK_FALSE(copy.weights[0].weight_ih.data<float>() == lstm.weights[0].weight_ih.data<float>());
}

TEST_CASE("recurrent modules say what does not fit", "[nn][error]") {
  CHECK(message_of([] { LSTM({.in = 0, .hidden = 4}); }) ==
        "[lstm] needs sizes above 0; got in 0 and hidden 4. Say both, as in {.in = 64, .hidden = 128}?");
  CHECK(message_of([] { GRU({.in = 3, .hidden = 4, .layers = 0}); }) ==
        "[gru] needs at least one layer, not 0. Leave it out for 1?");
  CHECK(message_of([] { GRU({.in = 3, .hidden = 4, .dropout = 50}); }) ==
        "[gru] dropout is a probability between 0 and 1, not 50. Divide a percentage by 100?");
  CHECK(message_of([] { RNN({.in = 3, .hidden = 4, .activation = Activation::gelu}); }) ==
        "[rnn] its activation is tanh or relu, not GELU. Leave it out for tanh?");
  CHECK(message_of([] { RNNCell({.in = 3, .hidden = 4, .activation = Activation::gelu}); }) ==
        "[rnn_cell] its activation is tanh or relu, not GELU. Leave it out for tanh?");
  CHECK(message_of([] { GRUCell({.in = 3, .hidden = -1}); }) ==
        "[gru_cell] needs sizes above 0; got in 3 and hidden -1. Say both, as in {.in = 64, .hidden = 128}?");
  const LSTM lstm({.in = 3, .hidden = 4, .layers = 2});
  CHECK(message_of([&] {
          lstm(zeros({2, 5, 7}));
        }) == "[lstm] x must be (B, T, in), batch first, with in = 3, not (2, 5, 7). Embed or transpose it?");
  CHECK(message_of([&] {
          lstm(zeros({5, 3}));
        }) == "[lstm] x must be (B, T, in), batch first, with in = 3, not (5, 3). Embed or transpose it?");
  CHECK(message_of([&] {
          lstm(zeros({2, 5, 3}), {.h0 = zeros({2, 4})});
        }) ==
        "[lstm] h0 must be (layers * directions, B, hidden), here (2, 2, 4), and is (2, 4). Unsqueeze an "
        "axis?");
  CHECK(message_of([&] {
          lstm(zeros({2, 5, 3}), {.c0 = zeros({1, 2, 4})});
        }) ==
        "[lstm] c0 must be (layers * directions, B, hidden), here (2, 2, 4), and is (1, 2, 4). Unsqueeze "
        "an axis?");
  CHECK(message_of([&] {
          lstm(zeros({2, 5, 3}), {.lengths = lengths_of({5, 6})});
        }) == "[lstm] row 1 has length 6; x of shape (2, 5, 3) has 5 steps. From 0 to that?");
  CHECK(message_of([&] {
          LSTMCell({.in = 3, .hidden = 4})(zeros({2, 7}));
        }) == "[lstm_cell] weight_ih must be (G H, E), here (16, 7), and is (16, 3). Made for other sizes?");
}
