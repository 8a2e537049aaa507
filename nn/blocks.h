// Small pieces that models are built of.
#pragma once

#include <gradus/nn/activation.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/dropout.h>
#include <gradus/nn/linear.h>

namespace gradus::nn {

// y = linear2(dropout(activation(linear1(x)))), each position for itself: what two convolutions with kernels
// of one place do.   x, y: (..., width), between the two (..., hidden).   Vaswani et al. 2017
class FeedForward : public ModuleOf<FeedForward> {
 public:
  struct Options {
    std::int64_t width, hidden;
    Activation activation = Activation::relu;
    double dropout = 0;
  };
  explicit FeedForward(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Linear linear1, linear2;
  Dropout dropout;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("linear1", self.linear1);
    visit.module("dropout", self.dropout);
    visit.module("linear2", self.linear2);
  }
};

// y = x + f(x), f being the modules one after another: dy/dx keeps a 1, however deep the net.
// He, Zhang, Ren & Sun 2016
//
//   Residual block(LayerNorm({.width = 64}), FeedForward({.width = 64, .hidden = 256}));
//
// Residual(Residual::off, ...) is f(x) alone under the same names, for lessons that compare the two.
class Residual : public ModuleOf<Residual> {
 public:
  enum Path { on, off };

  template <class... M>
  explicit Residual(Path path_around, M... modules) : path(path_around), f(std::move(modules)...) {}
  template <class... M>
  requires(sizeof...(M) > 0 && (std::is_base_of_v<Module, M> && ...)) explicit Residual(M... modules)
      : Residual(on, std::move(modules)...) {}
  Residual() = default;

  Tensor operator()(const Tensor& x);
  Tensor operator()(const Tensor& x) const;
  Residual clone() const;

  Path path = on;
  Sequential f;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("f", self.f);
  }
};

}  // namespace gradus::nn
