// Layers and activations against PyTorch.
#include <cmath>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/blocks.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::test;

namespace {

template <class M>
ParityCase in_evaluation(M module) {
  module.eval();
  return layer(std::move(module));
}

template <class Norm>
ParityCase batch_norm() {
  return layer(Norm({.channels = 3, .eps = 1e-3, .momentum = 0.3}));
}
template <class Norm>
ParityCase batch_norm_in_evaluation() {
  return in_evaluation(Norm({.channels = 3, .eps = 1e-3, .momentum = 0.3}));
}

// The running statistics after ten batches, all x: each moves 0.3 of the way to its own.
template <class Norm>
void check_running_statistics(const std::string& name) {
  const Golden golden("norms");
  const std::string which = "batch_norm " + name + " in training/";
  const Tensor x = golden[which + "in/x"];
  Norm norm({.channels = 3, .eps = 1e-3, .momentum = 0.3});
  norm.to(f64);
  norm.load_state(golden.group(which + "state").list());
  for (int step = 0; step < 10; ++step) norm(x);
  check_agrees("running_mean", norm.running_mean, golden[which + "after/running_mean"]);
  check_agrees("running_var", norm.running_var, golden[which + "after/running_var"]);
  CHECK(norm.num_batches_tracked.item() == golden[which + "state/num_batches_tracked"].item() + 10);

  // With the biased variance, which is smaller by (n - 1) / n, they would be elsewhere.
  const double n = static_cast<double>(x.numel()) / 3, kept = std::pow(0.7, 10);
  const Tensor begun = kept * golden[which + "state/running_var"];
  const Tensor biased = begun + (n - 1) / n * (norm.running_var - begun);
  CHECK_FALSE(agrees(biased, golden[which + "after/running_var"]));
}

}  // namespace

TEST_CASE("linear layers, embeddings, activations and blocks agree with PyTorch", "[parity]") {
  const auto residual = [] {
    return nn::Residual(nn::Linear({.in = 3, .out = 4}), nn::Tanh(), nn::Linear({.in = 4, .out = 3}));
  };
  const auto of_ids = [](nn::Embedding& m, const NamedValues& in) { return m(in["ids"]); };
  check_family(
      "simple",
      {{"linear", layer(nn::Linear({.in = 3, .out = 5}))},
       {"linear without bias", layer(nn::Linear({.in = 4, .out = 3, .bias = false}))},
       {"embedding", layer(nn::Embedding({.count = 6, .width = 3}), of_ids)},
       {"embedding with padding", layer(nn::Embedding({.count = 6, .width = 3, .padding = 1}), of_ids)},
       {"relu", layer(nn::ReLU())},
       {"leaky_relu", layer(nn::LeakyReLU())},
       {"gelu", layer(nn::GELU())},
       {"gelu_tanh", layer(nn::GELUTanh())},
       {"silu", layer(nn::SiLU())},
       {"tanh", layer(nn::Tanh())},
       {"sigmoid", layer(nn::Sigmoid())},
       {"softplus", layer(nn::Softplus())},
       {"softmax of the last axis", layer(nn::Softmax({}))},
       {"softmax of the middle axis", layer(nn::Softmax({.axis = 1}))},
       {"log_softmax", function([](const NamedValues& in) { return log_softmax(in["x"], -1); })},
       {"feed-forward relu", layer(nn::FeedForward({.width = 3, .hidden = 5}))},
       {"feed-forward gelu",
        layer(nn::FeedForward({.width = 3, .hidden = 5, .activation = nn::Activation::gelu}))},
       {"dropout in evaluation", in_evaluation(nn::Dropout({.p = 0.4}))},
       {"residual", layer(residual())}});
}

TEST_CASE("normalising layers agree with PyTorch", "[parity]") {
  check_family(
      "norms",
      {{"layer_norm", layer(nn::LayerNorm({.width = 5, .eps = 1e-3}))},
       {"layer_norm without affine", layer(nn::LayerNorm({.width = 4, .affine = false}))},
       {"rms_norm", layer(nn::RMSNorm({.width = 5, .eps = 1e-3}))},
       {"rms_norm without affine", layer(nn::RMSNorm({.width = 4, .affine = false}))},
       {"group_norm of 1", layer(nn::GroupNorm({.groups = 1, .channels = 6, .eps = 1e-3}))},
       {"group_norm of 2", layer(nn::GroupNorm({.groups = 2, .channels = 6, .eps = 1e-3}))},
       {"group_norm of 6", layer(nn::GroupNorm({.groups = 6, .channels = 6, .eps = 1e-3}))},
       {"group_norm of pictures", layer(nn::GroupNorm({.groups = 2, .channels = 4}))},
       {"group_norm without affine", layer(nn::GroupNorm({.groups = 2, .channels = 4, .affine = false}))},
       {"batch_norm 1d in training", batch_norm<nn::BatchNorm1d>()},
       {"batch_norm 1d in evaluation", batch_norm_in_evaluation<nn::BatchNorm1d>()},
       {"batch_norm 1d of sequences in training", batch_norm<nn::BatchNorm1d>()},
       {"batch_norm 1d of sequences in evaluation", batch_norm_in_evaluation<nn::BatchNorm1d>()},
       {"batch_norm 2d in training", batch_norm<nn::BatchNorm2d>()},
       {"batch_norm 2d in evaluation", batch_norm_in_evaluation<nn::BatchNorm2d>()},
       {"batch_norm 3d in training", batch_norm<nn::BatchNorm3d>()},
       {"batch_norm 3d in evaluation", batch_norm_in_evaluation<nn::BatchNorm3d>()},
       {"batch_norm without affine", layer(nn::BatchNorm1d({.channels = 4, .affine = false}))}});
}

TEST_CASE("convolutions and pooling agree with PyTorch", "[parity]") {
  check_family(
      "convolutions",
      {{"conv1d", layer(nn::Conv1d({.in = 2, .out = 3, .kernel = 3}))},
       {"conv1d with options",
        layer(nn::Conv1d(
            {.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 2, .dilation = 2, .bias = false}))},
       {"conv2d", layer(nn::Conv2d({.in = 2, .out = 3, .kernel = {3, 2}}))},
       {"conv2d with options", layer(nn::Conv2d({.in = 2,
                                                 .out = 3,
                                                 .kernel = {3, 2},
                                                 .stride = {2, 1},
                                                 .padding = {1, 2},
                                                 .dilation = {1, 2},
                                                 .bias = false}))},
       {"max_pool1d", layer(nn::MaxPool1d({}))},
       {"max_pool1d with options", layer(nn::MaxPool1d({.kernel = 3, .stride = 2, .padding = 1}))},
       {"max_pool2d", layer(nn::MaxPool2d({}))},
       {"max_pool2d with options",
        layer(nn::MaxPool2d({.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}))},
       {"avg_pool1d", layer(nn::AvgPool1d({}))},
       {"avg_pool1d with options", layer(nn::AvgPool1d({.kernel = 3, .stride = 2, .padding = 1}))},
       {"avg_pool2d", layer(nn::AvgPool2d({}))},
       {"avg_pool2d with options",
        layer(nn::AvgPool2d({.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 0}}))},
       {"flatten", layer(nn::Flatten())}});
}

TEST_CASE("BatchNorm1d's running variance is the unbiased one, as in PyTorch", "[parity]") {
  check_running_statistics<nn::BatchNorm1d>("1d");
  check_running_statistics<nn::BatchNorm1d>("1d of sequences");
}

TEST_CASE("BatchNorm2d's running variance is the unbiased one, as in PyTorch", "[parity]") {
  check_running_statistics<nn::BatchNorm2d>("2d");
}

TEST_CASE("BatchNorm3d's running variance is the unbiased one, as in PyTorch", "[parity]") {
  check_running_statistics<nn::BatchNorm3d>("3d");
}

TEST_CASE("gelu is PyTorch's exact form and gelu_tanh its approximation, not the other way round",
          "[parity]") {
  const Golden golden("simple");
  const Tensor x = golden["gelu/in/x"];
  CHECK(agrees(gelu(x), golden["gelu/out/y"]));
  CHECK(agrees(gelu_tanh(x), golden["gelu_tanh/out/y"]));
  // The largest number, which is 40, hides no difference: they are apart by more than 1e-5 of it.
  CHECK_FALSE(allclose(golden["gelu/out/y"], golden["gelu_tanh/out/y"], 0, 1e-4));
}
