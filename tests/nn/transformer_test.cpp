// Transformer layers: their formulas, names, what a token may see of others, and gradients.
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/nn/transformer.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using gradus::test::message_of;

namespace {

Tensor noise(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return randn(shape, f64, generator);
}

// In f64, and with weights that are all at work: biases and norms begin as zeros and ones.
template <class Layer>
Layer layer_of(const TransformerOptions& options) {
  Layer layer(options);
  layer.to(f64);
  std::uint64_t seed = 100;
  no_grad([&] {
    for (const NamedTensor& parameter : layer.parameters()) {
      const Tensor& x = parameter.value;
      if (x.rank() == 1) x.detach().add_(0.3 * noise(x.shape(), ++seed));
    }
  });
  return layer;
}

TransformerOptions small(NormPlace norm, double dropout = 0) {
  return {
      .width = 8, .heads = 2, .hidden = 12, .dropout = dropout, .activation = Activation::gelu, .norm = norm};
}

std::vector<std::string> names_and_shapes(const Module& module) {
  std::vector<std::string> all;
  for (const NamedTensor& entry : module.state()) {
    std::ostringstream line;
    line << entry.name << " " << entry.value.shape();
    all.push_back(line.str());
  }
  return all;
}

Tensor fed_forward(const FeedForward& f, const Tensor& x) {
  return linear(gelu(linear(x, f.linear1.weight, f.linear1.bias)), f.linear2.weight, f.linear2.bias);
}
Tensor normed(const LayerNorm& norm, const Tensor& x) {
  return definition::layer_norm(x, norm.weight, norm.bias, 1e-5);
}

MayAttend first_three_of_five() { return {.real = (arange(5, i64) < 3.).expand({2, 5})}; }

}  // namespace

TEST_CASE("Transformer layers have PyTorch's names", "[nn]") {
  const TransformerOptions options{.width = 8, .heads = 2, .hidden = 12};
  CHECK(names_and_shapes(TransformerEncoderLayer(options)) ==
        std::vector<std::string>{"self_attn.in_proj_weight (24, 8)", "self_attn.in_proj_bias (24,)",
                                 "self_attn.out_proj.weight (8, 8)", "self_attn.out_proj.bias (8,)",
                                 "linear1.weight (12, 8)", "linear1.bias (12,)", "linear2.weight (8, 12)",
                                 "linear2.bias (8,)", "norm1.weight (8,)", "norm1.bias (8,)",
                                 "norm2.weight (8,)", "norm2.bias (8,)"});
  CHECK(names_and_shapes(TransformerDecoderLayer(options)) ==
        std::vector<std::string>{"self_attn.in_proj_weight (24, 8)", "self_attn.in_proj_bias (24,)",
                                 "self_attn.out_proj.weight (8, 8)", "self_attn.out_proj.bias (8,)",
                                 "multihead_attn.in_proj_weight (24, 8)", "multihead_attn.in_proj_bias (24,)",
                                 "multihead_attn.out_proj.weight (8, 8)", "multihead_attn.out_proj.bias (8,)",
                                 "linear1.weight (12, 8)", "linear1.bias (12,)", "linear2.weight (8, 12)",
                                 "linear2.bias (8,)", "norm1.weight (8,)", "norm1.bias (8,)",
                                 "norm2.weight (8,)", "norm2.bias (8,)", "norm3.weight (8,)",
                                 "norm3.bias (8,)"});
}

TEST_CASE("BERT-base's twelve layers count 85,054,464 weights", "[nn]") {
  const TransformerEncoderLayer layer({.width = 768, .heads = 12, .hidden = 3072});
  CHECK(12 * layer.parameter_count() == 85054464);
}

TEST_CASE("an encoder layer is its formula, normed before or after", "[nn]") {
  const Tensor x = noise({2, 5, 8}, 1);
  const MayAttend may = first_three_of_five();
  const auto post = layer_of<TransformerEncoderLayer>(small(NormPlace::post));
  const Tensor h = normed(post.norm1, x + post.self_attn(x, may));
  CHECK(allclose(post(x, may).detach(), normed(post.norm2, h + fed_forward(post.feed_forward, h)).detach(),
                 1e-11, 1e-12));
  const auto pre = layer_of<TransformerEncoderLayer>(small(NormPlace::pre));
  const Tensor g = x + pre.self_attn(normed(pre.norm1, x), may);
  CHECK(allclose(pre(x, may).detach(), (g + fed_forward(pre.feed_forward, normed(pre.norm2, g))).detach(),
                 1e-11, 1e-12));
}

TEST_CASE("a decoder layer is its formula, normed before or after", "[nn]") {
  const Tensor x = noise({2, 4, 8}, 1), memory = noise({2, 5, 8}, 2);
  const MayAttend past{.causal = true};
  const MayAttend real = first_three_of_five();
  const auto post = layer_of<TransformerDecoderLayer>(small(NormPlace::post));
  Tensor h = normed(post.norm1, x + post.self_attn(x, past));
  h = normed(post.norm2, h + post.multihead_attn(h, memory, real));
  h = normed(post.norm3, h + fed_forward(post.feed_forward, h));
  CHECK(allclose(post(x, memory, past, real).detach(), h.detach(), 1e-11, 1e-12));
  const auto pre = layer_of<TransformerDecoderLayer>(small(NormPlace::pre));
  h = x + pre.self_attn(normed(pre.norm1, x), past);
  h = h + pre.multihead_attn(normed(pre.norm2, h), memory, real);
  h = h + fed_forward(pre.feed_forward, normed(pre.norm3, h));
  CHECK(allclose(pre(x, memory, past, real).detach(), h.detach(), 1e-11, 1e-12));
}

TEST_CASE("an encoder layer without positions does not know the order of its tokens", "[nn]") {
  const Tensor x = noise({2, 5, 8}, 1), order = tensor({3, 0, 4, 2, 1}, i64);
  const auto layer = layer_of<TransformerEncoderLayer>(small(GENERATE(NormPlace::pre, NormPlace::post)));
  CHECK(allclose(layer(index_select(x, 1, order)).detach(), index_select(layer(x), 1, order).detach(), 1e-12,
                 1e-12));
}

TEST_CASE("no token of a causal layer sees a later one, and each sees all of the memory", "[nn][grad]") {
  const NormPlace norm = GENERATE(NormPlace::pre, NormPlace::post);
  const auto encoder = layer_of<TransformerEncoderLayer>(small(norm));
  const auto decoder = layer_of<TransformerDecoderLayer>(small(norm));
  const Tensor x = noise({1, 5, 8}, 1).requires_grad_(), memory = noise({1, 3, 8}, 2).requires_grad_();
  const auto check_causal = [&](const Tensor& y) {
    for (std::int64_t t = 0; t < 5; ++t) {
      const Tensor dx = grad({y.slice(1, t, t + 1)}, {x}, {noise({1, 1, 8}, 9)}, {.retain_graph = true})[0];
      for (std::int64_t other = 0; other < 5; ++other)
        CHECK(equal(dx.slice(1, other, other + 1), zeros({1, 1, 8}, f64)) == (other > t));
    }
  };
  check_causal(encoder(x, {.causal = true}));
  const Tensor y = decoder(x, memory);  // causal unless told otherwise
  check_causal(y);
  for (std::int64_t t = 0; t < 5; ++t) {
    const Tensor seen =
        grad({y.slice(1, t, t + 1)}, {memory}, {noise({1, 1, 8}, 9)}, {.retain_graph = true})[0];
    for (std::int64_t j = 0; j < 3; ++j) CHECK(sum(abs(seen.slice(1, j, j + 1))).item() > 0);
  }
}

TEST_CASE("what stands in the padding reaches no real token", "[nn]") {
  const NormPlace norm = GENERATE(NormPlace::pre, NormPlace::post);
  const Tensor x = noise({2, 5, 8}, 1), other = concat({x.slice(1, 0, 3), noise({2, 2, 8}, 2)}, 1);
  const auto encoder = layer_of<TransformerEncoderLayer>(small(norm));
  CHECK(equal(encoder(x, first_three_of_five()).slice(1, 0, 3),
              encoder(other, first_three_of_five()).slice(1, 0, 3)));
  const auto decoder = layer_of<TransformerDecoderLayer>(small(norm));
  const Tensor y = noise({2, 4, 8}, 3);
  CHECK(equal(decoder(y, x, {.causal = true}, first_three_of_five()),
              decoder(y, other, {.causal = true}, first_three_of_five())));
  CHECK(allclose(decoder(y, x, {.causal = true}, first_three_of_five()).detach(),
                 decoder(y, x.slice(1, 0, 3)).detach(), 1e-12, 1e-12));
}

TEST_CASE("an encoder layer has the right gradients", "[nn][grad]") {
  TransformerOptions options = small(GENERATE(NormPlace::pre, NormPlace::post), 0.2);
  options.rotary = 4;
  const auto layer = layer_of<TransformerEncoderLayer>(options);
  const Tensor x = noise({2, 4, 8}, 1).requires_grad_();
  const Tensor real = arange(4, i64) < tensor({4, 2}, i64).unsqueeze(1);
  CHECK_THAT(nn::gradcheck(layer, [&] { return layer(x, {.causal = true, .real = real}); }, {{"x", x}}),
             passes_gradcheck());
}

TEST_CASE("a decoder layer has the right gradients", "[nn][grad]") {
  const auto layer = layer_of<TransformerDecoderLayer>(small(GENERATE(NormPlace::pre, NormPlace::post), 0.2));
  const Tensor x = noise({2, 3, 8}, 1).requires_grad_(), memory = noise({2, 5, 8}, 2).requires_grad_();
  CHECK_THAT(nn::gradcheck(layer, [&] { return layer(x, memory, {.causal = true}, first_three_of_five()); },
                           {{"x", x}, {"memory", memory}}),
             passes_gradcheck());
}

TEST_CASE("a layer drops out in training alone, the same with the same seed, and clones whole", "[nn]") {
  auto layer = layer_of<TransformerDecoderLayer>(small(NormPlace::post, 0.4));
  const Tensor x = noise({2, 3, 8}, 1), memory = noise({2, 5, 8}, 2);
  const RandomState before = default_generator().state();
  const Tensor first = layer(x, memory);
  CHECK(!equal(layer(x, memory), first));
  default_generator().set_state(before);
  CHECK(equal(layer(x, memory), first));
  layer.eval();
  const RandomState place = default_generator().state();
  const Tensor plain = layer(x, memory);
  CHECK(default_generator().state() == place);
  const TransformerDecoderLayer copy = layer.clone();
  CHECK(equal(copy(x, memory), plain));
}

TEST_CASE("dropout reaches each sublayer's result, the weights of attention and what is hidden", "[nn]") {
  const Tensor x = noise({2, 3, 8}, 1), memory = noise({2, 5, 8}, 2);
  auto encoder = layer_of<TransformerEncoderLayer>(small(NormPlace::pre, 1));
  auto decoder = layer_of<TransformerDecoderLayer>(small(NormPlace::pre, 1));
  CHECK(equal(encoder(x).detach(), x));  // all results are dropped: the paths around are left
  CHECK(equal(decoder(x, memory).detach(), x));
  const auto post = layer_of<TransformerDecoderLayer>(small(NormPlace::post, 1));
  CHECK(allclose(post(x, memory).detach(),
                 normed(post.norm3, normed(post.norm2, normed(post.norm1, x))).detach(), 1e-12, 1e-12));

  for (Dropout* of_result :
       {&encoder.dropout1, &encoder.dropout2, &decoder.dropout1, &decoder.dropout2, &decoder.dropout3})
    of_result->options.p = 0;  // what is dropped inside leaves the last biases
  const Tensor seen = x + encoder.self_attn.out_proj.bias;
  CHECK(allclose(encoder(x).detach(), (seen + encoder.feed_forward.linear2.bias).detach(), 1e-12, 1e-12));
  const Tensor both = x + decoder.self_attn.out_proj.bias + decoder.multihead_attn.out_proj.bias;
  CHECK(allclose(decoder(x, memory).detach(), (both + decoder.feed_forward.linear2.bias).detach(), 1e-12,
                 1e-12));
}

TEST_CASE("a rotary layer knows the order of its tokens, and no attention to a memory is turned", "[nn]") {
  TransformerOptions options = small(NormPlace::pre);
  options.rotary = 5;
  const Tensor x = noise({2, 5, 8}, 1), order = tensor({3, 0, 4, 2, 1}, i64);
  const auto encoder = layer_of<TransformerEncoderLayer>(options);
  CHECK(!allclose(encoder(index_select(x, 1, order)).detach(), index_select(encoder(x), 1, order).detach()));
  const auto decoder = layer_of<TransformerDecoderLayer>(options);
  CHECK(!allclose(decoder(index_select(x, 1, order), x, {}).detach(),
                  index_select(decoder(x, x, {}), 1, order).detach()));
  CHECK(
      allclose(decoder(x, index_select(x, 1, order), {}).detach(), decoder(x, x, {}).detach(), 1e-12, 1e-12));
}

TEST_CASE("layers that tell how they attended give what they give without, and weights that sum to one",
          "[nn]") {
  const NormPlace norm = GENERATE(NormPlace::pre, NormPlace::post);
  const Tensor x = noise({2, 4, 8}, 1), memory = noise({2, 5, 8}, 2);
  const auto check_weights = [](const Tensor& weights, const Shape& shape) {
    CHECK(weights.shape() == shape);
    CHECK(allclose(sum(weights, -1).detach(), ones({shape[0], shape[1], shape[2]}, f64), 1e-12, 1e-12));
  };
  const auto encoder = layer_of<TransformerEncoderLayer>(small(norm));
  const AttentionResult read = encoder.with_weights(memory, first_three_of_five());
  CHECK(allclose(read.output.detach(), encoder(memory, first_three_of_five()).detach(), 1e-12, 1e-12));
  check_weights(read.weights, {2, 2, 5, 5});
  CHECK(equal(read.weights.slice(3, 3, 5).detach(), zeros({2, 2, 5, 2}, f64)));  // padding

  const auto decoder = layer_of<TransformerDecoderLayer>(small(norm));
  const auto written = decoder.with_weights(x, memory, {.causal = true}, first_three_of_five());
  CHECK(allclose(written.output.detach(),
                 decoder(x, memory, {.causal = true}, first_three_of_five()).detach(), 1e-12, 1e-12));
  check_weights(written.weights, {2, 2, 4, 4});
  check_weights(written.memory_weights, {2, 2, 4, 5});
  for (std::int64_t t = 0; t < 4; ++t)  // nothing later
    CHECK(equal(written.weights.select(2, t).slice(2, t + 1, 4).detach(), zeros({2, 2, 3 - t}, f64)));
  CHECK(equal(written.memory_weights.slice(3, 3, 5).detach(), zeros({2, 2, 4, 2}, f64)));
}

TEST_CASE("normal weights have their deviation, biases are zeros, and norms stay as they are", "[nn]") {
  manual_seed(5);
  TransformerDecoderLayer layer({.width = 64, .heads = 4, .hidden = 128});
  layer.norm2.weight.detach().fill_(3);
  layer.feed_forward.linear1.bias.detach().fill_(3);
  normal_weights(layer, 0.5);
  int matrices = 0;
  for (const NamedTensor& parameter : layer.parameters()) {
    const Tensor x = parameter.value.detach();
    const bool of_norm = parameter.name.starts_with("norm");
    if (x.rank() == 2) {
      ++matrices;
      const auto count = static_cast<double>(x.numel());
      CHECK(std::abs(mean(x).item()) < 5 * 0.5 / std::sqrt(count));
      CHECK(std::abs(mean(square(x)).item() - 0.25) < 5 * 0.25 * std::sqrt(2 / count));
    } else if (parameter.name == "norm2.weight") {
      CHECK(equal(x, full({64}, 3)));
    } else if (of_norm && parameter.name.ends_with("weight")) {
      CHECK(equal(x, ones({64})));
    } else {
      CHECK(equal(x, zeros_like(x)));
    }
  }
  CHECK(matrices == 6);
  CHECK(layer.self_attn.in_proj_weight.requires_grad());
  manual_seed(5);
  TransformerDecoderLayer again({.width = 64, .heads = 4, .hidden = 128});
  normal_weights(again, 0.5);
  CHECK(equal(again.self_attn.in_proj_weight, layer.self_attn.in_proj_weight));
}

TEST_CASE("Transformer layers refuse sizes that do not fit", "[nn][error]") {
  CHECK(message_of([] { TransformerEncoderLayer({.width = 10, .heads = 4, .hidden = 8}); }) ==
        "[multi_head_attention] a width of 10 cannot be shared by 4 heads. A multiple of the heads?");
  CHECK(message_of([] { TransformerDecoderLayer({.width = 8, .heads = 4, .hidden = 0}); }) ==
        "[linear] needs sizes above 0; got in 8 and out 0. Say both, as in Linear({.in = 64, .out = 10})?");
}
