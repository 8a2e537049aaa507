// Attention in one head against its formulas in plain loops, the laws of what may be seen, and gradients.
#include <cmath>
#include <iterator>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
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

constexpr Score all_scores[] = {Score::dot, Score::scaled, Score::general, Score::additive, Score::concat};

Attention made(Score score, std::int64_t query, std::int64_t key, std::int64_t hidden, double dropout = 0) {
  const bool product = score == Score::dot || score == Score::scaled;
  Attention attention({.score = score,
                       .query = query,
                       .key = product ? query : key,
                       .hidden = product ? 0 : hidden,
                       .dropout = dropout});
  attention.to(f64);
  return attention;
}

// The score of one query and one key, as its paper writes it.
double score_of(const Attention& attention, const Array& q, const Array& k, std::int64_t b, std::int64_t i,
                std::int64_t j) {
  const auto dot_with = [&](const auto& row) {
    double total = 0;
    for (std::int64_t c = 0; c < q.size(2); ++c) total += q.at({b, i, c}) * row(c);
    return total;
  };
  const auto key = [&](std::int64_t c) { return k.at({b, j, c}); };
  const auto row_times_key = [&](const Array& w, std::int64_t r, std::int64_t from) {
    double total = 0;
    for (std::int64_t c = 0; c < k.size(2); ++c) total += w.at({r, from + c}) * key(c);
    return total;
  };
  const Score score = attention.options.score;
  if (score == Score::dot) return dot_with(key);
  if (score == Score::scaled) return dot_with(key) / std::sqrt(static_cast<double>(q.size(2)));
  if (score == Score::general) {
    const Array w(attention.key_weight);
    return dot_with([&](std::int64_t c) { return row_times_key(w, c, 0); });
  }
  const bool concat = score == Score::concat;
  const Array w_q(concat ? attention.concat_weight : attention.query_weight),
      w_k(concat ? attention.concat_weight : attention.key_weight), v(attention.score_weight);
  double total = 0;
  for (std::int64_t h = 0; h < v.size(1); ++h) {
    const double of_query = dot_with([&](std::int64_t c) { return w_q.at({h, c}); });
    total += v[h] * std::tanh(of_query + row_times_key(w_k, h, concat ? q.size(2) : 0));
  }
  return total;
}

// No mask; keys that are not there, in one sequence all of them; pairs, one query seeing nothing.
Tensor mask_of_kind(int kind) {
  if (kind == 0) return {};
  if (kind == 1) return tensor({{1, 0, 1, 1}, {0, 0, 0, 0}}, boolean);
  return tensor({{{1, 0, 1, 1}, {0, 0, 0, 0}, {1, 1, 1, 1}}, {{0, 0, 0, 1}, {1, 1, 0, 0}, {0, 1, 1, 1}}},
                boolean);
}
bool sees(const Tensor& mask, std::int64_t b, std::int64_t i, std::int64_t j) {
  if (!mask.defined()) return true;
  const Array shown(mask);
  return (mask.rank() == 2 ? shown.at({b, j}) : shown.at({b, i, j})) != 0;
}

}  // namespace

TEST_CASE("each score weighs the values as its formula says, under every mask", "[nn]") {
  const Score score = GENERATE(from_range(std::begin(all_scores), std::end(all_scores)));
  const Tensor mask = mask_of_kind(GENERATE(0, 1, 2));
  const Attention attention = made(score, 5, 3, 6);
  const Tensor q = noise({2, 3, 5}, 1), k = noise({2, 4, attention.options.key}, 2), v = noise({2, 4, 2}, 3);
  const Attention::Memory memory = attention.memory(k, v, mask);
  const AttentionResult got = attention.with_weights(q, memory);

  const Array queries(q), keys(k), values(v);
  Array weights({2, 3, 4}), output({2, 3, 2});
  for_each_index({2, 3}, [&](const std::vector<std::int64_t>& at) {
    const std::int64_t b = at[0], i = at[1];
    std::vector<double> scores;
    for (std::int64_t j = 0; j < 4; ++j)
      scores.push_back(sees(mask, b, i, j) ? score_of(attention, queries, keys, b, i, j) : -inf);
    const std::vector<double> row = weights_of(scores);
    for (std::int64_t j = 0; j < 4; ++j) {
      weights.at({b, i, j}) = row[static_cast<std::size_t>(j)];
      for (std::int64_t e = 0; e < 2; ++e)
        output.at({b, i, e}) += row[static_cast<std::size_t>(j)] * values.at({b, j, e});
    }
  });
  CHECK(allclose(got.weights.detach(), from_vector(weights.values, weights.shape), 1e-12, 1e-13));
  CHECK(allclose(got.output.detach(), from_vector(output.values, output.shape), 1e-12, 1e-13));
  CHECK(allclose(attention(q, memory).detach(), got.output.detach(), 1e-12, 1e-13));
  check_rows_sum_to_one_or_zero(got.weights.detach());
}

TEST_CASE("a decoder that asks step by step gets what it would get at once, from one memory", "[nn]") {
  const Score score = GENERATE(from_range(std::begin(all_scores), std::end(all_scores)));
  const Attention attention = made(score, 5, 3, 6);
  const Tensor q = noise({2, 3, 5}, 1), k = noise({2, 4, attention.options.key}, 2);
  const Attention::Memory memory = attention.memory(k, k, mask_of_kind(1));
  std::vector<Tensor> steps;
  for (std::int64_t t = 0; t < 3; ++t) steps.push_back(attention(q.slice(1, t, t + 1), memory));
  CHECK(allclose(concat(steps, 1).detach(), attention(q, memory).detach(), 1e-12, 1e-13));
}

TEST_CASE("concat scores with the two matrices of additive ones are the same", "[nn]") {
  const Attention additive = made(Score::additive, 5, 3, 6);
  Attention concat_ = made(Score::concat, 5, 3, 6);
  concat_.concat_weight = concat({additive.query_weight, additive.key_weight}, 1).detach();
  concat_.score_weight = additive.score_weight;
  const Tensor q = noise({2, 3, 5}, 1), k = noise({2, 4, 3}, 2);
  CHECK(allclose(additive(q, additive.memory(k, k)).detach(), concat_(q, concat_.memory(k, k)).detach(),
                 1e-12, 1e-13));
}

TEST_CASE("weights are named by what they project", "[nn]") {
  const auto names = [](Score score) {
    std::string all;
    for (const NamedTensor& parameter : made(score, 5, 3, 6).parameters()) all += parameter.name + " ";
    return all;
  };
  CHECK(names(Score::dot) == "");
  CHECK(names(Score::general) == "key.weight ");
  CHECK(names(Score::additive) == "query.weight key.weight score.weight ");
  CHECK(names(Score::concat) == "concat.weight score.weight ");
}

TEST_CASE("each score has the right gradients under every mask", "[nn][grad]") {
  const Score score = GENERATE(from_range(std::begin(all_scores), std::end(all_scores)));
  const Tensor mask = mask_of_kind(GENERATE(0, 1, 2));
  const Attention attention = made(score, 3, 2, 4);
  const Tensor q = leaf({2, 3, 3}, 1), k = leaf({2, 4, attention.options.key}, 2), v = leaf({2, 4, 2}, 3);
  CHECK_THAT(nn::gradcheck(attention, [&] { return attention(q, attention.memory(k, v, mask)); },
                           {{"q", q}, {"k", k}, {"v", v}}),
             passes_gradcheck());
}

TEST_CASE("a query that may see nothing gets zeros and passes no gradient on", "[nn][grad]") {
  const Score score = GENERATE(from_range(std::begin(all_scores), std::end(all_scores)));
  const Attention attention = made(score, 3, 2, 4);
  const Tensor q = leaf({2, 3, 3}, 1), k = leaf({2, 4, attention.options.key}, 2), v = leaf({2, 4, 2}, 3);
  const Tensor y = attention(q, attention.memory(k, v, mask_of_kind(1)));  // nothing in the second sequence
  CHECK(equal(y.detach()[1], zeros({3, 2}, f64)));
  for (const Tensor& gradient : grad({sum(square(y))}, {q, k, v}))
    CHECK(equal(gradient[1], zeros_like(gradient[1])));
}

TEST_CASE("attention's dropout acts in training alone, and not on the weights that are shown", "[nn]") {
  const Score score = GENERATE(from_range(std::begin(all_scores), std::end(all_scores)));
  Attention attention = made(score, 5, 3, 6, 0.5);
  const Tensor q = noise({2, 3, 5}, 1), k = noise({2, 4, attention.options.key}, 2);
  const Attention::Memory memory = attention.memory(k, k);
  const AttentionResult trained = attention.with_weights(q, memory);
  attention.eval();
  const AttentionResult plain = attention.with_weights(q, memory);
  CHECK(equal(trained.weights, plain.weights));
  CHECK(!allclose(trained.output.detach(), plain.output.detach()));
  CHECK(equal(attention(q, memory), attention(q, memory)));
}

TEST_CASE("Attention refuses what it cannot compare", "[nn][error]") {
  CHECK(message_of([] { Attention({.query = 4, .key = 0}); }) ==
        "[attention] needs widths above 0; got query 4 and key 0. Say both, as in Attention({.query = 64, "
        ".key = 64})?");
  CHECK(message_of([] { Attention({.score = Score::dot, .query = 4, .key = 5}); }) ==
        "[attention] dot products need keys as wide as queries, not query 4 and key 5. Score::general, which "
        "has a matrix between them?");
  CHECK(message_of([] { Attention({.score = Score::additive, .query = 4, .key = 5}); }) ==
        "[attention] additive and concat scores need a hidden width above 0, not 0. .hidden = 4?");
  CHECK(message_of([] { Attention({.query = 4, .key = 4, .dropout = 20}); }) ==
        "[attention] dropout is a probability between 0 and 1, not 20. Divide a percentage by 100?");
  const Attention attention({.query = 4, .key = 4});
  const Tensor x = zeros({2, 3, 4});
  CHECK(message_of([&] {
          attention.memory(x, zeros({2, 5, 4}));
        }) ==
        "[attention] keys must be (B, Tk, 4) and values (B, Tk, Dv); they are (2, 3, 4) and (2, 5, 4). Batch "
        "first?");
  CHECK(message_of([&] {
          attention.memory(x, x, zeros({2, 3}));
        }) == "[attention] the mask must be boolean, true = may attend, not f32. Compare, as in ids != pad?");
  CHECK(message_of([&] {
          attention.memory(x, x, zeros({3, 2}, boolean));
        }) ==
        "[attention] the mask must be (B, Tk) or (B, Tq, Tk) for keys of shape (2, 3, 4), not (3, 2). "
        "Unsqueeze the axes it does not have?");
  CHECK(message_of([&] {
          attention(zeros({2, 4}), attention.memory(x, x));
        }) ==
        "[attention] queries must be (2, Tq, 4) for keys of shape (2, 3, 4), not (2, 4). Unsqueeze the axis "
        "of a single query?");
}
