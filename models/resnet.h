// ResNet for small pictures: convolutions in pairs, and around each pair a way that leaves x as it is, so
// that a net may be as deep as it likes.
//
//   block   y = relu(path(x) + f(x)),  f = bn2(conv2(relu(bn1(conv1(x)))))
//   net     relu(bn1(conv1(pictures))), stages of blocks, the mean over all places, W x + b
//
// Convolutions are 3 x 3. Each stage but the first begins with one of stride 2, which halves height and
// width.
// There the path takes every second pixel, and zeros for the channels that are new: it has no weights, and so
// nets with and without it have the same ones.
//
// He, Zhang, Ren & Sun 2016, section 4.2
#pragma once

#include <vector>

#include <gradus/nn/blocks.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm.h>

namespace gradus::models {

// x: (B, in, H, W), y: (B, out, ceil(H / stride), ceil(W / stride)). Names are torchvision's.
class BasicBlock : public nn::ModuleOf<BasicBlock> {
 public:
  struct Options {
    std::int64_t in, out;  // out at least in
    std::int64_t stride = 1;
    nn::Residual::Path path = nn::Residual::on;  // off: y = relu(f(x))
  };
  explicit BasicBlock(const Options& options);
  Tensor operator()(const Tensor& x);
  Tensor operator()(const Tensor& x) const;

  Options options;
  nn::Conv2d conv1, conv2;
  nn::BatchNorm2d bn1, bn2;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("conv1", self.conv1);
    visit.module("bn1", self.bn1);
    visit.module("conv2", self.conv2);
    visit.module("bn2", self.bn2);
  }

 private:
  Tensor around(const Tensor& x) const;
};

// Counts 2 + 2 blocks stages layers with weights; those of the paper have 3 stages: ResNet-20 has 3 blocks in
// each.
class Resnet : public nn::ModuleOf<Resnet> {
 public:
  struct Options {
    std::int64_t channels = 1, classes = 10;
    std::vector<std::int64_t> stages = {16, 32, 64};  // their widths
    std::int64_t blocks = 1;                          // of each stage
    nn::Residual::Path path = nn::Residual::on;
  };
  explicit Resnet(const Options& options);

  // Pictures (B, channels, H, W) of any size; logits (B, classes). In training the statistics of the norms
  // move: a const model must be in eval mode.
  Tensor operator()(const Tensor& pictures);
  Tensor operator()(const Tensor& pictures) const;

  Options options;
  nn::Conv2d conv1;
  nn::BatchNorm2d bn1;
  nn::ModuleList<nn::ModuleList<BasicBlock>> stages;
  nn::Linear fc;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("conv1", self.conv1);
    visit.module("bn1", self.bn1);
    for (std::size_t i = 0; i < self.stages.size(); ++i)
      visit.module(std::string("layer").append(std::to_string(i + 1)), self.stages[i]);
    visit.module("fc", self.fc);
  }
};

}  // namespace gradus::models
