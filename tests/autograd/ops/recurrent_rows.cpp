#include <cmath>

#include <gradus/autograd/ops/recurrent.h>
#include <gradus/core/create.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

enum class Cell { tanh, relu, lstm, gru };

std::int64_t gates_of(Cell cell) { return cell == Cell::lstm ? 4 : cell == Cell::gru ? 3 : 1; }

// Which optional inputs follow x, weight_ih and weight_hh: bias_ih and bias_hh; h0, and c0 of the LSTM;
// lengths.
struct Case {
  Cell cell;
  bool bias = true, initial = true, lengths = false, reverse = false;
};

template <class X>
struct Operands {
  X x, weight_ih, weight_hh, bias_ih, bias_hh, h0, c0, lengths;
  Operands(const std::vector<X>& all, const Case& kind) : x(all[0]), weight_ih(all[1]), weight_hh(all[2]) {
    std::size_t next = 3;
    if (kind.bias) bias_ih = all[next++], bias_hh = all[next++];
    if (kind.initial) h0 = all[next++];
    if (kind.initial && kind.cell == Cell::lstm) c0 = all[next++];
    if (kind.lengths) lengths = all[next];
  }
};

// One row of the batch, one step: h and c of it become those after the step.
using Numbers = std::vector<double>;
void step(const Case& kind, const Operands<Array>& in, const Numbers& x, Numbers& h, Numbers& c) {
  const auto hidden = static_cast<std::int64_t>(h.size());
  // Gate g of unit j: W_ih x + b_ih, and W_hh h + b_hh.
  const auto from_x = [&](std::int64_t g, std::int64_t j) {
    const std::int64_t row = g * hidden + j;
    double sum = kind.bias ? in.bias_ih[row] : 0;
    for (std::size_t e = 0; e < x.size(); ++e)
      sum += in.weight_ih.at({row, static_cast<std::int64_t>(e)}) * x[e];
    return sum;
  };
  const Numbers before = h;
  const auto from_h = [&](std::int64_t g, std::int64_t j) {
    const std::int64_t row = g * hidden + j;
    double sum = kind.bias ? in.bias_hh[row] : 0;
    for (std::int64_t k = 0; k < hidden; ++k)
      sum += in.weight_hh.at({row, k}) * before[static_cast<std::size_t>(k)];
    return sum;
  };
  const auto both = [&](std::int64_t g, std::int64_t j) { return from_x(g, j) + from_h(g, j); };
  const auto sigmoid = [](double a) { return 1 / (1 + std::exp(-a)); };
  for (std::int64_t j = 0; j < hidden; ++j) {
    double& h_j = h[static_cast<std::size_t>(j)];
    double& c_j = c[static_cast<std::size_t>(j)];
    if (kind.cell == Cell::tanh) h_j = std::tanh(both(0, j));
    if (kind.cell == Cell::relu) h_j = std::max(0., both(0, j));
    if (kind.cell == Cell::lstm) {
      c_j = sigmoid(both(1, j)) * c_j + sigmoid(both(0, j)) * std::tanh(both(2, j));
      h_j = sigmoid(both(3, j)) * std::tanh(c_j);
    }
    if (kind.cell == Cell::gru) {
      const double r = sigmoid(both(0, j)), z = sigmoid(both(1, j)),
                   n = std::tanh(from_x(2, j) + r * from_h(2, j));
      h_j = (1 - z) * n + z * h_j;
    }
  }
}

// Row by row of the batch, each over its own steps.
Arrays reference(const Case& kind, const Arrays& all) {
  const Operands<Array> in(all, kind);
  const std::int64_t batch = in.x.size(0), steps = in.x.size(1), width = in.x.size(2),
                     hidden = in.weight_hh.size(1);
  Array output(Shape{batch, steps, hidden}), last_h(Shape{batch, hidden}), last_c(Shape{batch, hidden});
  for (std::int64_t b = 0; b < batch; ++b) {
    Numbers h(static_cast<std::size_t>(hidden)), c = h;
    for (std::int64_t j = 0; kind.initial && j < hidden; ++j) {
      h[static_cast<std::size_t>(j)] = in.h0.at({b, j});
      if (kind.cell == Cell::lstm) c[static_cast<std::size_t>(j)] = in.c0.at({b, j});
    }
    const std::int64_t length = kind.lengths ? static_cast<std::int64_t>(in.lengths[b]) : steps;
    for (std::int64_t i = 0; i < length; ++i) {
      const std::int64_t t = kind.reverse ? length - 1 - i : i;
      Numbers x;
      for (std::int64_t e = 0; e < width; ++e) x.push_back(in.x.at({b, t, e}));
      step(kind, in, x, h, c);
      for (std::int64_t j = 0; j < hidden; ++j) output.at({b, t, j}) = h[static_cast<std::size_t>(j)];
    }
    for (std::int64_t j = 0; j < hidden; ++j) {
      last_h.at({b, j}) = h[static_cast<std::size_t>(j)];
      last_c.at({b, j}) = c[static_cast<std::size_t>(j)];
    }
  }
  if (kind.cell == Cell::lstm) return {output, last_h, last_c};
  return {output, last_h};
}

// f(operands, weights, options)
template <class F>
auto with_operands(const Case& kind, const Tensors& x, const F& f) {
  const Operands<Tensor> in(x, kind);
  const RecurrentWeights weights{in.weight_ih, in.weight_hh, in.bias_ih, in.bias_hh};
  return f(in, weights, SequenceOptions{in.lengths, kind.reverse});
}

RnnActivation activation_of(Cell cell) {
  return cell == Cell::relu ? RnnActivation::relu : RnnActivation::tanh;
}

Tensors fused(const Case& kind, const Tensors& x) {
  return with_operands(kind, x, [&](const auto& in, const auto& weights, const auto& options) -> Tensors {
    if (kind.cell == Cell::lstm) {
      const LstmResult y = lstm(in.x, weights, {in.h0, in.c0}, options);
      return {y.output, y.h, y.c};
    }
    const RecurrentResult y = kind.cell == Cell::gru
                                  ? gru(in.x, weights, in.h0, options)
                                  : rnn(in.x, weights, in.h0, activation_of(kind.cell), options);
    return {y.output, y.h};
  });
}

Tensors defined(const Case& kind, const Tensors& x) {
  return with_operands(kind, x, [&](const auto& in, const auto& weights, const auto& options) -> Tensors {
    if (kind.cell == Cell::lstm) {
      const LstmResult y = definition::lstm(in.x, weights, {in.h0, in.c0}, options);
      return {y.output, y.h, y.c};
    }
    const RecurrentResult y = kind.cell == Cell::gru
                                  ? definition::gru(in.x, weights, in.h0, options)
                                  : definition::rnn(in.x, weights, in.h0, activation_of(kind.cell), options);
    return {y.output, y.h};
  });
}

// The cell alone: x (B, E), and the outputs are the next state.
Tensors one_step(const Case& kind, const Tensors& x) {
  return with_operands(kind, x, [&](const auto& in, const auto& weights, const auto&) -> Tensors {
    if (kind.cell == Cell::lstm) {
      const LstmState y = lstm_cell(in.x, {in.h0, in.c0}, weights);
      return {y.h, y.c};
    }
    if (kind.cell == Cell::gru) return {gru_cell(in.x, in.h0, weights)};
    return {rnn_cell(in.x, in.h0, weights, activation_of(kind.cell))};
  });
}

Arrays reference_of_one_step(const Case& kind, Arrays x) {
  x[0].shape.insert(1, 1);
  Arrays all = reference(kind, x);
  all.erase(all.begin());
  return all;
}

// lengths are used where the case has them: as many as the batch has rows.
struct Sizes {
  std::int64_t batch, steps, in, hidden;
  std::vector<double> lengths = {};
};

Inputs inputs(const Case& kind, const Sizes& of) {
  const std::int64_t rows = gates_of(kind.cell) * of.hidden;
  // Sums over many units stay where the gates are not all open or shut.
  const double reach = 1.5 / std::sqrt(static_cast<double>(of.hidden));
  Inputs all = {{.shape = {of.batch, of.steps, of.in}},
                {.shape = {rows, of.in}, .low = -reach, .high = reach},
                {.shape = {rows, of.hidden}, .low = -reach, .high = reach}};
  if (kind.bias) all.insert(all.end(), 2, {.shape = {rows}, .low = -reach, .high = reach});
  if (kind.initial) all.insert(all.end(), kind.cell == Cell::lstm ? 2 : 1, {.shape = {of.batch, of.hidden}});
  if (kind.lengths)
    all.push_back({.shape = {of.batch},
                   .low = 0,
                   .high = static_cast<double>(of.steps),
                   .dtype = i64,
                   .differentiable = false,
                   .values = of.lengths});
  return all;
}

Inputs inputs_of_one_step(const Case& kind, const Sizes& of) {
  Inputs all = inputs(kind, of);
  all[0].shape.erase(1);
  return all;
}

std::string name_of(Cell cell) { return cell == Cell::lstm ? "lstm" : cell == Cell::gru ? "gru" : "rnn"; }

OpRow sequence_row(const Case& kind, const std::vector<Sizes>& samples, const Sizes& empty,
                   const Sizes& large) {
  OpRow row{.name = name_of(kind.cell),
            .op = [=](const Tensors& x) { return fused(kind, x); },
            .reference = [=](const Arrays& x) { return reference(kind, x); },
            .samples = {},
            .empty = inputs(kind, empty),
            .large = inputs(kind, large),
            .definition = [=](const Tensors& x) { return defined(kind, x); }};
  for (const Sizes& sizes : samples) row.samples.push_back(inputs(kind, sizes));
  return row;
}

OpRow cell_row(Cell cell) {
  const Case kind{.cell = cell};
  return {.name = name_of(cell) + "_cell",
          .op = [=](const Tensors& x) { return one_step(kind, x); },
          .reference = [=](const Arrays& x) { return reference_of_one_step(kind, x); },
          .samples = {inputs_of_one_step(kind, {2, 1, 3, 4}), inputs_of_one_step(kind, {1, 1, 1, 1})},
          .empty = inputs_of_one_step(kind, {0, 1, 3, 4})};
}

// What is refused alike by all, by the example of the LSTM of E = 3 and H = 2.
std::vector<Refusal> refusals() {
  const auto call = [](const Tensor& x, const RecurrentWeights& weights, const LstmState& initial = {},
                       const Tensor& lengths = {}) {
    return [=] { lstm(x, weights, initial, {.lengths = lengths}); };
  };
  const Tensor x = zeros({4, 5, 3}), u = zeros({8, 3}), v = zeros({8, 2}), b = zeros({8});
  const auto ids = [](const std::vector<std::int64_t>& numbers) { return from_vector(numbers); };
  return {
      {call(zeros({5, 3}), {u, v}),
       "[lstm] x must be (B, T, E), batch first, not (5, 3). Unsqueeze an axis?"},
      {call(zeros({4, 5, 3}, i64), {u, v}),
       "[lstm] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
      {call(x, {u, {}}),
       "[lstm] needs weight_ih and weight_hh; one of them is undefined. Both, as in {.weight_ih = u, "
       ".weight_hh = "
       "v}?"},
      {call(x, {u, zeros({6, 2})}),
       "[lstm] weight_hh must be (4 H, H), not (6, 2). Another kind of cell, or transposed?"},
      {call(x, {zeros({8, 4}), v}),
       "[lstm] weight_ih must be (G H, E), here (8, 3), and is (8, 4). Made for other sizes?"},
      {call(x, {u, zeros({8, 2}, f64)}),
       "[lstm] dtypes do not mix: x is f32, weight_hh is f64. Convert one with .to(f64)?"},
      {call(x, {u, v, zeros({2}), b}),
       "[lstm] bias_ih must be (G H,), here (8,), and is (2,). Made for other sizes?"},
      {call(x, {u, v, b, zeros({8}, f64)}),
       "[lstm] dtypes do not mix: x is f32, bias_hh is f64. Convert one with .to(f64)?"},
      {call(x, {u, v}, {zeros({1, 4, 2}), {}}),
       "[lstm] h0 must be (B, H), here (4, 2), and is (1, 4, 2). Made for other sizes?"},
      {call(x, {u, v}, {{}, zeros({2, 4})}),
       "[lstm] c0 must be (B, H), here (4, 2), and is (2, 4). Made for other sizes?"},
      {call(x, {u, v}, {}, zeros({4})),
       "[lstm] lengths must be i64, one for each of the 4 rows; they are f32 of shape (4,). Convert them "
       "with .to(i64)?"},
      {call(x, {u, v}, {}, ids({5, 5})),
       "[lstm] lengths must be i64, one for each of the 4 rows; they are i64 of shape (2,). One for each "
       "row?"},
      {call(x, {u, v}, {}, ids({0, 5, 6, 1})),
       "[lstm] row 2 has length 6; x of shape (4, 5, 3) has 5 steps. From 0 to that?"},
      {call(x, {u, v}, {}, ids({-1, 5, 5, 1})),
       "[lstm] row 0 has length -1; x of shape (4, 5, 3) has 5 steps. From 0 to that?"},
  };
}

std::vector<Refusal> refusals_of_cells() {
  const Tensor x = zeros({4, 3}), u = zeros({6, 3}), v = zeros({6, 2});
  return {{[=] {
             gru_cell(zeros({4, 5, 3}), zeros({4, 2}), {u, v});
           },
           "[gru_cell] x must be (B, E), one step of a batch, not (4, 5, 3). Unsqueeze an axis?"},
          {[=] {
             gru_cell(x, zeros({4, 3}), {u, v});
           },
           "[gru_cell] h must be (B, H), here (4, 2), and is (4, 3). Made for other sizes?"},
          {[=] {
             gru_cell(x, {}, {u, v});
           },
           "[gru_cell] h is undefined. zeros of shape (4, 2)?"}};
}

}  // namespace

std::vector<OpRow> recurrent_rows() {
  std::vector<OpRow> rows;
  const Sizes large{24, 3, 16, 128};
  for (const Cell cell : {Cell::tanh, Cell::relu, Cell::lstm, Cell::gru}) {
    rows.push_back(cell_row(cell));
    // More units than one panel has and a few more, for a single step as well, which runs without panels of
    // weights; more rows than are multiplied at once.
    rows.push_back(sequence_row({.cell = cell},
                                {{2, 3, 3, 2}, {1, 1, 1, 1}, {3, 2, 2, 35}, {2, 1, 2, 35}, {14, 2, 1, 3}},
                                {0, 3, 3, 2}, large));
    rows.push_back(sequence_row({.cell = cell, .lengths = true}, {{4, 3, 2, 3, {2, 0, 3, 1}}},
                                {2, 0, 3, 2, {0, 0}}, large));
    rows.push_back(sequence_row({.cell = cell, .lengths = true, .reverse = true},
                                {{4, 3, 2, 3, {2, 0, 3, 1}}, {1, 2, 1, 1, {1}}}, {0, 3, 3, 2}, large));
    rows.push_back(sequence_row({.cell = cell, .bias = false, .initial = false, .reverse = true},
                                {{2, 3, 3, 2}, {2, 1, 3, 2}}, {2, 3, 0, 2}, large));
  }
  for (OpRow& row : rows) {
    if (row.name == "lstm") row.refusals = refusals();
    if (row.name == "gru_cell") row.refusals = refusals_of_cells();
  }
  return rows;
}

}  // namespace gradus::test
