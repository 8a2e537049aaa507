// Activations, as one word and as modules for Sequential.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

enum class Activation { identity, relu, leaky_relu, gelu, gelu_tanh, silu, tanh, sigmoid, softplus };

Tensor activate(const Tensor& x, Activation activation);  // leaky_relu with slope 0.01
std::string name_of(Activation activation);               // "ReLU"

template <Activation activation>
class Activated : public ModuleOf<Activated<activation>> {
 public:
  Tensor operator()(const Tensor& x) const {
    const Call call(*this);
    return activate(x, activation);
  }
  std::string kind() const override { return name_of(activation); }

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
};

using ReLU = Activated<Activation::relu>;
using LeakyReLU = Activated<Activation::leaky_relu>;
using GELU = Activated<Activation::gelu>;
using GELUTanh = Activated<Activation::gelu_tanh>;
using SiLU = Activated<Activation::silu>;
using Tanh = Activated<Activation::tanh>;
using Sigmoid = Activated<Activation::sigmoid>;
using Softplus = Activated<Activation::softplus>;

// exp(x_i) / sum_j exp(x_j) along an axis. Where a loss follows, cross_entropy takes x itself, which is exact
// where these have run out of digits.
class Softmax : public ModuleOf<Softmax> {
 public:
  struct Options {
    std::int64_t axis = -1;
  };
  explicit Softmax(const Options& o) : options(o) {}
  Tensor operator()(const Tensor& x) const;

  Options options;

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
};

}  // namespace gradus::nn
