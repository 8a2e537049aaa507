// Multi-head attention against its formula in plain loops, the laws of what may be seen, and gradients.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/attention.h>
#include <gradus/nn/gradcheck.h>

#include "support/attention.h"
#include "support/op_table.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using namespace gradus::test;

namespace {

// Biases begin as zeros; with these they show.
MultiHeadAttention with_biases(const MultiHeadAttention::Options& options) {
  MultiHeadAttention attention(options);
  attention.to(f64);
  no_grad([&] {
    attention.in_proj_bias.copy_(noise(attention.in_proj_bias.shape(), 91));
    attention.out_proj.bias.copy_(noise(attention.out_proj.bias.shape(), 92));
  });
  return attention;
}

// What is added to the score of query i and key j in head h of sequence s: -infinity hides.
double added(const MayAttend& may, const std::vector<std::int64_t>& at, std::int64_t queries,
             std::int64_t keys) {
  const std::int64_t s = at[0], i = at[2], j = at[3];
  if (may.causal && j - keys > i - queries) return -inf;
  if (may.real.defined() && Array(may.real).at({s, j}) == 0) return -inf;
  if (!may.mask.defined()) return 0;
  const double value = Array(may.mask).broadcast_at(at);
  return may.mask.dtype() == boolean ? (value != 0 ? 0 : -inf) : value;
}

// Every way to hide, in two sequences of 3 queries and `keys` keys, 4 heads.
MayAttend sight_of_kind(int kind, std::int64_t keys) {
  const Tensor real = arange(static_cast<double>(keys), i64) < tensor({keys, 2}, i64).unsqueeze(1);
  const Tensor pairs = noise({3, keys}, 50) < 0.5, numbers = noise({2, 4, 3, keys}, 51);
  switch (kind) {
    case 0:
      return {};
    case 1:
      return {.causal = true};
    case 2:
      return {.real = real};
    case 3:
      return {.mask = pairs};
    case 4:
      return {.mask = numbers};
    case 5:
      return {.causal = true, .real = real, .mask = pairs};
    default:
      return {.causal = true, .real = real, .mask = noise({1, 4, 1, keys}, 52)};
  }
}
constexpr int kinds_of_sight = 7;

// One query, one head after the other.
struct Looked {
  Array output, weights;
};
Looked look(const MultiHeadAttention& attention, const Array& x, const Array& memory, const MayAttend& may) {
  const std::int64_t batch = x.size(0), queries = x.size(1), keys = memory.size(1), width = x.size(2),
                     heads = attention.options.heads, part = width / heads;
  const Array w(attention.in_proj_weight), b(attention.in_proj_bias), w_o(attention.out_proj.weight),
      b_o(attention.out_proj.bias);
  // Row r of the projection of one token; of q and k turned by their position, where the layer is rotary.
  const auto projected = [&](const Array& from, std::int64_t s, std::int64_t t, std::int64_t r) {
    double total = b[r];
    for (std::int64_t c = 0; c < width; ++c) total += w.at({r, c}) * from.at({s, t, c});
    return total;
  };
  const auto turned = [&](const Array& from, std::int64_t s, std::int64_t t, std::int64_t r) {
    if (!attention.rotary) return projected(from, s, t, r);
    const std::int64_t i = r % part;
    const double angle =
        static_cast<double>(t) / std::pow(10000, static_cast<double>(i - i % 2) / static_cast<double>(part));
    const double self = projected(from, s, t, r), other = projected(from, s, t, i % 2 == 0 ? r + 1 : r - 1);
    return self * std::cos(angle) + (i % 2 == 0 ? -other : other) * std::sin(angle);
  };
  Looked looked{Array({batch, queries, width}), Array({batch, heads, queries, keys})};
  for_each_index({batch, queries}, [&](const std::vector<std::int64_t>& at) {
    const std::int64_t s = at[0], i = at[1];
    std::vector<double> joined(static_cast<std::size_t>(width));
    for (std::int64_t h = 0; h < heads; ++h) {
      std::vector<double> scores;
      for (std::int64_t j = 0; j < keys; ++j) {
        double score = 0;
        for (std::int64_t r = h * part; r < (h + 1) * part; ++r)
          score += turned(x, s, i, r) * turned(memory, s, j, width + r);
        scores.push_back(score / std::sqrt(static_cast<double>(part)) +
                         added(may, {s, h, i, j}, queries, keys));
      }
      const std::vector<double> row = weights_of(scores);
      for (std::int64_t j = 0; j < keys; ++j) {
        const double weight = looked.weights.at({s, h, i, j}) = row[static_cast<std::size_t>(j)];
        for (std::int64_t r = h * part; r < (h + 1) * part; ++r)
          joined[static_cast<std::size_t>(r)] += weight * projected(memory, s, j, 2 * width + r);
      }
    }
    for (std::int64_t c = 0; c < width; ++c) {
      double total = b_o[c];
      for (std::int64_t r = 0; r < width; ++r) total += w_o.at({c, r}) * joined[static_cast<std::size_t>(r)];
      looked.output.at({s, i, c}) = total;
    }
  });
  return looked;
}

void check_looked(const AttentionResult& got, const Tensor& output, const Looked& expected) {
  CHECK(allclose(got.weights.detach(), from_vector(expected.weights.values, expected.weights.shape), 1e-11,
                 1e-12));
  for (const Tensor& y : {got.output, output})
    CHECK(allclose(y.detach(), from_vector(expected.output.values, expected.output.shape), 1e-11, 1e-12));
  check_rows_sum_to_one_or_zero(got.weights.detach());
}

}  // namespace

TEST_CASE("heads side by side are heads one by one", "[nn]") {
  const std::int64_t heads = GENERATE(1, 8);
  const MultiHeadAttention attention = with_biases({.width = 16, .heads = heads});
  const Tensor x = noise({2, 3, 16}, 1);
  check_looked(attention.with_weights(x), attention(x), look(attention, Array(x), Array(x), {}));
}

TEST_CASE("self-attention is its formula under every mask, turned by positions or not", "[nn]") {
  const MayAttend may = sight_of_kind(GENERATE(range(0, kinds_of_sight)), 3);
  const std::int64_t rotary = GENERATE(0, 10);
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 4, .rotary = rotary});
  const Tensor x = noise({2, 3, 8}, 1);
  check_looked(attention.with_weights(x, may), attention(x, may), look(attention, Array(x), Array(x), may));
}

TEST_CASE("cross-attention is its formula under every mask", "[nn]") {
  const std::int64_t keys = GENERATE(2, 5);
  const MayAttend may = sight_of_kind(GENERATE(range(0, kinds_of_sight)), keys);
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 4});
  const Tensor x = noise({2, 3, 8}, 1), memory = noise({2, keys, 8}, 2);
  check_looked(attention.with_weights(x, memory, may), attention(x, memory, may),
               look(attention, Array(x), Array(memory), may));
}

TEST_CASE("multi-head attention has PyTorch's weights", "[nn]") {
  MultiHeadAttention attention({.width = 12, .heads = 3});
  const auto state = attention.state();
  REQUIRE(state.size() == 4);
  CHECK(state[0].name == "in_proj_weight");
  CHECK(state[0].value.shape() == Shape{36, 12});
  CHECK(state[1].name == "in_proj_bias");
  CHECK(state[2].name == "out_proj.weight");
  CHECK(state[3].name == "out_proj.bias");
  CHECK(equal(state[1].value.detach(), zeros({36})));
  CHECK(equal(state[3].value.detach(), zeros({12})));
  const double reach = std::sqrt(6. / 48);  // Xavier's, of 12 inputs and 36 outputs
  for (const double weight : Array(state[0].value.detach()).values) CHECK(std::abs(weight) <= reach);
  CHECK(MultiHeadAttention({.width = 12, .heads = 3, .bias = false}).state().size() == 2);
  CHECK(MultiHeadAttention({.width = 512, .heads = 8}).parameter_count() == 4 * 512 * 512 + 4 * 512);
  const Tensor x = noise({2, 3, 12}, 1, f32);
  CHECK(equal(attention.clone()(x), attention(x)));
}

TEST_CASE("without positions self-attention does not know the order of its tokens", "[nn]") {
  const Tensor x = noise({2, 5, 8}, 1), order = tensor({3, 0, 4, 2, 1}, i64);
  const Tensor other = index_select(x, 1, order);
  const MultiHeadAttention blind = with_biases({.width = 8, .heads = 2});
  CHECK(allclose(blind(other).detach(), index_select(blind(x), 1, order).detach(), 1e-12, 1e-12));
  const MultiHeadAttention turned = with_biases({.width = 8, .heads = 2, .rotary = 5});
  CHECK(!allclose(turned(other).detach(), index_select(turned(x), 1, order).detach()));
}

TEST_CASE("causal attention sees itself and what came before: the Jacobian is zero above", "[nn][grad]") {
  const MultiHeadAttention attention = with_biases({.width = 4, .heads = 2, .rotary = GENERATE(0, 6)});
  const Tensor x = leaf({1, 6, 4}, 1);
  const Tensor y = attention(x, {.causal = true});
  for (std::int64_t t = 0; t < 6; ++t) {
    const Tensor dx = grad({y.slice(1, t, t + 1)}, {x}, {noise({1, 1, 4}, 9)}, {.retain_graph = true})[0];
    for (std::int64_t other = 0; other < 6; ++other) {
      const Tensor part = dx.slice(1, other, other + 1);
      CHECK(equal(part, zeros({1, 1, 4}, f64)) == (other > t));
    }
  }
}

TEST_CASE("the last queries of a causal sequence see what they see in the whole", "[nn]") {
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 2});
  const Tensor x = noise({2, 6, 8}, 1);
  CHECK(allclose(attention(x.slice(1, 4, 6), x, {.causal = true}).detach(),
                 attention(x, {.causal = true}).slice(1, 4, 6).detach(), 1e-12, 1e-13));
}

TEST_CASE("what stands in the padding changes no bit, and is as good as absent", "[nn]") {
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 2, .rotary = GENERATE(0, 5)});
  const Tensor x = noise({2, 5, 8}, 1), other = concat({x.slice(1, 0, 3), noise({2, 2, 8}, 2)}, 1);
  const MayAttend may{.real = (arange(5, i64) < 3.).expand({2, 5})};
  const Tensor y = attention(x, may).slice(1, 0, 3);
  CHECK(equal(y, attention(other, may).slice(1, 0, 3)));
  CHECK(allclose(y.detach(), attention(x.slice(1, 0, 3)).detach(), 1e-12, 1e-13));
}

TEST_CASE("a sequence of padding alone gives the output's bias and no gradients", "[nn][grad]") {
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 2});
  const Tensor x = leaf({2, 5, 8}, 1);
  const MayAttend may{.real = zeros({2, 5}, boolean)};
  const Tensor y = attention(x, may);
  CHECK(equal(y.detach(), attention.out_proj.bias.detach().expand({2, 5, 8})));
  CHECK(equal(attention.with_weights(x, may).weights.detach(), zeros({2, 2, 5, 5}, f64)));
  const auto gradients = grad({sum(square(y))}, {x, attention.in_proj_weight, attention.in_proj_bias});
  for (const Tensor& gradient : gradients) CHECK(equal(gradient, zeros_like(gradient)));
}

TEST_CASE("multi-head attention has the right gradients under every mask", "[nn][grad]") {
  const int kind = GENERATE(range(0, kinds_of_sight));
  MayAttend may = sight_of_kind(kind, 3);
  std::vector<NamedTensor> inputs = {{"x", leaf({2, 3, 8}, 1)}};
  if (may.mask.defined() && may.mask.dtype() == f64) inputs.push_back({"mask", may.mask.requires_grad_()});
  const Tensor& x = inputs[0].value;
  const MultiHeadAttention attention = with_biases({.width = 8, .heads = 4, .rotary = kind % 2 == 0 ? 3 : 0});
  CHECK_THAT(nn::gradcheck(
                 attention, [&] { return attention(x, may); }, inputs),
             passes_gradcheck());
  CHECK_THAT(nn::gradcheck(
                 attention,
                 [&] {
                   const AttentionResult both = attention.with_weights(x, may);
                   return std::vector<Tensor>{both.output, both.weights};
                 },
                 inputs),
             passes_gradcheck());
}

TEST_CASE("cross-attention has the right gradients under every mask", "[nn][grad]") {
  const MayAttend may = sight_of_kind(GENERATE(range(0, kinds_of_sight)), 4);
  const Tensor x = leaf({2, 3, 8}, 1), memory = leaf({2, 4, 8}, 2);
  MultiHeadAttention attention({.width = 8, .heads = 4, .bias = GENERATE(true, false)});
  attention.to(f64);
  CHECK_THAT(
      nn::gradcheck(attention, [&] { return attention(x, memory, may); }, {{"x", x}, {"memory", memory}}),
      passes_gradcheck());
}

TEST_CASE("multi-head attention drops weights in training alone", "[nn]") {
  MultiHeadAttention attention = with_biases({.width = 8, .heads = 2, .dropout = 1});
  const Tensor x = noise({2, 3, 8}, 1);
  CHECK(equal(attention(x).detach(), attention.out_proj.bias.detach().expand({2, 3, 8})));
  CHECK(equal(attention(x, x).detach(), attention.out_proj.bias.detach().expand({2, 3, 8})));
  attention.eval();
  const Looked expected = look(attention, Array(x), Array(x), {});
  CHECK(allclose(attention(x).detach(), from_vector(expected.output.values, {2, 3, 8}), 1e-11, 1e-12));
}

TEST_CASE("MultiHeadAttention refuses what does not fit", "[nn][error]") {
  const std::string op = "[multi_head_attention] ";
  CHECK(message_of([] { MultiHeadAttention({.width = 10, .heads = 4}); }) ==
        op + "a width of 10 cannot be shared by 4 heads. A multiple of the heads?");
  CHECK(message_of([] { MultiHeadAttention({.width = 10, .heads = 0}); }) ==
        op + "a width of 10 cannot be shared by 0 heads. A multiple of the heads?");
  CHECK(message_of([] { MultiHeadAttention({.width = 8, .heads = 4, .dropout = -1}); }) ==
        op + "dropout is a probability between 0 and 1, not -1. Divide a percentage by 100?");
  CHECK(message_of([] { MultiHeadAttention({.width = 8, .heads = 4, .rotary = -1}); }) ==
        op + "rotary is the longest sequence that it is for, not -1. 0 for none?");
  CHECK(message_of([] { MultiHeadAttention({.width = 12, .heads = 4, .rotary = 9}); }) ==
        "[rotary] turns pairs of features, and a width of 3 is odd. An even width for each head?");
  const MultiHeadAttention attention({.width = 8, .heads = 4}), turned({.width = 8, .heads = 4, .rotary = 2});
  const Tensor x = zeros({2, 3, 8});
  CHECK(message_of([&] {
          attention(zeros({3, 8}));
        }) == op + "x must be (B, T, 8), not (3, 8). Batch first?");
  CHECK(message_of([&] {
          attention(x, zeros({3, 3, 8}));
        }) == op + "x has 2 sequences and the memory 3. Batch first?");
  CHECK(message_of([&] {
          attention(x, {.real = zeros({2, 3})});
        }) == op + "real must be boolean, true = may attend, not f32. Compare, as in ids != pad?");
  CHECK(message_of([&] {
          attention(x, {.real = zeros({3, 3}, boolean)});
        }) == op + "real must have an element for each key, (2, 3), not (3, 3). A mask?");
  CHECK(message_of([&] {
          attention(x, {.mask = zeros({2, 3, 3}, boolean)});
        }) ==
        op +
            "a mask must be (Tq, Tk), or have the four axes (B, heads, Tq, Tk), not (2, 3, 3). Unsqueeze the "
            "axes it does not have?");
  CHECK(message_of([&] { turned(x, x); }) ==
        op + "rotary positions say how far apart two tokens of one sequence are, and the memory is another. "
             "Leave rotary 0?");
  CHECK(message_of([&] { turned(x); }) ==
        "[rotary] a sequence of 3 tokens is longer than max_length 2. Cut it, or make the layer with a "
        "max_length of 3?");
}
