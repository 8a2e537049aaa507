// Recurrent networks: a state h (B, H) that steps through a sequence. Cells make one step; rnn, lstm and gru
// run one layer through all steps in one direction, fused. G gates share a matrix, one under the other:
//
//                  G   gates, in this order
//   rnn (Elman)    1   h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu.                        Elman 1990
//   lstm           4   i, f, g, o: with a = W_ih x + b_ih + W_hh h + b_hh,
//                      c' = sigmoid(a_f) c + sigmoid(a_i) tanh(a_g),  h' = sigmoid(a_o) tanh(c')
//                                                 Hochreiter & Schmidhuber 1997; Gers et al. 2000
//   gru            3   r, z, n: r and z = sigmoid of such an a,
//                      n = tanh(W_in x + b_in + r (W_hn h + b_hn)),  h' = (1 - z) n + z h
//                                                                             Cho et al. 2014
//
// The GRU's reset gate takes effect behind the product, which lets all gates' products be one; the paper has
// it before, W_hn (r h). Differentiable in everything but lengths, relu's kink aside.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

// weight_ih: (G H, E), weight_hh: (G H, H), biases: (G H,), undefined for zeros.
struct RecurrentWeights {
  Tensor weight_ih, weight_hh, bias_ih = {}, bias_hh = {};
};

enum class RnnActivation { tanh, relu };

struct LstmState {
  Tensor h, c;
};

// x: (B, E), states: (B, H)
Tensor rnn_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights,
                RnnActivation activation = RnnActivation::tanh);
LstmState lstm_cell(const Tensor& x, const LstmState& state, const RecurrentWeights& weights);
Tensor gru_cell(const Tensor& x, const Tensor& h, const RecurrentWeights& weights);

struct SequenceOptions {
  // (B,), i64, each in [0, T]: how many steps of each row are real. The others change nothing: outputs are
  // zero there, the final state is that after the row's own last step, and no gradient flows.
  Tensor lengths = {};
  bool reverse = false;  // from each row's own last step to its first; the outputs stay in their places
};

// x: (B, T, E). output: (B, T, H), the state after each step; h and c: (B, H), the last one. Initial states
// that are undefined are zeros.
//
// W_ih x is one product for all steps; at each step one product with h and one pass for the gates remain.
// Kept for the backward pass: the states and the gates' values. In memory the output lies step by step, as a
// transposed (T, B, H); a next layer reads it so without a copy.
struct RecurrentResult {
  Tensor output, h;
};
RecurrentResult rnn(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0 = {},
                    RnnActivation activation = RnnActivation::tanh, const SequenceOptions& options = {});
RecurrentResult gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0 = {},
                    const SequenceOptions& options = {});
struct LstmResult {
  Tensor output, h, c;
};
LstmResult lstm(const Tensor& x, const RecurrentWeights& weights, const LstmState& initial = {},
                const SequenceOptions& options = {});

namespace definition {
RecurrentResult rnn(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                    RnnActivation activation, const SequenceOptions& options);
RecurrentResult gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& h0,
                    const SequenceOptions& options);
LstmResult lstm(const Tensor& x, const RecurrentWeights& weights, const LstmState& initial,
                const SequenceOptions& options);
}  // namespace definition

}  // namespace gradus
