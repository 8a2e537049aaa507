// One layer of a recurrent network over whole sequences, without gradients of its own making: see
// autograd/ops/recurrent.h for the formulas. x: (B, T, E), states: (B, H), weight_ih: (G H, E), weight_hh:
// (G H, H), biases: (G H,) or undefined, with G gates; operands of any strides and one floating dtype.
#pragma once

#include <cstdint>

#include <gradus/core/tensor.h>

namespace gradus::kernels {

enum class RecurrentCell { tanh, relu, lstm, gru };
int gates_of(RecurrentCell cell);  // G: 1, 1, 4, 3

struct RecurrentRule {
  RecurrentCell cell;
  bool reverse = false;  // the last step first
};

struct RecurrentInputs {
  Tensor x, weight_ih, weight_hh, bias_ih = {}, bias_hh = {};
  Tensor h0 = {}, c0 = {};  // undefined: zeros
  Tensor lengths = {};      // (B,) in [0, T]; undefined: T. A row's steps from its length on change nothing.
};

// What the backward pass needs, one step after the other; undefined where the cell has no such thing. Of
// `states` and `cells`, entry t lies before step t and entry t + 1 after it (in reverse: after and before).
struct RecurrentTrace {
  Tensor states, cells;  // (T + 1, B, H)
  Tensor gates;          // (T, B, G H): their values, i f g o or r z n
  Tensor candidate;      // (T, B, H): of the GRU, what r is multiplied with
};

// output: (B, T, H), zero from each row's length on; h, c: (B, H), after each row's own last step.
struct Recurrent {
  Tensor output, h, c;
  RecurrentTrace trace;
};
Recurrent recurrent(const RecurrentInputs& in, const RecurrentRule& rule);

struct RecurrentGradients {
  Tensor dx, dweight_ih, dweight_hh, dbias_ih, dbias_hh, dh0, dc0;
};
// Which of them to compute; the others come back undefined. Those of the weights are added to these sums if
// there are any, and come back undefined too.
struct RecurrentWanted {
  bool dx, dweight_ih, dweight_hh, dbias_ih, dbias_hh, dh0;
  const Tensor *dweight_ih_sum = nullptr, *dweight_hh_sum = nullptr;
};
// doutput, dh and dc may be undefined, which stands for zeros. dc0 comes along with the rest.
RecurrentGradients recurrent_backward(const Tensor& doutput, const Tensor& dh, const Tensor& dc,
                                      const RecurrentInputs& in, const RecurrentTrace& trace,
                                      const RecurrentRule& rule, const RecurrentWanted& wanted);

}  // namespace gradus::kernels
