// RNN, LSTM and GRU behind one call, for models that may be built of any of them.
#pragma once

#include <string_view>
#include <variant>

#include <gradus/nn/recurrent.h>

namespace gradus::models {

enum class Cell { rnn, lstm, gru };
const char* name_of(Cell cell);            // "rnn", ...
Cell cell_of_name(std::string_view name);  // refuses what is none

// Where a network stands after a step. (layers * directions, B, hidden); c is an LSTM's and else undefined. A
// default-made one stands for zeros.
struct RecurrentState {
  Tensor h, c = {};

  bool defined() const { return h.defined(); }
  RecurrentState detach() const;                       // as numbers: gradients end here
  RecurrentState keep_rows(const Tensor& rows) const;  // row r becomes what row rows[r] is
};

class Recurrent : public nn::ModuleOf<Recurrent> {
 public:
  struct Options {
    Cell cell;
    std::int64_t in, hidden, layers = 1;
    nn::Bidirectional bidirectional = nn::Bidirectional::no;
    double dropout = 0;  // between layers
  };
  explicit Recurrent(const Options& options);

  struct Result {
    Tensor output;  // (B, T, hidden), twice as wide if both directions are concatenated
    RecurrentState state;
  };
  // x: (B, T, in). lengths: (B,), how many steps of each row are real; undefined: all.
  Result operator()(const Tensor& x, const RecurrentState& state = {}, const Tensor& lengths = {}) const;

  Options options;
  std::variant<nn::RNN, nn::LSTM, nn::GRU> net;

  // Under the cell's name: lstm.weight_ih_l0, ...
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    std::visit([&](auto& inner) { visit.module(name_of(self.options.cell), inner); }, self.net);
  }
};

}  // namespace gradus::models
