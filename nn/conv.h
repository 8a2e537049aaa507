// Layers for images and sequences: convolutions, pooling, and what leads from them to linear layers.
//
//   Sequential net(Conv2d({.in = 1, .out = 8, .kernel = {3, 3}, .padding = {1, 1}}), ReLU(), MaxPool2d({}),
//                  Flatten(), Linear({.in = 8 * 14 * 14, .out = 10}));  // for pictures of 28 x 28
#pragma once

#include <array>
#include <string>
#include <type_traits>

#include <gradus/autograd/ops/conv.h>
#include <gradus/nn/module.h>

namespace gradus::nn {

// Each kernel slides over the image and gives one channel of y; formula and sizes stand by conv2d.
// x: (B, in, H, W), weight: (out, in, KH, KW), bias: (out,), y: (B, out, PH, PW)
// Both begin uniform in +-1 / sqrt(in KH KW), as PyTorch's do.
class Conv2d : public ModuleOf<Conv2d> {
 public:
  struct Options {
    std::int64_t in, out;
    std::array<std::int64_t, 2> kernel;
    std::array<std::int64_t, 2> stride{1, 1}, padding{0, 0}, dilation{1, 1};
    bool bias = true;
  };
  explicit Conv2d(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight, bias;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
  }
};

// The same on one axis. x: (B, in, L), weight: (out, in, K), bias: (out,), y: (B, out, P)
class Conv1d : public ModuleOf<Conv1d> {
 public:
  struct Options {
    std::int64_t in, out, kernel;
    std::int64_t stride = 1, padding = 0, dilation = 1;
    bool bias = true;
  };
  explicit Conv1d(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;
  Tensor weight, bias;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("weight", self.weight);
    visit.parameter("bias", self.bias);
  }
};

// The largest element, or the mean, of each window. Windows have the kernel's size, 2 unless given, and stand
// side by side unless a stride is given: MaxPool2d({}) halves height and width.
enum class Pooling { max, average };
template <Pooling pooling, int places>
class Pool : public ModuleOf<Pool<pooling, places>> {
 public:
  using Options = std::conditional_t<places == 1, Pool1dOptions, Pool2dOptions>;
  explicit Pool(const Options& options);
  Tensor operator()(const Tensor& x) const;
  std::string kind() const override {
    return (pooling == Pooling::max ? "MaxPool" : "AvgPool") + std::to_string(places) + "d";
  }

  Options options;

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
};

extern template class Pool<Pooling::max, 1>;
extern template class Pool<Pooling::max, 2>;
extern template class Pool<Pooling::average, 1>;
extern template class Pool<Pooling::average, 2>;
using MaxPool1d = Pool<Pooling::max, 1>;
using MaxPool2d = Pool<Pooling::max, 2>;
using AvgPool1d = Pool<Pooling::average, 1>;
using AvgPool2d = Pool<Pooling::average, 2>;

// All axes but the batch as one: (B, ...) to (B, n).
class Flatten : public ModuleOf<Flatten> {
 public:
  Tensor operator()(const Tensor& x) const;

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
};

}  // namespace gradus::nn
