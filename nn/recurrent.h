// Recurrent networks: cells, which make one step, and RNN, LSTM and GRU, which run layers of them over
// sequences. Formulas and the order of gates: autograd/ops/recurrent.h. Weights are laid out and named as
// PyTorch's are, and begin uniform in +-1 / sqrt(hidden).
#pragma once

#include <string>
#include <vector>

#include <gradus/autograd/ops/recurrent.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/module.h>

namespace gradus::nn {

namespace detail {

template <class Weights, class Visit>
void visit_weights(Weights& weights, const std::string& suffix, Visit& visit) {
  visit.parameter("weight_ih" + suffix, weights.weight_ih);
  visit.parameter("weight_hh" + suffix, weights.weight_hh);
  visit.parameter("bias_ih" + suffix, weights.bias_ih);
  visit.parameter("bias_hh" + suffix, weights.bias_hh);
}

}  // namespace detail

// One step of Elman's network, with tanh or relu.   x: (B, in), h: (B, hidden), undefined for zeros
class RNNCell : public ModuleOf<RNNCell> {
 public:
  struct Options {
    std::int64_t in, hidden;
    Activation activation = Activation::tanh;  // or relu
    bool bias = true;
  };
  explicit RNNCell(const Options& options);
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;

  Options options;
  RecurrentWeights weights;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    detail::visit_weights(self.weights, "", visit);
  }
};

class LSTMCell : public ModuleOf<LSTMCell> {
 public:
  struct Options {
    std::int64_t in, hidden;
    bool bias = true;
  };
  explicit LSTMCell(const Options& options);
  LstmState operator()(const Tensor& x, const LstmState& state = {}) const;

  Options options;
  RecurrentWeights weights;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    detail::visit_weights(self.weights, "", visit);
  }
};

class GRUCell : public ModuleOf<GRUCell> {
 public:
  struct Options {
    std::int64_t in, hidden;
    bool bias = true;
  };
  explicit GRUCell(const Options& options);
  Tensor operator()(const Tensor& x, const Tensor& h = {}) const;

  Options options;
  RecurrentWeights weights;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    detail::visit_weights(self.weights, "", visit);
  }
};

// Whether each layer runs through the sequence in both directions, and what becomes of the two outputs:
// beside each other, (B, T, 2 hidden), or their sum, (B, T, hidden). Schuster & Paliwal 1997
enum class Bidirectional { no, concat, sum };

struct RecurrentOptions {
  std::int64_t in, hidden, layers = 1;
  Bidirectional bidirectional = Bidirectional::no;
  double dropout =
      0;  // between layers, in training: the part of each layer's output, the last aside, set to 0
  bool bias = true;
};

// What a call may be given beside x (B, T, in). States are (layers * directions, B, hidden), the layers one
// after the other, forward before reverse in each; undefined for zeros.
struct SequenceStart {
  Tensor lengths = {};  // (B,), i64: steps from a row's length on change nothing; see SequenceOptions
  Tensor h0 = {};
};
struct LstmStart {
  Tensor lengths = {};
  Tensor h0 = {}, c0 = {};
};

// The weights of all layers and directions, in the order of the states: weight_ih_l0, weight_ih_l0_reverse,
// and so on.
template <class Self>
class RecurrentOf : public ModuleOf<Self> {
 public:
  std::vector<RecurrentWeights> weights;

  template <class Any, class Visit>
  static void members(Any& self, Visit& visit) {
    const std::size_t directions = self.options.bidirectional == Bidirectional::no ? 1 : 2;
    for (std::size_t k = 0; k < self.weights.size(); ++k)
      detail::visit_weights(self.weights[k],
                            "_l" + std::to_string(k / directions) + (k % directions == 1 ? "_reverse" : ""),
                            visit);
  }
};

//   RNN rnn({.in = 64, .hidden = 128, .layers = 2});
//   const auto [output, h] = rnn(x, {.lengths = lengths});
// output: (B, T, hidden), of the last layer; h: (layers * directions, B, hidden), the last states.
class RNN : public RecurrentOf<RNN> {
 public:
  struct Options {
    std::int64_t in, hidden, layers = 1;
    Activation activation = Activation::tanh;  // or relu
    Bidirectional bidirectional = Bidirectional::no;
    double dropout = 0;
    bool bias = true;
  };
  explicit RNN(const Options& options);
  RecurrentResult operator()(const Tensor& x, const SequenceStart& start = {}) const;

  Options options;
};

class GRU : public RecurrentOf<GRU> {
 public:
  explicit GRU(const RecurrentOptions& options);
  RecurrentResult operator()(const Tensor& x, const SequenceStart& start = {}) const;

  RecurrentOptions options;
};

class LSTM : public RecurrentOf<LSTM> {
 public:
  explicit LSTM(const RecurrentOptions& options);
  LstmResult operator()(const Tensor& x, const LstmStart& start = {}) const;

  RecurrentOptions options;
};

}  // namespace gradus::nn
