// Layers that normalise.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

// y = (x - mean) / sqrt(var + eps) * weight + bias, each row of the last axis for itself, in training and
// outside alike. x, y: (..., width); weight and bias, where `affine`: (width,), at first ones and zeros.
class LayerNorm : public ModuleOf<LayerNorm> {
 public:
  struct Options {
    std::int64_t width;
    double eps = 1e-5;
    bool affine = true;
  };
  explicit LayerNorm(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight, bias;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
  }
};

// y = x / sqrt(mean(x^2) + eps) * weight, likewise: the length alone is set, no mean taken off.
class RMSNorm : public ModuleOf<RMSNorm> {
 public:
  struct Options {
    std::int64_t width;
    double eps = 1e-5;
    bool affine = true;
  };
  explicit RMSNorm(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
  }
};

}  // namespace gradus::nn
