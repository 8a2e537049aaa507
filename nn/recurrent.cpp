#include <gradus/nn/recurrent.h>

#include <array>
#include <cmath>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/nn/init.h>

namespace gradus::nn {
namespace {

void check_sizes(std::int64_t in, std::int64_t hidden, const char* op) {
  check(in > 0 && hidden > 0, op, "needs sizes above 0; got in ", in, " and hidden ", hidden,
        ". Say both, as in {.in = 64, .hidden = 128}?");
}

RnnActivation word_of(Activation activation, const char* op) {
  check(activation == Activation::tanh || activation == Activation::relu, op,
        "its activation is tanh or relu, not ", name_of(activation), ". Leave it out for tanh?");
  return activation == Activation::relu ? RnnActivation::relu : RnnActivation::tanh;
}

RecurrentWeights new_weights(std::int64_t gates, std::int64_t in, std::int64_t hidden, bool bias) {
  const double reach = 1 / std::sqrt(static_cast<double>(hidden));
  const auto draw = [&](const Shape& shape) { return uniform(shape, -reach, reach).requires_grad_(); };
  RecurrentWeights weights{draw({gates * hidden, in}), draw({gates * hidden, hidden})};
  if (bias) weights.bias_ih = draw({gates * hidden}), weights.bias_hh = draw({gates * hidden});
  return weights;
}

Tensor or_zeros(const Tensor& state, const Tensor& x, std::int64_t hidden) {
  return state.defined() || x.rank() == 0 ? state : zeros({x.size(0), hidden}, x.dtype());
}

// What RNN, LSTM and GRU have in common.
RecurrentOptions common(const RNN::Options& o) {
  return {o.in, o.hidden, o.layers, o.bidirectional, o.dropout, o.bias};
}
std::int64_t directions(const RecurrentOptions& o) { return o.bidirectional == Bidirectional::no ? 1 : 2; }

std::vector<RecurrentWeights> new_layers(const RecurrentOptions& o, std::int64_t gates, const char* op) {
  check_sizes(o.in, o.hidden, op);
  check(o.layers > 0, op, "needs at least one layer, not ", o.layers, ". Leave it out for 1?");
  check(o.dropout >= 0 && o.dropout <= 1, op, "dropout is a probability between 0 and 1, not ", o.dropout,
        ". Divide a percentage by 100?");
  const std::int64_t between = o.bidirectional == Bidirectional::concat ? 2 * o.hidden : o.hidden;
  std::vector<RecurrentWeights> layers;
  for (std::int64_t k = 0; k < o.layers * directions(o); ++k)
    layers.push_back(new_weights(gates, k < directions(o) ? o.in : between, o.hidden, o.bias));
  return layers;
}

void check_state(const Tensor& state, const char* name, const Tensor& x, const RecurrentOptions& o,
                 const char* op) {
  const Shape shape{o.layers * directions(o), x.size(0), o.hidden};
  check(!state.defined() || state.shape() == shape, op, name,
        " must be (layers * directions, B, hidden), here ", shape, ", and is ",
        state.defined() ? state.shape() : Shape{}, ". Unsqueeze an axis?");
}

void check_input(const Tensor& x, const RecurrentOptions& o, const char* op) {
  check(x.rank() == 3 && x.size(2) == o.in, op, "x must be (B, T, in), batch first, with in = ", o.in,
        ", not ", x.shape(), ". Embed or transpose it?");
}

// The results of one layer in one direction: the output, then the states.
template <std::size_t N>
using Results = std::array<Tensor, N>;

// one(x, k, options) runs the k-th of all layers and directions. Gives the last layer's output, then the
// final states, each (layers * directions, B, hidden).
template <std::size_t N, class One>
Results<N> through_layers(const Tensor& x, const Tensor& lengths, const RecurrentOptions& o, bool training,
                          const One& one) {
  std::array<std::vector<Tensor, memory::PoolAllocator<Tensor>>, N> last;
  const auto run = [&](const Tensor& input, bool reverse) {
    const Results<N> results = one(input, last[0].size(), SequenceOptions{lengths, reverse});
    for (std::size_t n = 0; n < N; ++n) last[n].push_back(results[n]);
    return results[0];
  };
  Tensor y = x;
  for (std::int64_t layer = 0; layer < o.layers; ++layer) {
    if (layer > 0 && training && o.dropout > 0) y = dropout(y, o.dropout);
    const Tensor forward = run(y, false);
    if (o.bidirectional == Bidirectional::no) {
      y = forward;
      continue;
    }
    const Tensor backward = run(y, true);
    y = o.bidirectional == Bidirectional::concat ? concat({forward, backward}, -1) : forward + backward;
  }
  Results<N> results{y};
  for (std::size_t n = 1; n < N; ++n) results[n] = stack(last[n], 0);
  return results;
}

// The k-th layer's and direction's part of the states.
Tensor part(const Tensor& states, std::size_t k) {
  return states.defined() ? states[static_cast<std::int64_t>(k)] : Tensor();
}

}  // namespace

RNNCell::RNNCell(const Options& o) : options(o) {
  check_sizes(o.in, o.hidden, "rnn_cell");
  word_of(o.activation, "rnn_cell");
  weights = new_weights(1, o.in, o.hidden, o.bias);
}

Tensor RNNCell::operator()(const Tensor& x, const Tensor& h) const {
  const Call call(*this);
  return rnn_cell(x, or_zeros(h, x, options.hidden), weights, word_of(options.activation, "rnn_cell"));
}

LSTMCell::LSTMCell(const Options& o) : options(o) {
  check_sizes(o.in, o.hidden, "lstm_cell");
  weights = new_weights(4, o.in, o.hidden, o.bias);
}

LstmState LSTMCell::operator()(const Tensor& x, const LstmState& state) const {
  const Call call(*this);
  return lstm_cell(x, {or_zeros(state.h, x, options.hidden), or_zeros(state.c, x, options.hidden)}, weights);
}

GRUCell::GRUCell(const Options& o) : options(o) {
  check_sizes(o.in, o.hidden, "gru_cell");
  weights = new_weights(3, o.in, o.hidden, o.bias);
}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& h) const {
  const Call call(*this);
  return gru_cell(x, or_zeros(h, x, options.hidden), weights);
}

RNN::RNN(const Options& o) : options(o) {
  word_of(o.activation, "rnn");
  weights = new_layers(common(o), 1, "rnn");
}

RecurrentResult RNN::operator()(const Tensor& x, const SequenceStart& start) const {
  const Call call(*this);
  const RecurrentOptions o = common(options);
  check_input(x, o, "rnn");
  check_state(start.h0, "h0", x, o, "rnn");
  const RnnActivation activation = word_of(options.activation, "rnn");
  auto [output, h] = through_layers<2>(
      x, start.lengths, o, training(), [&](const Tensor& y, std::size_t k, const SequenceOptions& run) {
        RecurrentResult result = rnn(y, weights[k], part(start.h0, k), activation, run);
        return Results<2>{std::move(result.output), std::move(result.h)};
      });
  return {std::move(output), std::move(h)};
}

GRU::GRU(const RecurrentOptions& o) : options(o) { weights = new_layers(o, 3, "gru"); }

RecurrentResult GRU::operator()(const Tensor& x, const SequenceStart& start) const {
  const Call call(*this);
  check_input(x, options, "gru");
  check_state(start.h0, "h0", x, options, "gru");
  auto [output, h] = through_layers<2>(x, start.lengths, options, training(),
                                       [&](const Tensor& y, std::size_t k, const SequenceOptions& run) {
                                         RecurrentResult result = gru(y, weights[k], part(start.h0, k), run);
                                         return Results<2>{std::move(result.output), std::move(result.h)};
                                       });
  return {std::move(output), std::move(h)};
}

LSTM::LSTM(const RecurrentOptions& o) : options(o) { weights = new_layers(o, 4, "lstm"); }

LstmResult LSTM::operator()(const Tensor& x, const LstmStart& start) const {
  const Call call(*this);
  check_input(x, options, "lstm");
  check_state(start.h0, "h0", x, options, "lstm");
  check_state(start.c0, "c0", x, options, "lstm");
  auto [output, h, c] = through_layers<3>(
      x, start.lengths, options, training(), [&](const Tensor& y, std::size_t k, const SequenceOptions& run) {
        LstmResult result = lstm(y, weights[k], {part(start.h0, k), part(start.c0, k)}, run);
        return Results<3>{std::move(result.output), std::move(result.h), std::move(result.c)};
      });
  return {std::move(output), std::move(h), std::move(c)};
}

}  // namespace gradus::nn
