// nn::gradcheck itself, and by it every layer whole: parameters and inputs, first and second derivative.
#include <gradus/nn/gradcheck.h>

#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>
#include <gradus/nn/blocks.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/norm.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

// y = scale * x, with a rule for scale's gradient that forgets x.
class Forgetful : public nn::ModuleOf<Forgetful> {
 public:
  Tensor operator()(const Tensor& x) const {
    const nn::Call call(*this);
    return record("forgetful", (x * scale).detach(), inputs(x, scale), saves(scale),
                  [](Backward& back, const Tensor& dy, const Tensor& saved) {
                    back.give(0, dy * saved);
                    back.give(1, dy);
                  });
  }
  Tensor scale = tensor({2, 3}, f64).requires_grad_();

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.parameter("scale", self.scale);
  }
};

Tensor noise(const Shape& shape, double distance_from_0 = 0) {
  Generator generator(17);
  const Tensor x = randn(shape, f64, generator);
  return x + sign(x) * distance_from_0;
}

// In f64, its weights moved off the ones and zeros that they may begin as.
template <class M>
M prepared(M layer) {
  layer.to(f64);
  Generator generator(23);
  for (NamedTensor& parameter : layer.parameters())
    no_grad([&] { parameter.value.add_(randn(parameter.value.shape(), f64, generator) * 0.3); });
  return layer;
}

template <class M>
void check_layer(M made, const Tensor& x) {
  M layer = prepared(std::move(made));
  INFO(layer.kind() << " of x " << x.shape() << (layer.training() ? " in training" : ""));
  CHECK_THAT(nn::gradcheck(layer, {{"x", x}}, {.second_order = true}), passes_gradcheck());
}

}  // namespace

TEST_CASE("nn::gradcheck finds a rule that is wrong, and names the parameter", "[nn][grad]") {
  nn::Sequential net{nn::Tanh(), Forgetful()};
  const GradcheckResult result = nn::gradcheck(net, {{"x", noise({2})}});
  CHECK_FALSE(result);
  CHECK(result.report.find(" by 1.scale[0]: analytic 1, numeric ") != std::string::npos);
  CHECK(result.report.find(" by x") == std::string::npos);
}

TEST_CASE("nn::gradcheck takes a callable, and inputs that are no numbers", "[nn][grad]") {
  const auto table = prepared(nn::Embedding({.count = 5, .width = 3, .padding = 1}));
  const Tensor ids = tensor({{0, 4, 4}, {2, 0, 3}}, i64), target = noise({2, 3, 3});
  const GradcheckResult result = nn::gradcheck(table, {{"ids", ids}});
  CHECK_THAT(result, passes_gradcheck());
  CHECK(result.compared == 2 * 3 * 3 * 5 * 3);
  CHECK_THAT(nn::gradcheck(table, [&] { return mse_loss(table(ids), target); }, {{"target", target}}),
             passes_gradcheck());
  CHECK(nn::gradcheck(table, [&] { return table(ids); }).compared == result.compared);
}

TEST_CASE("nn::gradcheck leaves a frozen parameter out", "[nn][grad]") {
  auto layer = prepared(nn::Linear({.in = 2, .out = 3}));
  const Tensor x = noise({4, 2});
  const std::int64_t whole = nn::gradcheck(layer, {{"x", x}}).compared;
  layer.bias.requires_grad_(false);
  CHECK(whole - nn::gradcheck(layer, {{"x", x}}).compared == 4 * 3 * 3);
}

TEST_CASE("nn::gradcheck puts back what the calls changed", "[nn][grad]") {
  auto layer = prepared(nn::BatchNorm1d({.channels = 2}));
  const Tensor x = noise({4, 2}), weight = layer.weight.detach().clone(), same = x.clone();
  const RandomState before = default_generator().state();
  CHECK_THAT(nn::gradcheck(layer, {{"x", x}}), passes_gradcheck());
  CHECK(equal(layer.running_mean, zeros({2}, f64)));
  CHECK(equal(layer.running_var, ones({2}, f64)));
  CHECK(layer.num_batches_tracked.item() == 0);
  CHECK(equal(layer.weight, weight));
  CHECK(equal(x, same));
  CHECK_FALSE(x.requires_grad());
  CHECK(default_generator().state() == before);
}

TEST_CASE("nn::gradcheck is chosen for modules, gradcheck for functions", "[nn][grad]") {
  using namespace gradus::nn;
  const auto layer = prepared(Linear({.in = 2, .out = 3}));
  const Tensor x = noise({4, 2}).requires_grad_();
  const auto f = [&] { return layer(x); };
  CHECK_THAT(gradcheck(layer, {{"x", x}}), passes_gradcheck());
  CHECK_THAT(gradcheck(f, {{"x", x}}), passes_gradcheck());
}

TEST_CASE("nn::gradcheck refuses what proves nothing", "[nn][grad][error]") {
  const nn::Linear narrow({.in = 2, .out = 3});
  const auto layer = prepared(nn::Linear({.in = 2, .out = 3}));
  CHECK(
      message_of([&] {
        nn::gradcheck(narrow, {{"x", noise({4, 2})}});
      }) ==
      "[gradcheck] 'weight' of this Linear is f32, and differences in f32 prove nothing. Call to(f64) on the "
      "module first?");
  CHECK(message_of([&] {
          nn::gradcheck(layer, {{"x", zeros({4, 2})}});
        }) == "[gradcheck] input 'x' is f32; differences in f32 prove nothing. Convert with .to(f64)?");
  CHECK(message_of([&] {
          nn::gradcheck(layer, {{"a", noise({2})}, {"b", noise({2})}});
        }) ==
        "[gradcheck] a Linear is called with one tensor here, and 2 are named. Say how to call it: "
        "gradcheck(module, [&] { return module(a, b); }, {{\"a\", a}, ...})?");
  const Tensor made = noise({4, 2}).requires_grad_() * 2.0;
  CHECK(message_of([&] {
          nn::gradcheck(layer, {{"x", made}});
        }) == "[gradcheck] input 'x' is not a leaf that asks for a gradient. Call requires_grad_() on it?");
}

TEST_CASE("linear layers and activations pass gradcheck", "[nn][grad]") {
  check_layer(nn::Linear({.in = 3, .out = 4}), noise({2, 5, 3}));
  check_layer(nn::Linear({.in = 3, .out = 4, .bias = false}), noise({5, 3}));
  const Tensor x = noise({3, 4}, 0.1);  // off the kinks at 0
  check_layer(nn::ReLU(), x);
  check_layer(nn::LeakyReLU(), x);
  check_layer(nn::GELU(), x);
  check_layer(nn::GELUTanh(), x);
  check_layer(nn::SiLU(), x);
  check_layer(nn::Tanh(), x);
  check_layer(nn::Sigmoid(), x);
  check_layer(nn::Softplus(), x);
  check_layer(nn::Softmax({.axis = 0}), x);
}

TEST_CASE("normalising layers pass gradcheck", "[nn][grad]") {
  check_layer(nn::LayerNorm({.width = 4}), noise({2, 3, 4}));
  check_layer(nn::LayerNorm({.width = 4, .affine = false}), noise({3, 4}));
  check_layer(nn::RMSNorm({.width = 4}), noise({2, 3, 4}));
  check_layer(nn::GroupNorm({.groups = 2, .channels = 4}), noise({2, 4, 3}));
}

TEST_CASE("batch norm passes gradcheck in training and outside", "[nn][grad]") {
  const auto both = [](auto make, const Tensor& x) {
    check_layer(make(), x);
    auto trained = make();
    trained.to(f64);
    trained(x);
    trained.eval();
    check_layer(std::move(trained), x);
  };
  both([] { return nn::BatchNorm1d({.channels = 3}); }, noise({5, 3}));
  both([] { return nn::BatchNorm1d({.channels = 3}); }, noise({2, 3, 4}));
  both([] { return nn::BatchNorm2d({.channels = 2}); }, noise({2, 2, 3, 2}));
  both([] { return nn::BatchNorm3d({.channels = 2, .affine = false}); }, noise({2, 2, 2, 2, 2}));
}

TEST_CASE("convolution and pooling layers pass gradcheck", "[nn][grad]") {
  check_layer(nn::Conv1d({.in = 2, .out = 3, .kernel = 3, .stride = 2, .padding = 1}), noise({2, 2, 7}));
  check_layer(nn::Conv2d({.in = 2, .out = 2, .kernel = {3, 2}, .padding = {1, 0}, .dilation = {1, 2}}),
              noise({2, 2, 4, 5}));
  check_layer(nn::MaxPool1d({.kernel = 3, .stride = 2, .padding = 1}), noise({2, 2, 7}));
  check_layer(nn::MaxPool2d({}), noise({2, 2, 4, 4}));
  check_layer(nn::AvgPool1d({.kernel = 3, .stride = 1}), noise({2, 2, 7}));
  check_layer(nn::AvgPool2d({.kernel = {2, 3}, .padding = {1, 1}}), noise({1, 2, 4, 5}));
  check_layer(nn::Flatten(), noise({2, 2, 3}));
}

TEST_CASE("dropout, feed-forward and residual blocks pass gradcheck", "[nn][grad]") {
  check_layer(nn::Dropout({.p = 0.4}), noise({4, 5}));
  check_layer(nn::FeedForward({.width = 3, .hidden = 5, .activation = nn::Activation::gelu, .dropout = 0.3}),
              noise({2, 2, 3}));
  check_layer(nn::Residual(nn::LayerNorm({.width = 3}), nn::Linear({.in = 3, .out = 3}), nn::Tanh()),
              noise({4, 3}));
  check_layer(nn::Sequential(nn::Conv1d({.in = 2, .out = 3, .kernel = 3}), nn::BatchNorm1d({.channels = 3}),
                             nn::Softplus(), nn::Flatten(), nn::Linear({.in = 9, .out = 2})),
              noise({3, 2, 5}));
}
