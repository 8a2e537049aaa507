#include <gradus/nn/attention.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/create.h>
#include <gradus/nn/init.h>

namespace gradus::nn {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor begun(std::int64_t out, std::int64_t in) {
  const double reach = 1 / std::sqrt(static_cast<double>(in));
  return uniform({out, in}, -reach, reach).requires_grad_();
}

bool is_additive(Score score) { return score == Score::additive || score == Score::concat; }

void check_dropout(double p, const char* op) {
  check(p >= 0 && p <= 1, op, "dropout is a probability between 0 and 1, not ", p,
        ". Divide a percentage by 100?");
}

void check_boolean(const Tensor& mask, const char* name, const char* op) {
  check(mask.dtype() == boolean, op, name, " must be boolean, true = may attend, not ", mask.dtype(),
        ". Compare, as in ids != pad?");
}

}  // namespace

Attention::Attention(const Options& o) : options(o) {
  const char* const op = "attention";
  check(o.query > 0 && o.key > 0, op, "needs widths above 0; got query ", o.query, " and key ", o.key,
        ". Say both, as in Attention({.query = 64, .key = 64})?");
  check_dropout(o.dropout, op);
  if (is_additive(o.score))
    check(o.hidden > 0, op, "additive and concat scores need a hidden width above 0, not ", o.hidden,
          ". .hidden = ", o.query, "?");
  switch (o.score) {
    case Score::dot:
    case Score::scaled:
      check(o.query == o.key, op, "dot products need keys as wide as queries, not query ", o.query,
            " and key ", o.key, ". Score::general, which has a matrix between them?");
      break;
    case Score::general:
      key_weight = begun(o.query, o.key);
      break;
    case Score::additive:
      query_weight = begun(o.hidden, o.query);
      key_weight = begun(o.hidden, o.key);
      score_weight = begun(1, o.hidden);
      break;
    case Score::concat:
      concat_weight = begun(o.hidden, o.query + o.key);
      score_weight = begun(1, o.hidden);
      break;
  }
}

Attention::Memory Attention::memory(const Tensor& keys, const Tensor& values, const Tensor& mask) const {
  const Call call(*this);
  const char* const op = "attention";
  check(keys.rank() == 3 && keys.size(2) == options.key && values.rank() == 3 &&
            values.size(0) == keys.size(0) && values.size(1) == keys.size(1),
        op, "keys must be (B, Tk, ", options.key, ") and values (B, Tk, Dv); they are ", keys.shape(),
        " and ", values.shape(), ". Batch first?");
  Memory made{keys, values, mask};
  if (mask.defined()) {
    check_boolean(mask, "the mask", op);
    const bool of_keys = mask.rank() == 2;
    check((of_keys || mask.rank() == 3) && mask.size(0) == keys.size(0) && mask.size(-1) == keys.size(1), op,
          "the mask must be (B, Tk) or (B, Tq, Tk) for keys of shape ", keys.shape(), ", not ", mask.shape(),
          ". Unsqueeze the axes it does not have?");
    if (of_keys) made.mask = mask.unsqueeze(1);
  }
  if (options.score == Score::concat)
    made.keys = linear(keys, concat_weight.slice(1, options.query, options.query + options.key));
  else if (key_weight.defined())
    made.keys = linear(keys, key_weight);
  return made;
}

AttentionResult Attention::attend(const Tensor& queries, const Memory& memory, bool with_weights) const {
  const Call call(*this);
  const char* const op = "attention";
  check(queries.rank() == 3 && queries.size(2) == options.query && queries.size(0) == memory.keys.size(0), op,
        "queries must be (", memory.keys.size(0), ", Tq, ", options.query, ") for keys of shape ",
        memory.keys.shape(), ", not ", queries.shape(), ". Unsqueeze the axis of a single query?");
  const double p = training() ? options.dropout : 0;
  if (!is_additive(options.score)) {
    AttentionOptions how{.mask = memory.mask, .dropout = p};
    if (options.score != Score::scaled) how.scale = 1;
    if (with_weights) return attention_with_weights(queries, memory.keys, memory.values, how);
    return {scaled_dot_product_attention(queries, memory.keys, memory.values, how), Tensor()};
  }
  const Tensor projected = options.score == Score::additive
                               ? linear(queries, query_weight)
                               : linear(queries, concat_weight.slice(1, 0, options.query));
  Tensor scores = additive_scores(projected, memory.keys, score_weight);
  if (memory.mask.defined()) scores = masked_fill(scores, logical_not(memory.mask), -infinity);
  const Tensor weights = softmax(scores, -1);
  return {matmul(dropout(weights, p), memory.values), weights};
}

Tensor Attention::operator()(const Tensor& queries, const Memory& memory) const {
  return attend(queries, memory, false).output;
}

AttentionResult Attention::with_weights(const Tensor& queries, const Memory& memory) const {
  return attend(queries, memory, true);
}

KeyValues KeyValues::keep_rows(const Tensor& rows) const {
  return {index_select(keys, 0, rows), index_select(values, 0, rows)};
}

void KeyValueCache::append(const KeyValues& more) {
  check(!more.keys.requires_grad() && !more.values.requires_grad(), "key_value_cache",
        "what is kept for later tokens is not recorded. Call the model under no_grad?");
  check(length_ == 0 || more.keys.size(0) == room_.keys.size(0), "key_value_cache", "it holds ",
        room_.keys.defined() ? room_.keys.size(0) : 0, " rows, not ", more.keys.size(0),
        ". A cache for each batch?");
  const std::int64_t from = length_, to = from + more.keys.size(2);
  if (!room_.keys.defined() || to > room_.keys.size(2)) {
    const auto larger = [&](const Tensor& held, const Tensor& like) {
      Tensor made = Tensor::empty(
          {like.size(0), like.size(1), std::max<std::int64_t>(2 * from, to), like.size(3)}, like.dtype());
      if (held.defined()) made.slice(2, 0, from).copy_(held.slice(2, 0, from));
      return made;
    };
    room_ = {larger(room_.keys, more.keys), larger(room_.values, more.values)};
  }
  room_.keys.slice(2, from, to).copy_(more.keys);
  room_.values.slice(2, from, to).copy_(more.values);
  length_ = to;
}

KeyValues KeyValueCache::all() const {
  return {room_.keys.slice(2, 0, length_), room_.values.slice(2, 0, length_)};
}

void KeyValueCache::keep_rows(const Tensor& rows) {
  if (length_ > 0) room_ = room_.keep_rows(rows);
}

MultiHeadAttention::MultiHeadAttention(const Options& o)
    : options(o), out_proj({.in = o.width, .out = o.width, .bias = o.bias}) {
  const char* const op = "multi_head_attention";
  check(o.heads > 0 && o.width % o.heads == 0, op, "a width of ", o.width, " cannot be shared by ", o.heads,
        " heads. A multiple of the heads?");
  check_dropout(o.dropout, op);
  check(o.rotary >= 0, op, "rotary is the longest sequence that it is for, not ", o.rotary, ". 0 for none?");
  in_proj_weight = xavier_uniform({3 * o.width, o.width}).requires_grad_();
  if (o.bias) {
    in_proj_bias = zeros({3 * o.width}).requires_grad_();
    out_proj.bias = zeros({o.width}).requires_grad_();
  }
  if (o.rotary > 0) rotary.emplace(Rotary::Options{.width = o.width / o.heads, .max_length = o.rotary});
}

// Projections side by side, (B, T, n width), as n times (B, heads, T, width / heads): views, nothing moves.
std::vector<Tensor> MultiHeadAttention::cut(const Tensor& projected) const {
  std::vector<Tensor> parts = split(projected, options.width, -1);
  for (Tensor& part : parts)
    part = part.reshape({part.size(0), part.size(1), options.heads, options.width / options.heads})
               .transpose(1, 2);
  return parts;
}

// `offset` tokens came before x.
MultiHeadAttention::Heads MultiHeadAttention::heads_of(const Tensor& x, std::int64_t offset) const {
  check(x.rank() == 3 && x.size(2) == options.width, "multi_head_attention", "x must be (B, T, ",
        options.width, "), not ", x.shape(), ". Batch first?");
  const std::vector<Tensor> parts = cut(linear(x, in_proj_weight, in_proj_bias));
  if (!rotary) return {parts[0], parts[1], parts[2]};
  return {(*rotary)(parts[0], offset), (*rotary)(parts[1], offset), parts[2]};
}

// Queries of x alone, or keys and values of a memory alone: `parts` projections from `from` on.
std::vector<Tensor> MultiHeadAttention::projected(const Tensor& x, const char* name, std::int64_t from,
                                                  std::int64_t parts) const {
  check(x.rank() == 3 && x.size(2) == options.width, "multi_head_attention", name, " must be (B, T, ",
        options.width, "), not ", x.shape(), ". Batch first?");
  check(!rotary, "multi_head_attention",
        "rotary positions say how far apart two tokens of one sequence are, and the memory is another. "
        "Leave rotary 0?");
  const auto rows = [&](const Tensor& all) {
    return all.defined() ? all.slice(0, from * options.width, (from + parts) * options.width) : all;
  };
  return cut(linear(x, rows(in_proj_weight), rows(in_proj_bias)));
}

KeyValues MultiHeadAttention::key_values(const Tensor& memory) const {
  const Call call(*this);
  const std::vector<Tensor> both = projected(memory, "the memory", 1, 2);
  return {both[0], both[1]};
}

MultiHeadAttention::Heads MultiHeadAttention::heads_of(const Tensor& x, const KeyValues& memory) const {
  const Tensor q = projected(x, "x", 0, 1)[0];
  check(memory.keys.size(0) == q.size(0), "multi_head_attention", "x has ", q.size(0),
        " sequences and the memory ", memory.keys.size(0), ". Batch first?");
  return {q, memory.keys, memory.values};
}

AttentionOptions MultiHeadAttention::rule(const Heads& heads, const MayAttend& may) const {
  const char* const op = "multi_head_attention";
  const std::int64_t batch = heads.k.size(0), keys = heads.k.size(2);
  AttentionOptions how{.mask = may.mask, .causal = may.causal, .dropout = training() ? options.dropout : 0};
  if (may.mask.defined())
    check(may.mask.rank() == 2 || may.mask.rank() == 4, op,
          "a mask must be (Tq, Tk), or have the four axes (B, heads, Tq, Tk), not ", may.mask.shape(),
          ". Unsqueeze the axes it does not have?");
  if (!may.real.defined()) return how;
  check_boolean(may.real, "real", op);
  check(may.real.shape() == Shape{batch, keys}, op, "real must have an element for each key, ",
        Shape{batch, keys}, ", not ", may.real.shape(), ". A mask?");
  const Tensor real = may.real.reshape({batch, 1, 1, keys});
  if (!may.mask.defined())
    how.mask = real;
  else if (may.mask.dtype() == boolean)
    how.mask = logical_and(may.mask, real);
  else
    how.mask = where(real, may.mask, full({}, -infinity, may.mask.dtype()));
  return how;
}

Tensor MultiHeadAttention::join(const Tensor& heads) const {
  return out_proj(heads.transpose(1, 2).reshape({heads.size(0), heads.size(2), options.width}));
}

Tensor MultiHeadAttention::operator()(const Tensor& x, const MayAttend& may) const {
  const Call call(*this);
  const Heads heads = heads_of(x);
  return join(scaled_dot_product_attention(heads.q, heads.k, heads.v, rule(heads, may)));
}

Tensor MultiHeadAttention::operator()(const Tensor& x, const Tensor& memory, const MayAttend& may) const {
  return (*this)(x, key_values(memory), may);
}

Tensor MultiHeadAttention::operator()(const Tensor& x, const KeyValues& memory, const MayAttend& may) const {
  const Call call(*this);
  const Heads heads = heads_of(x, memory);
  return join(scaled_dot_product_attention(heads.q, heads.k, heads.v, rule(heads, may)));
}

Tensor MultiHeadAttention::operator()(const Tensor& x, KeyValueCache& cache, const MayAttend& may) const {
  const Call call(*this);
  const Heads own = heads_of(x, cache.length());
  cache.append({own.k, own.v});
  const KeyValues all = cache.all();
  const Heads heads{own.q, all.keys, all.values};
  return join(scaled_dot_product_attention(heads.q, heads.k, heads.v, rule(heads, may)));
}

AttentionResult MultiHeadAttention::with_weights(const Tensor& x, const MayAttend& may) const {
  const Call call(*this);
  const Heads heads = heads_of(x);
  const AttentionResult seen = attention_with_weights(heads.q, heads.k, heads.v, rule(heads, may));
  return {join(seen.output), seen.weights};
}

AttentionResult MultiHeadAttention::with_weights(const Tensor& x, const Tensor& memory,
                                                 const MayAttend& may) const {
  const Call call(*this);
  const Heads heads = heads_of(x, key_values(memory));
  const AttentionResult seen = attention_with_weights(heads.q, heads.k, heads.v, rule(heads, may));
  return {join(seen.output), seen.weights};
}

}  // namespace gradus::nn
