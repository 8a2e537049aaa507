// Layers that hold one matrix.
#pragma once

#include <optional>

#include <gradus/nn/module.h>

namespace gradus::nn {

// y = x weight^T + bias.   x: (..., in), weight: (out, in), bias: (out,), y: (..., out)
// Both begin uniform in +-1 / sqrt(in), as PyTorch's do.
class Linear : public ModuleOf<Linear> {
 public:
  struct Options {
    std::int64_t in, out;
    bool bias = true;
  };
  explicit Linear(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight, bias;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
  }
};

// The rows of weight (count, width) that ids name: ids (...) to (..., width). They begin normal with
// deviation 1; that of the padding id begins as zeros and gets no gradient.
class Embedding : public ModuleOf<Embedding> {
 public:
  struct Options {
    std::int64_t count, width;
    std::optional<std::int64_t> padding = {};
  };
  explicit Embedding(const Options& options);
  Tensor operator()(const Tensor& ids) const;

  Options options;
  Tensor weight;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
  }
};

}  // namespace gradus::nn
