// Where in its sequence a token stands. Attention alone cannot tell: it sees a set.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

// What a position p is told as:
//   none        nothing
//   index       p, added to every feature: far out it drowns them
//   normalised  p / (T - 1) of a sequence of T, likewise: the step between neighbours depends on T, and in a
//               sequence that grows token by token, on the moment
//   sinusoidal  sines and cosines of p, below, added. Vaswani et al. 2017
//   learned     a row of weights for each p, added. Gehring et al. 2017
//   rotary      by turning queries and keys inside attention, below; nothing is added. Su et al. 2021
enum class Position { none, index, normalised, sinusoidal, learned, rotary };

// Row p has sin(p w_i) at 2i and cos(p w_i) at 2i + 1, w_i = base^(-2i / width): (count, width).
// The row of p + s is that of p with each pair turned by s w_i, a linear map that does not depend on p.
Tensor sinusoids(std::int64_t count, std::int64_t width, double base = 10000, DType dtype = f32);

// y = x + what stands for the positions.   x, y: (..., T, width); the first row of x has position `offset`,
// which is the number of tokens that came before, as when decoding token by token.
// max_length bounds the positions that have a row in a table, sinusoidal and learned. `weight`, if learned:
// (max_length, width), at first normal with deviation 1, as an Embedding's.
class PositionalEncoding : public ModuleOf<PositionalEncoding> {
 public:
  struct Options {
    std::int64_t width;
    Position position = Position::sinusoidal;
    std::int64_t max_length = 1024;
  };
  explicit PositionalEncoding(const Options& options);
  Tensor operator()(const Tensor& x, std::int64_t offset = 0) const;

  Options options;
  Tensor weight;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
  }

 private:
  Tensor table_;  // f64 whatever the weights are, so that no position is rounded twice
};

// Queries or keys x (..., T, width) turned pair by pair by their positions' angles p w_i, so that q_m . k_n
// depends on positions by m - n alone; see the op `rotary`. width is that of one head.
class Rotary : public ModuleOf<Rotary> {
 public:
  struct Options {
    std::int64_t width, max_length = 1024;
    double base = 10000;
  };
  explicit Rotary(const Options& options);
  Tensor operator()(const Tensor& x, std::int64_t offset = 0) const;

  Options options;

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}

 private:
  Tensor table_;
};

}  // namespace gradus::nn
