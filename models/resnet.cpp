#include <gradus/models/resnet.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

// Without a bias: the norm behind it has one.
nn::Conv2d conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return nn::Conv2d(
      {.in = in, .out = out, .kernel = {3, 3}, .stride = {stride, stride}, .padding = {1, 1}, .bias = false});
}

const BasicBlock::Options& checked(const BasicBlock::Options& o) {
  check(o.in <= o.out, "basic_block", "the path adds channels and drops none: .in = ", o.in,
        ", .out = ", o.out, ". At least as many?");
  return o;
}

const Resnet::Options& checked(const Resnet::Options& o) {
  check(!o.stages.empty() && o.blocks > 0, "resnet", "needs a stage and a block or more, not ",
        o.stages.size(), " stages of ", o.blocks, " blocks. .stages = {16, 32, 64}?");
  return o;
}

// Both forms of the calls: in training the norms change.
template <class Block>
Tensor f(Block& block, const Tensor& x) {
  return block.bn2(block.conv2(relu(block.bn1(block.conv1(x)))));
}

template <class Net>
Tensor logits(Net& net, const Tensor& pictures) {
  check(pictures.rank() == 4 && pictures.size(1) == net.options.channels, "resnet", "takes pictures (B, ",
        net.options.channels, ", H, W), not ", pictures.shape(), ". An axis for channels?");
  Tensor x = relu(net.bn1(net.conv1(pictures)));
  for (auto& stage : net.stages)
    for (auto& block : stage) x = block(x);
  return net.fc(mean(x, {2, 3}));
}

}  // namespace

BasicBlock::BasicBlock(const Options& o)
    : options(checked(o)),
      conv1(conv3x3(o.in, o.out, o.stride)),
      conv2(conv3x3(o.out, o.out)),
      bn1({.channels = o.out}),
      bn2({.channels = o.out}) {}

Tensor BasicBlock::around(const Tensor& x) const {
  const std::int64_t s = options.stride;
  const Tensor seen = s == 1 ? x : x.slice(2, 0, x.size(2), s).slice(3, 0, x.size(3), s);
  if (options.in == options.out) return seen;
  const Tensor none = zeros({x.size(0), options.out - options.in, seen.size(2), seen.size(3)}, x.dtype());
  return concat({seen, none}, 1);
}

Tensor BasicBlock::operator()(const Tensor& x) {
  const nn::Call call(*this);
  const Tensor fx = f(*this, x);
  return relu(options.path == nn::Residual::on ? around(x) + fx : fx);
}

Tensor BasicBlock::operator()(const Tensor& x) const {
  const nn::Call call(*this);
  const Tensor fx = f(*this, x);
  return relu(options.path == nn::Residual::on ? around(x) + fx : fx);
}

Resnet::Resnet(const Options& o)
    : options(checked(o)),
      conv1(conv3x3(o.channels, o.stages[0])),
      bn1({.channels = o.stages[0]}),
      fc({.in = o.stages.back(), .out = o.classes}) {
  std::int64_t in = o.stages[0];
  for (const std::int64_t out : o.stages) {
    nn::ModuleList<BasicBlock> stage;
    for (std::int64_t k = 0; k < o.blocks; ++k) {
      const bool halves = k == 0 && stages.size() > 0;
      stage.push_back(BasicBlock({.in = in, .out = out, .stride = halves ? 2 : 1, .path = o.path}));
      in = out;
    }
    stages.push_back(std::move(stage));
  }
}

Tensor Resnet::operator()(const Tensor& pictures) {
  const nn::Call call(*this);
  return logits(*this, pictures);
}

Tensor Resnet::operator()(const Tensor& pictures) const {
  const nn::Call call(*this);
  return logits(*this, pictures);
}

}  // namespace gradus::models
