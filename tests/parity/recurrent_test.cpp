// Recurrent cells and sequences against PyTorch.
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/nn/recurrent.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::test;

namespace {

using Options = nn::RecurrentOptions;
constexpr auto both = nn::Bidirectional::concat, summed = nn::Bidirectional::sum;

template <class Cell>
ParityCase cell(Cell made) {
  return layer(std::move(made), [](Cell& m, const NamedValues& in) {
    return NamedValues{{"h", m(in["x"], in["h"])}};
  });
}
ParityCase cell(nn::LSTMCell made) {
  return layer(std::move(made), [](nn::LSTMCell& m, const NamedValues& in) {
    const LstmState state = m(in["x"], {in["h"], in["c"]});
    return NamedValues{{"h", state.h}, {"c", state.c}};
  });
}

template <class Layer>
ParityCase sequence(Layer made) {
  return layer(std::move(made), [](Layer& m, const NamedValues& in) {
    const RecurrentResult found = m(in["x"], {.lengths = in["lengths"], .h0 = in["h0"]});
    return NamedValues{{"output", found.output}, {"h", found.h}};
  });
}
ParityCase sequence(nn::LSTM made) {
  return layer(std::move(made), [](nn::LSTM& m, const NamedValues& in) {
    const LstmResult found = m(in["x"], {.lengths = in["lengths"], .h0 = in["h0"], .c0 = in["c0"]});
    return NamedValues{{"output", found.output}, {"h", found.h}, {"c", found.c}};
  });
}

nn::RNN rnn(nn::Activation activation, const Options& o) {
  return nn::RNN({.in = o.in,
                  .hidden = o.hidden,
                  .layers = o.layers,
                  .activation = activation,
                  .bidirectional = o.bidirectional,
                  .bias = o.bias});
}

using Table = std::map<std::string, ParityCase>;

template <class Make>
void add_sequences(Table& cases, const std::string& kind, const Make& make) {
  const auto add = [&](const std::string& name, const Options& options) {
    cases[kind + name] = sequence(make(options));
  };
  add("", {.in = 2, .hidden = 3});
  add(" of two layers", {.in = 2, .hidden = 3, .layers = 2});
  add(" without bias", {.in = 2, .hidden = 3, .bias = false});
  add(" of lengths", {.in = 2, .hidden = 3});
  add(" of both directions", {.in = 2, .hidden = 3, .layers = 2, .bidirectional = both});
  add(" of both directions summed", {.in = 2, .hidden = 3, .bidirectional = summed});
}

// The pre-activations of a golden cell from its weights, the gates beside each other: (B, G H) each.
struct Sums {
  Tensor of_x, of_h;
};
Sums sums(const Golden& golden, const std::string& name) {
  const auto part = [&](const char* which) { return golden[name + "/" + which]; };
  return {matmul(part("in/x"), part("state/weight_ih").t()) + part("state/bias_ih"),
          matmul(part("in/h"), part("state/weight_hh").t()) + part("state/bias_hh")};
}
Tensor gate(const Tensor& a, std::int64_t which) { return a.slice(1, which * 3, which * 3 + 3); }

// The LSTM cell with its four gates found in the order told.
Tensor lstm_h(const Golden& golden, int i, int f, int g, int o) {
  const Sums a = sums(golden, "lstm cell");
  const auto of = [&](int which) { return gate(a.of_x + a.of_h, which); };
  return sigmoid(of(o)) * tanh(sigmoid(of(f)) * golden["lstm cell/in/c"] + sigmoid(of(i)) * tanh(of(g)));
}

}  // namespace

TEST_CASE("recurrent cells and sequences agree with PyTorch", "[parity]") {
  const nn::Activation relu = nn::Activation::relu, tanh = nn::Activation::tanh;
  Table cases = {
      {"rnn cell", cell(nn::RNNCell({.in = 2, .hidden = 3}))},
      {"rnn cell without bias and state", cell(nn::RNNCell({.in = 2, .hidden = 3, .bias = false}))},
      {"rnn of relu cell", cell(nn::RNNCell({.in = 2, .hidden = 3, .activation = relu}))},
      {"rnn of relu cell without bias and state",
       cell(nn::RNNCell({.in = 2, .hidden = 3, .activation = relu, .bias = false}))},
      {"lstm cell", cell(nn::LSTMCell({.in = 2, .hidden = 3}))},
      {"lstm cell without bias and state", cell(nn::LSTMCell({.in = 2, .hidden = 3, .bias = false}))},
      {"gru cell", cell(nn::GRUCell({.in = 2, .hidden = 3}))},
      {"gru cell without bias and state", cell(nn::GRUCell({.in = 2, .hidden = 3, .bias = false}))},
  };
  add_sequences(cases, "rnn", [&](const Options& o) { return rnn(tanh, o); });
  add_sequences(cases, "rnn of relu", [&](const Options& o) { return rnn(relu, o); });
  add_sequences(cases, "lstm", [](const Options& o) { return nn::LSTM(o); });
  add_sequences(cases, "gru", [](const Options& o) { return nn::GRU(o); });
  check_family("recurrent", cases);
}

TEST_CASE("PyTorch's LSTM gates stand in the order i, f, g, o, as ours do", "[parity]") {
  const Golden golden("recurrent");
  CHECK(agrees(lstm_h(golden, 0, 1, 2, 3), golden["lstm cell/out/h"]));
  CHECK_FALSE(agrees(lstm_h(golden, 0, 2, 1, 3), golden["lstm cell/out/h"]));  // i, g, f, o
  CHECK_FALSE(agrees(lstm_h(golden, 0, 1, 3, 2), golden["lstm cell/out/h"]));  // i, f, o, g
}

TEST_CASE("PyTorch's GRU resets behind the product with the state, as ours does", "[parity]") {
  const Golden golden("recurrent");
  const Tensor h = golden["gru cell/in/h"], reference = golden["gru cell/out/h"];
  const Sums a = sums(golden, "gru cell");
  const Tensor r = sigmoid(gate(a.of_x + a.of_h, 0)), z = sigmoid(gate(a.of_x + a.of_h, 1));
  const Tensor behind = tanh(gate(a.of_x, 2) + r * gate(a.of_h, 2));
  CHECK(agrees((1 - z) * behind + z * h, reference));

  const Tensor w_n = golden["gru cell/state/weight_hh"].slice(0, 6, 9);
  const Tensor b_n = golden["gru cell/state/bias_hh"].slice(0, 6, 9);
  const Tensor before = tanh(gate(a.of_x, 2) + matmul(r * h, w_n.t()) + b_n);  // as in the paper
  CHECK_FALSE(agrees((1 - z) * before + z * h, reference));
  CHECK_FALSE(agrees(z * behind + (1 - z) * h, reference));  // and z keeps the old state, not the new one
}
