// What the op table cannot say about attention: its laws, what is hidden, what it keeps, and sequences of
// many blocks.
#include <array>
#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/explain.h>
#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;
using gradus::test::Inputs;
using gradus::test::Tensors;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Inputs operands(const Shape& leading, std::int64_t queries, std::int64_t keys, std::int64_t features,
                std::int64_t values) {
  Inputs inputs;
  for (const auto& [rows, columns] : {std::pair{queries, features}, {keys, features}, {keys, values}}) {
    inputs.push_back({.shape = leading});
    inputs.back().shape.push_back(rows);
    inputs.back().shape.push_back(columns);
  }
  return inputs;
}

// The output and the gradients of its product with fixed random numbers.
Tensors with_gradients(const Tensor& y, const Tensors& inputs) {
  const Tensor dy = draw({{.shape = y.shape(), .differentiable = false}}, y.dtype(), 99)[0];
  Tensors all = grad({y}, inputs, {dy});
  all.insert(all.begin(), y.detach());
  return all;
}

bool is_finite(const Tensor& x) {
  for (const double value : Array(x).values)
    if (!std::isfinite(value)) return false;
  return true;
}

}  // namespace

TEST_CASE("attention over many blocks of queries agrees with its definition", "[op][grad]") {
  struct Sizes {
    Shape leading;
    std::int64_t queries, keys;
  };
  // One head, whose blocks are dealt out; several heads; more keys than a tile of full height holds; so few
  // products that keys and values are read where they lie, for two groups of rows and for three rows; so many
  // that the keys are not, but the values are; blocks as tall as they get.
  const auto sizes =
      GENERATE(Sizes{{}, 150, 150}, Sizes{{2, 5}, 70, 90}, Sizes{{3}, 140, 66}, Sizes{{1}, 40, 2500},
               Sizes{{9}, 20, 21}, Sizes{{2}, 3, 50}, Sizes{{2}, 40, 36}, Sizes{{8}, 390, 64});
  const bool causal = GENERATE(false, true);
  const double dropout = GENERATE(0., 0.3);
  Inputs inputs = operands(sizes.leading, sizes.queries, sizes.keys, 6, 5);
  inputs.push_back({.shape = {sizes.queries, sizes.keys}});
  const auto results = [&](DType dtype, const auto& attend) {
    const Tensors x = draw(inputs, dtype, 1);
    return with_gradients(attend(x, AttentionOptions{.mask = x[3], .causal = causal, .dropout = dropout}), x);
  };
  const auto fused = [](const Tensors& x, AttentionOptions options) {
    Generator generator(3);
    options.generator = &generator;
    return scaled_dot_product_attention(x[0], x[1], x[2], options);
  };
  const Tensors expected = results(f64, [](const Tensors& x, const AttentionOptions& options) {
    return definition::attention(x[0], x[1], x[2], options, RandomState{3, 0}).output;
  });
  const Tensors wide = results(f64, fused), narrow = results(f32, fused);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("result " << i << " (the output, then the gradients of q, k, v and mask)");
    CHECK(allclose(wide[i], expected[i], 1e-10, 1e-12));
    CHECK(allclose(narrow[i].to(f64), expected[i], 1e-5, 1e-5));
  }
}

TEST_CASE("attention has the same bits at 1, 2, 3, 5 and 16 threads", "[op][grad]") {
  const int before = threads();
  // Few heads, which several threads share; sizes on both sides of where keys and values are brought into
  // panels.
  for (const std::int64_t heads : {1, 3})
    for (const std::int64_t queries : {7, 20, 40, 70, 150})
      for (const bool causal : {false, true})
        for (const DType dtype : {f32, f64}) {
          INFO(heads << " heads, " << queries << " queries, causal: " << causal << ", " << name_of(dtype));
          const Tensors x = draw(operands({heads}, queries, queries + 3, 9, 5), dtype, 5);
          const auto results = [&](int count) {
            set_threads(count);
            return with_gradients(scaled_dot_product_attention(x[0], x[1], x[2], {.causal = causal}), x);
          };
          const Tensors alone = results(1);
          for (const int count : {2, 3, 5, 16}) {
            const Tensors together = results(count);
            set_threads(before);
            for (std::size_t i = 0; i < alone.size(); ++i) CHECK(equal(alone[i], together[i]));
          }
        }
}

TEST_CASE("keys hidden by a padding mask might as well not be there", "[op][grad]") {
  const Tensors x = draw(operands({2, 3}, 4, 6, 5, 2), f64, 2);
  const Tensor mask =
      (arange(6, i64) < tensor({6, 4}, i64).unsqueeze(-1)).reshape({2, 1, 1, 6});  // 6 and 4 keys
  const Tensors got = with_gradients(scaled_dot_product_attention(x[0], x[1], x[2], {.mask = mask}), x);
  Tensors parts;
  for (const std::int64_t b : {0, 1}) {
    const std::int64_t keys = b == 0 ? 6 : 4;
    parts.push_back(
        scaled_dot_product_attention(x[0][b], x[1][b].slice(1, 0, keys), x[2][b].slice(1, 0, keys)));
  }
  const Tensors expected = with_gradients(stack(parts, 0), x);
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(allclose(got[i], expected[i], 1e-12, 1e-14));
  CHECK(equal(got[2][1].slice(1, 4, 6), zeros({3, 2, 5}, f64)));  // no gradient for hidden keys and values
  CHECK(equal(got[3][1].slice(1, 4, 6), zeros({3, 2, 2}, f64)));
}

TEST_CASE("a query that sees no key gets zeros, and no gradient flows through it", "[op][grad]") {
  const DType dtype = GENERATE(f32, f64);
  const int kind = GENERATE(0, 1, 2);
  const Tensors x = draw(operands({2}, 5, 3, 4, 2), dtype, 3);
  AttentionOptions options;
  const Tensor hidden = arange(5, i64).unsqueeze(-1) < 2.;  // the first two of five queries
  if (kind == 0) options.causal = true;                     // five queries, three keys
  if (kind == 1) options.mask = logical_not(hidden);
  if (kind == 2) options.mask = masked_fill(zeros({5, 1}, dtype), hidden, -inf);
  const Tensor y = scaled_dot_product_attention(x[0], x[1], x[2], options);
  CHECK(equal(y.detach().slice(1, 0, 2), zeros({2, 2, 2}, dtype)));
  const Tensors first = grad({sum(y)}, x, {}, {.create_graph = true});
  CHECK(equal(first[0].detach().slice(1, 0, 2), zeros({2, 2, 4}, dtype)));
  const Tensors plain = grad({sum(scaled_dot_product_attention(x[0], x[1], x[2], options))}, x);
  const Tensors second = grad({sum(square(first[0])) + sum(square(first[1]))}, x, {}, {.allow_unused = true});
  for (int i : {0, 1, 2}) {
    CHECK(is_finite(y));
    CHECK(is_finite(plain[i]));
    CHECK(allclose(plain[i], first[i].detach(), 1e-5, 1e-6));
    CHECK(is_finite(second[i]));
  }
  CHECK(equal(attention_with_weights(x[0], x[1], x[2], options).weights.detach().slice(1, 0, 2),
              zeros({2, 2, 3}, dtype)));
}

TEST_CASE("causal attention with a cache gives the last rows of attention without one", "[op]") {
  const Tensors x = draw(operands({2}, 40, 40, 4, 3), f64, 4);
  const Tensor whole = scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true});
  for (const std::int64_t queries : {1, 3, 39}) {
    const Tensor last = x[0].slice(1, 40 - queries, 40);
    CHECK(allclose(scaled_dot_product_attention(last, x[1], x[2], {.causal = true}),
                   whole.slice(1, 40 - queries, 40), 1e-12));
  }
}

TEST_CASE("rows of attention weights sum to one, before dropout", "[op]") {
  const Tensors x = draw(operands({2}, 5, 7, 4, 3), f64, 5);
  Generator generator(1);
  const AttentionResult out =
      attention_with_weights(x[0], x[1], x[2], {.dropout = 0.5, .generator = &generator});
  CHECK(allclose(sum(out.weights, -1), ones({2, 5}, f64), 1e-12));
  CHECK_FALSE(allclose(out.output, scaled_dot_product_attention(x[0], x[1], x[2])));
}

TEST_CASE("attention's dropout is that of its generator", "[op]") {
  const Tensors x = draw(operands({2}, 5, 7, 4, 3), f32, 6);
  Generator generator(8);
  const auto attend = [&] {
    return scaled_dot_product_attention(x[0], x[1], x[2], {.dropout = 0.5, .generator = &generator}).detach();
  };
  const RandomState start = generator.state();
  const Tensor first = attend(), second = attend();
  CHECK_FALSE(equal(first, second));
  generator.set_state(start);
  CHECK(equal(attend(), first));
  manual_seed(8);  // the default generator serves where none is named
  CHECK(equal(scaled_dot_product_attention(x[0], x[1], x[2], {.dropout = 0.5}).detach(), first));
  generator.set_state(start);
  CHECK(allclose(attention_with_weights(x[0], x[1], x[2], {.dropout = 0.5, .generator = &generator}).output,
                 first));
  CHECK(equal(scaled_dot_product_attention(x[0], x[1], x[2], {.dropout = 1}).detach(), zeros({2, 5, 3})));
}

TEST_CASE("attention keeps no tensor of T x S, nor makes one", "[op]") {
  const Tensors x = draw(operands({4}, 512, 512, 16, 16), f32, 7);
  const Tensor seed = ones({4, 512, 16});
  const std::int64_t of_scores = std::int64_t{4} * 512 * 512 * 4, of_operand = 4 * 512 * 16 * 4;
  const std::int64_t before = memory_stats().bytes_in_use;
  reset_peak_memory();
  const Tensor y = scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true});
  CHECK(memory_stats().bytes_in_use - before < 2 * of_operand);
  y.backward(seed);
  CHECK(memory_stats().peak_bytes - before < of_scores / 2);
}

TEST_CASE("heads that are cut from one projection are joined again without a copy", "[op][grad]") {
  const Tensor x = draw({{.shape = {2, 6, 3 * 12}}}, f64, 8)[0];
  const auto heads = [&](std::int64_t part) {
    return x.slice(-1, part * 12, part * 12 + 12).reshape({2, 6, 3, 4}).transpose(1, 2);
  };
  const Tensor y = scaled_dot_product_attention(heads(0), heads(1), heads(2));
  CHECK(y.shape() == Shape{2, 3, 6, 4});
  CHECK(y.transpose(1, 2).is_contiguous());
  const Tensor plain =
      scaled_dot_product_attention(heads(0).contiguous(), heads(1).contiguous(), heads(2).contiguous());
  CHECK(plain.is_contiguous());
  CHECK(allclose(y, plain, 1e-12));
  CHECK(allclose(with_gradients(y, {x})[1], with_gradients(plain, {x})[1], 1e-12, 1e-14));
}

TEST_CASE("what q, k and v were split from gets its gradient in one piece", "[op][grad]") {
  const Tensor x = draw({{.shape = {32, 50, 3 * 64}}}, f64, 8)[0];
  const auto heads = [](const Tensor& part) { return part.reshape({32, 50, 4, 16}).transpose(1, 2); };
  for (const std::array<std::size_t, 3>& order :
       {std::array<std::size_t, 3>{0, 1, 2}, {2, 0, 1}, {0, 0, 2}}) {
    const auto attend = [&](const Tensors& parts) {
      return scaled_dot_product_attention(heads(parts[order[0]]), heads(parts[order[1]]),
                                          heads(parts[order[2]]));
    };
    Tensors apart;
    for (const Tensor& part : split(x, 64, -1)) apart.push_back(part.detach().clone().requires_grad_());
    const Tensor seed = draw({{.shape = {32, 4, 50, 16}, .differentiable = false}}, f64, 9)[0];
    attend(apart).backward(seed);
    const auto gradient = [](const Tensor& part) { return part.grad().defined() ? part.grad() : part * 0.0; };
    const Tensor expected = concat({gradient(apart[0]), gradient(apart[1]), gradient(apart[2])}, -1);

    const Tensor y = attend(split(x, 64, -1));
    const std::int64_t before = memory_stats().bytes_in_use;
    reset_peak_memory();
    y.backward(seed);
    const std::int64_t needed = memory_stats().peak_bytes - before;
    CHECK(allclose(x.grad(), expected, 1e-12, 1e-14));
    if (order == std::array<std::size_t, 3>{0, 1, 2}) CHECK(needed < x.bytes() * 3 / 2);
    x.zero_grad();
  }
}

TEST_CASE("attention tells the tape the operations of its two products, half of them where it is causal",
          "[op]") {
  const auto flops = [](const Inputs& inputs, bool causal) {
    const Tensors x = draw(inputs, f32, 9);
    return explain(scaled_dot_product_attention(x[0], x[1], x[2], {.causal = causal})).flops;
  };
  CHECK(flops(operands({2, 3}, 8, 8, 5, 7), false) == 6 * 8 * 8 * 2 * (5 + 7));
  CHECK(flops(operands({2, 3}, 8, 8, 5, 7), true) == 6 * (8 * 9 / 2) * 2 * (5 + 7));
  CHECK(flops(operands({}, 5, 3, 5, 7), true) == (1 + 2 + 3) * 2 * (5 + 7));
}
