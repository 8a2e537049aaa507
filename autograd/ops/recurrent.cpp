#include <gradus/autograd/ops/recurrent.h>

#include <algorithm>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/recurrent.h>

namespace gradus {
namespace {

using kernels::RecurrentCell;

// `x` must have this shape and the dtype of `like`.
void check_operand(const Tensor& x, const char* name, const Shape& shape, const char* letters,
                   const Tensor& like, const char* op) {
  check(x.shape() == shape, op, name, " must be ", letters, ", here ", shape, ", and is ", x.shape(),
        ". Made for other sizes?");
  check_same_dtype("x", like.dtype(), name, x.dtype(), op);
}

void check_weights(const Tensor& x, const RecurrentWeights& w, std::int64_t gates, const char* op) {
  check_floating(x.dtype(), op);
  check(w.weight_ih.defined() && w.weight_hh.defined(), op,
        "needs weight_ih and weight_hh; one of them is undefined. Both, as in {.weight_ih = u, .weight_hh = "
        "v}?");
  check(w.weight_hh.rank() == 2 && w.weight_hh.shape()[0] == gates * w.weight_hh.shape()[1], op,
        "weight_hh must be (", gates, " H, H), not ", w.weight_hh.shape(),
        ". Another kind of cell, or transposed?");
  const std::int64_t rows = w.weight_hh.shape()[0];
  check_operand(w.weight_ih, "weight_ih", {rows, x.shape().back()}, "(G H, E)", x, op);
  check_same_dtype("x", x.dtype(), "weight_hh", w.weight_hh.dtype(), op);
  if (w.bias_ih.defined()) check_operand(w.bias_ih, "bias_ih", {rows}, "(G H,)", x, op);
  if (w.bias_hh.defined()) check_operand(w.bias_hh, "bias_hh", {rows}, "(G H,)", x, op);
}

void check_state(const Tensor& state, const char* name, const Tensor& x, const RecurrentWeights& w,
                 const char* op) {
  check(state.defined(), op, name, " is undefined. zeros of shape ",
        Shape{x.shape()[0], w.weight_hh.shape()[1]}, "?");
  check_operand(state, name, {x.shape()[0], w.weight_hh.shape()[1]}, "(B, H)", x, op);
}

void check_cell(const Tensor& x, const RecurrentWeights& w, std::int64_t gates, const char* op) {
  check(x.rank() == 2, op, "x must be (B, E), one step of a batch, not ", x.shape(), ". Unsqueeze an axis?");
  check_weights(x, w, gates, op);
}

void check_sequence(const Tensor& x, const RecurrentWeights& w, const SequenceOptions& options,
                    RecurrentCell cell, const char* op) {
  check(x.rank() == 3, op, "x must be (B, T, E), batch first, not ", x.shape(), ". Unsqueeze an axis?");
  check_weights(x, w, kernels::gates_of(cell), op);
  if (!options.lengths.defined()) return;
  check(options.lengths.dtype() == i64 && options.lengths.shape() == Shape{x.shape()[0]}, op,
        "lengths must be i64, one for each of the ", x.shape()[0], " rows; they are ",
        options.lengths.dtype(), " of shape ", options.lengths.shape(),
        options.lengths.dtype() == i64 ? ". One for each row?" : ". Convert them with .to(i64)?");
  const std::vector<std::int64_t> lengths = options.lengths.to_vector<std::int64_t>();
  for (std::size_t b = 0; b < lengths.size(); ++b)
    check(lengths[b] >= 0 && lengths[b] <= x.shape()[1], op, "row ", b, " has length ", lengths[b],
          "; x of shape ", x.shape(), " has ", x.shape()[1], " steps. From 0 to that?");
}

// The gates' parts of a, which lie beside each other.
std::vector<Tensor> gates_of(const Tensor& a, const RecurrentWeights& w) {
  return split(a, w.weight_hh.size(1), -1);
}

Tensor projected(const Tensor& x, const RecurrentWeights& w) { return linear(x, w.weight_ih, w.bias_ih); }
Tensor recurred(const Tensor& h, const RecurrentWeights& w) { return linear(h, w.weight_hh, w.bias_hh); }

// Cells without their checks.
Tensor plain_step(const Tensor& x, const Tensor& h, const RecurrentWeights& w, RnnActivation activation) {
  const Tensor a = projected(x, w) + recurred(h, w);
  return activation == RnnActivation::relu ? relu(a) : tanh(a);
}

LstmState lstm_step(const Tensor& x, const LstmState& state, const RecurrentWeights& w) {
  const auto a = gates_of(projected(x, w) + recurred(state.h, w), w);
  const Tensor i = sigmoid(a[0]), f = sigmoid(a[1]), g = tanh(a[2]), o = sigmoid(a[3]);
  const Tensor c = f * state.c + i * g;
  return {o * tanh(c), c};
}

Tensor gru_step(const Tensor& x, const Tensor& h, const RecurrentWeights& w) {
  const auto from_x = gates_of(projected(x, w), w), from_h = gates_of(recurred(h, w), w);
  const Tensor r = sigmoid(from_x[0] + from_h[0]), z = sigmoid(from_x[1] + from_h[1]);
  const Tensor n = tanh(from_x[2] + r * from_h[2]);
  return (1.0 - z) * n + z * h;
}

Tensor or_zeros(const Tensor& state, const Tensor& x, const RecurrentWeights& w) {
  return state.defined() ? state : zeros({x.size(0), w.weight_hh.size(1)}, x.dtype());
}

// Steps through x (B, T, E) from `state`, h and for the LSTM c, and calls step(x_t, state) for the next one.
// Gives the outputs (B, T, H); `state` is then the last one.
template <std::size_t N, class Step>
Tensor run(const Tensor& any_x, std::array<Tensor, N>& state, const SequenceOptions& options,
           const Step& step) {
  const std::int64_t steps = any_x.size(1);
  const bool padded = options.lengths.defined();
  // (B, T): which steps of which row are real.
  const Tensor is_real =
      padded ? arange(static_cast<double>(steps), i64) < options.lengths.unsqueeze(1) : Tensor();
  const Tensor x = padded ? masked_fill(any_x, logical_not(is_real).unsqueeze(2), 0) : any_x;
  std::vector<Tensor> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = options.reverse ? steps - 1 - i : i;
    std::array<Tensor, N> next = step(x.select(1, t), state);
    Tensor& output = outputs[static_cast<std::size_t>(t)] = next[0];
    if (padded) {
      const Tensor real = is_real.slice(1, t, t + 1);  // (B, 1)
      output = masked_fill(output, logical_not(real), 0);
      for (std::size_t k = 0; k < N; ++k) next[k] = where(real, next[k], state[k]);
    }
    state = next;
  }
  return steps > 0 ? stack(outputs, 1) : zeros({x.size(0), 0, state[0].size(1)}, x.dtype());
}

std::array<Tensor, 2> as_array(const RecurrentResult& y) { return {y.output, y.h}; }
std::array<Tensor, 3> as_array(const LstmResult& y) { return {y.output, y.h, y.c}; }

// Runs the kernel and puts its results on the tape: output and h, and for the LSTM c.
template <std::size_t M, class Definition>
std::array<Tensor, M> fused(const char* op, RecurrentCell cell, const Tensor& x, const RecurrentWeights& w,
                            const Tensor& h0, const Tensor& c0, const SequenceOptions& options,
                            Definition definition) {
  check_sequence(x, w, options, cell, op);
  if (h0.defined()) check_state(h0, "h0", x, w, op);
  if (c0.defined()) check_state(c0, "c0", x, w, op);
  const kernels::RecurrentRule rule{cell, options.reverse};
  kernels::Recurrent out =
      kernels::recurrent({x, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, h0, c0, options.lengths}, rule);
  std::array<Tensor, M> outputs;
  outputs[0] = std::move(out.output);
  outputs[1] = std::move(out.h);
  if constexpr (M == 3) outputs[2] = std::move(out.c);
  const double rows = 2.0 * static_cast<double>(x.shape()[0] * x.shape()[1]);
  const double flops_of_x = rows * static_cast<double>(w.weight_ih.numel()),
               flops_of_h = rows * static_cast<double>(w.weight_hh.numel());
  // From each step to the one before, the gradient goes through W_hh, whatever it is wanted for.
  const Products of_x = products(flops_of_x, x, w.weight_ih);
  const OpInfo info(op, Products{of_x.forward + flops_of_h, of_x.backward + 2 * flops_of_h});
  return record(
      info, std::move(outputs),
      inputs(x, w.weight_ih, w.weight_hh, w.bias_ih, w.bias_hh, h0, c0, options.lengths),
      saves(x, w.weight_ih, w.weight_hh, options.lengths, out.trace.states, out.trace.cells, out.trace.gates,
            out.trace.candidate),
      [rule](Backward& back, const Tensor& doutput, const Tensor& x, const Tensor& weight_ih,
             const Tensor& weight_hh, const Tensor& lengths, const Tensor& states, const Tensor& cells,
             const Tensor& gates, const Tensor& candidate) {
        auto gradients = kernels::recurrent_backward(
            doutput, back.dy(1), M == 3 ? back.dy(2) : Tensor(),
            {.x = x, .weight_ih = weight_ih, .weight_hh = weight_hh, .lengths = lengths},
            {states, cells, gates, candidate}, rule,
            {.dx = back.wants(0),
             .dweight_ih = back.wants(1),
             .dweight_hh = back.wants(2),
             .dbias_ih = back.wants(3),
             .dbias_hh = back.wants(4),
             .dh0 = back.wants(5),
             .dweight_ih_sum = back.sum_so_far(1),
             .dweight_hh_sum = back.sum_so_far(2)});
        back.give(0, std::move(gradients.dx));
        back.give(1, std::move(gradients.dweight_ih));
        back.give(2, std::move(gradients.dweight_hh));
        back.give(3, std::move(gradients.dbias_ih));
        back.give(4, std::move(gradients.dbias_hh));
        back.give(5, std::move(gradients.dh0));
        back.give(6, std::move(gradients.dc0));
      },
      [definition, reverse = options.reverse](
          const Tensor& x, const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias_ih,
          const Tensor& bias_hh, const Tensor& h0, const Tensor& c0, const Tensor& lengths) {
        return definition(x, RecurrentWeights{weight_ih, weight_hh, bias_ih, bias_hh}, h0, c0,
                          SequenceOptions{lengths, reverse});
      });
}

}  // namespace

Tensor rnn_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights, RnnActivation activation) {
  check_cell(x, weights, 1, "rnn_cell");
  check_state(h, "h", x, weights, "rnn_cell");
  return plain_step(x, h, weights, activation);
}

LstmState lstm_cell(const Tensor& x, const LstmState& state, const RecurrentWeights& weights) {
  check_cell(x, weights, 4, "lstm_cell");
  check_state(state.h, "h", x, weights, "lstm_cell");
  check_state(state.c, "c", x, weights, "lstm_cell");
  return lstm_step(x, state, weights);
}

Tensor gru_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights) {
  check_cell(x, weights, 3, "gru_cell");
  check_state(h, "h", x, weights, "gru_cell");
  return gru_step(x, h, weights);
}

RecurrentResult definition::rnn(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                                RnnActivation activation, const SequenceOptions& options) {
  std::array<Tensor, 1> state{or_zeros(h0, x, weights)};
  const Tensor output = run(x, state, options, [&](const Tensor& x_t, const auto& before) {
    return std::array{plain_step(x_t, before[0], weights, activation)};
  });
  return {output, state[0]};
}

RecurrentResult definition::gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                                const SequenceOptions& options) {
  std::array<Tensor, 1> state{or_zeros(h0, x, weights)};
  const Tensor output = run(x, state, options, [&](const Tensor& x_t, const auto& before) {
    return std::array{gru_step(x_t, before[0], weights)};
  });
  return {output, state[0]};
}

LstmResult definition::lstm(const Tensor& x, const RecurrentWeights& weights, const LstmState& initial,
                            const SequenceOptions& options) {
  std::array<Tensor, 2> state{or_zeros(initial.h, x, weights), or_zeros(initial.c, x, weights)};
  const Tensor output = run(x, state, options, [&](const Tensor& x_t, const auto& before) {
    const LstmState next = lstm_step(x_t, {before[0], before[1]}, weights);
    return std::array{next.h, next.c};
  });
  return {output, state[0], state[1]};
}

RecurrentResult rnn(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                    RnnActivation activation, const SequenceOptions& options) {
  const RecurrentCell cell = activation == RnnActivation::relu ? RecurrentCell::relu : RecurrentCell::tanh;
  auto [output, h] = fused<2>("rnn", cell, x, weights, h0, {}, options,
                              [activation](const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                                           const Tensor&, const SequenceOptions& options) {
                                return as_array(definition::rnn(x, weights, h0, activation, options));
                              });
  return {std::move(output), std::move(h)};
}

RecurrentResult gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                    const SequenceOptions& options) {
  auto [output, h] = fused<2>(
      "gru", RecurrentCell::gru, x, weights, h0, {}, options,
      [](const Tensor& x, const RecurrentWeights& weights, const Tensor& h0, const Tensor&,
         const SequenceOptions& options) { return as_array(definition::gru(x, weights, h0, options)); });
  return {std::move(output), std::move(h)};
}

LstmResult lstm(const Tensor& x, const RecurrentWeights& weights, const LstmState& initial,
                const SequenceOptions& options) {
  auto [output, h, c] = fused<3>("lstm", RecurrentCell::lstm, x, weights, initial.h, initial.c, options,
                                 [](const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                                    const Tensor& c0, const SequenceOptions& options) {
                                   return as_array(definition::lstm(x, weights, {h0, c0}, options));
                                 });
  return {std::move(output), std::move(h), std::move(c)};
}

}  // namespace gradus
