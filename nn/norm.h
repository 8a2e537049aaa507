// Layers that normalise.
#pragma once

#include <string>

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

// y = (x - mean) / sqrt(var + eps) * weight + bias over a group of neighbouring channels of one row, in
// training and outside alike. 1 group takes all channels together, as many as channels each alone.
// x, y: (B, channels, ...); weight and bias, where `affine`: (channels,), at first ones and zeros.
class GroupNorm : public ModuleOf<GroupNorm> {
 public:
  struct Options {
    std::int64_t groups, channels;
    double eps = 1e-5;
    bool affine = true;
  };
  explicit GroupNorm(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight, bias;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
  }
};

// y = (x - mean) / sqrt(var + eps) * weight + bias, each channel over the batch and all its places.
//
// In training mean and var are those of the batch, and the running statistics move towards them:
//   running_mean = (1 - momentum) running_mean + momentum mean, and running_var likewise.
// Outside training the running statistics stand for them. The batch is normalised with its biased variance
// (divided by n, its elements a channel), while running_var gathers the unbiased one (by n - 1), as in
// PyTorch; so n = 1 is refused in training. A call in training changes the layer: a const one is refused.
// Ioffe & Szegedy 2015
//
// x, y: (B, C) or (B, C, L) for BatchNorm1d, (B, C, H, W) for 2d, (B, C, D, H, W) for 3d; the rest (C,).
template <int places>
class BatchNorm : public ModuleOf<BatchNorm<places>> {
 public:
  struct Options {
    std::int64_t channels;
    double eps = 1e-5;
    double momentum = 0.1;
    bool affine = true;
  };
  explicit BatchNorm(const Options& options);
  Tensor operator()(const Tensor& x);
  Tensor operator()(const Tensor& x) const;
  std::string kind() const override { return "BatchNorm" + std::to_string(places) + "d"; }

  Options options;
  Tensor weight, bias;  // at first ones and zeros
  Tensor running_mean, running_var, num_batches_tracked;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
    visit.buffer("running_mean", self.running_mean);
    visit.buffer("running_var", self.running_var);
    visit.buffer("num_batches_tracked", self.num_batches_tracked);
  }
};

extern template class BatchNorm<1>;
extern template class BatchNorm<2>;
extern template class BatchNorm<3>;
using BatchNorm1d = BatchNorm<1>;
using BatchNorm2d = BatchNorm<2>;
using BatchNorm3d = BatchNorm<3>;

}  // namespace gradus::nn
