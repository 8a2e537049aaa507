// Keys and values that are kept: reading piece by piece gives what reading all at once gives.
#include <numeric>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/core/create.h>
#include <gradus/nn/transformer.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using gradus::test::message_of;

namespace {

constexpr std::int64_t rows = 3, length = 6, width = 8;

Tensor noise(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return randn(shape, f64, generator);
}

// In f64, biases at work.
template <class M>
M made(M module) {
  module.to(f64);
  std::uint64_t seed = 70;
  for (const NamedTensor& parameter : module.parameters())
    if (parameter.value.rank() == 1)
      parameter.value.detach().add_(0.3 * noise(parameter.value.shape(), ++seed));
  return module;
}

MultiHeadAttention attention(std::int64_t rotary) {
  return made(MultiHeadAttention({.width = width, .heads = 2, .rotary = rotary}));
}

TransformerOptions layer_options(NormPlace norm, std::int64_t rotary = 0) {
  return {.width = width, .heads = 2, .hidden = 12, .norm = norm, .rotary = rotary};
}

// Tokens one by one, in uneven pieces, at once.
std::vector<std::int64_t> any_pieces() {
  using Pieces = std::vector<std::int64_t>;
  return GENERATE(Pieces(6, 1), Pieces{3, 1, 2}, Pieces{1, 5}, Pieces{6});
}

// What read(piece, from, to) gives for all pieces, one behind the other.
template <class Read>
Tensor piece_by_piece(const Tensor& x, const std::vector<std::int64_t>& pieces, const Read& read) {
  const GradMode off(false);
  std::vector<Tensor> all;
  std::int64_t from = 0;
  for (const std::int64_t size : pieces) {
    all.push_back(read(x.slice(1, from, from + size), from + size));
    from += size;
  }
  return concat(all, 1);
}

// Padding before each row's tokens, as where prompts of several lengths begin to write together.
Tensor real_of_prompts() { return arange(length, i64) >= tensor({0, 2, 1}, i64).unsqueeze(1); }

bool close(const Tensor& a, const Tensor& b) { return allclose(a.detach(), b.detach(), 1e-12, 1e-12); }

}  // namespace

TEST_CASE("attention that reads in pieces gives what it gives for all at once", "[nn][cache]") {
  const MultiHeadAttention layer = attention(GENERATE(0, 6));
  const Tensor x = noise({rows, length, width}, 1);
  const auto pieces = any_pieces();
  KeyValueCache cache;
  CHECK(close(piece_by_piece(x, pieces, [&](const Tensor& piece, auto) { return layer(piece, cache); }),
              layer(x, {.causal = true})));
  CHECK(cache.length() == length);
  const Tensor real = real_of_prompts();
  KeyValueCache padded;
  CHECK(close(piece_by_piece(x, pieces,
                             [&](const Tensor& piece, std::int64_t to) {
                               return layer(piece, padded, {.causal = true, .real = real.slice(1, 0, to)});
                             }),
              layer(x, {.causal = true, .real = real})));
}

TEST_CASE("an encoder layer that reads in pieces gives what it gives for all at once", "[nn][cache]") {
  const auto layer =
      made(TransformerEncoderLayer(layer_options(GENERATE(NormPlace::pre, NormPlace::post), GENERATE(0, 6))));
  const Tensor x = noise({rows, length, width}, 1), real = real_of_prompts();
  KeyValueCache cache;
  const auto read = [&](const Tensor& piece, std::int64_t to) {
    return layer(piece, cache, {.causal = true, .real = real.slice(1, 0, to)});
  };
  CHECK(close(piece_by_piece(x, any_pieces(), read), layer(x, {.causal = true, .real = real})));
}

TEST_CASE("a decoder layer that reads in pieces gives what it gives for all at once", "[nn][cache]") {
  const auto layer =
      made(TransformerDecoderLayer(layer_options(GENERATE(NormPlace::pre, NormPlace::post), GENERATE(0, 6))));
  const Tensor x = noise({rows, length, width}, 1), memory = noise({rows, 4, width}, 2);
  const MayAttend words{.real = arange(4, i64) < tensor({4, 1, 3}, i64).unsqueeze(1)};
  auto cache = no_grad([&] { return layer.cache(memory); });
  const auto read = [&](const Tensor& piece, auto) { return layer(piece, cache, words); };
  CHECK(close(piece_by_piece(x, any_pieces(), read), layer(x, memory, {.causal = true}, words)));
}

TEST_CASE("rows of a cache fork, drop and change places, and go on as if they had always stood there",
          "[nn][cache]") {
  const GradMode off(false);
  const std::int64_t before = GENERATE(1, 3, 4);
  const auto layer = made(TransformerDecoderLayer(layer_options(NormPlace::pre, 6)));
  const Tensor x = noise({rows, length, width}, 1), memory = noise({rows, 4, width}, 2);
  const Tensor order = tensor({2, 0, 2, 2}, i64);
  const auto chosen = [&](const Tensor& all) { return index_select(all, 0, order); };
  auto cache = layer.cache(memory);
  layer(x.slice(1, 0, before), cache);
  cache.keep_rows(order);
  // Two rows that were one go on differently, and neither writes into the other.
  const Tensor more = noise({4, length - before, width}, 3);
  const Tensor whole = concat({chosen(x).slice(1, 0, before), more}, 1);
  const Tensor expected = layer(whole, chosen(memory)).slice(1, before, length);
  CHECK(close(piece_by_piece(more, std::vector<std::int64_t>(static_cast<std::size_t>(length - before), 1),
                             [&](const Tensor& piece, auto) { return layer(piece, cache); }),
              expected));
}

TEST_CASE("a cache holds what was appended, in order, whatever the sizes", "[nn][cache]") {
  const auto sizes = GENERATE(std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 1},
                              std::vector<std::int64_t>{3, 1, 5, 2}, std::vector<std::int64_t>{5, 11, 1});
  const std::int64_t total = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  const Tensor keys = noise({2, 3, total, 4}, 1), values = noise({2, 3, total, 4}, 2);
  KeyValueCache cache;
  CHECK(cache.length() == 0);
  std::int64_t to = 0;
  for (const std::int64_t size : sizes) {
    cache.append({keys.slice(2, to, to + size), values.slice(2, to, to + size)});
    to += size;
    CHECK(cache.length() == to);
    CHECK(equal(cache.all().keys, keys.slice(2, 0, to)));
    CHECK(equal(cache.all().values, values.slice(2, 0, to)));
  }
  cache.keep_rows(tensor({1}, i64));
  CHECK(equal(cache.all().keys, keys.slice(0, 1, 2)));
  CHECK(equal(cache.all().values, values.slice(0, 1, 2)));
}

TEST_CASE("keys that are kept for the next call move only where the room is full", "[nn][cache]") {
  KeyValueCache cache;
  const auto append = [&] {
    const Tensor one = noise({1, 1, 1, 2}, 5);
    cache.append({one, one});
    return cache.all().keys.data<double>();
  };
  int moves = 0;
  const double* before = append();
  for (int i = 1; i < 100; ++i) {
    const double* const now = append();
    moves += now != before;
    before = now;
  }
  CHECK(moves == 7);  // at 2, 3, 5, 9, 17, 33 and 65 tokens
}

TEST_CASE("keys and values of a memory serve all calls, as the memory itself does", "[nn][cache]") {
  const MultiHeadAttention layer = attention(0);
  const Tensor memory = noise({rows, 4, width}, 2);
  const KeyValues kept = layer.key_values(memory);
  CHECK(kept.keys.shape() == Shape{rows, 2, 4, width / 2});
  const MayAttend words{.real = arange(4, i64) < tensor({4, 1, 3}, i64).unsqueeze(1)};
  for (const std::uint64_t seed : {1, 4}) {
    const Tensor x = noise({rows, 5, width}, seed);
    CHECK(equal(layer(x, kept, words), layer(x, memory, words)));
  }
}

TEST_CASE("what is kept is not recorded, and a cache keeps to its rows", "[nn][cache][error]") {
  const MultiHeadAttention layer = attention(0);
  const Tensor x = noise({rows, 2, width}, 1);
  KeyValueCache cache;
  CHECK(message_of([&] { layer(x, cache); }) ==
        "[key_value_cache] what is kept for later tokens is not recorded. Call the model under no_grad?");
  CHECK(cache.length() == 0);
  const Tensor first = no_grad([&] { return layer(x, cache); });
  CHECK(message_of([&] { no_grad([&] { layer(x.slice(0, 0, 2), cache); }); }) ==
        "[key_value_cache] it holds 3 rows, not 2. A cache for each batch?");
  CHECK(cache.length() == 2);
  CHECK(close(first, layer(x, {.causal = true})));
}
