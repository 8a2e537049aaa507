#include <gradus/core/kernels/attention.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <optional>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/random.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/kernels/vector_math.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

constexpr const char* op = "scaled_dot_product_attention";

// The matrices that are the last two axes of a tensor, wherever they lie.
template <class T>
class Stack {
 public:
  explicit Stack(const Tensor& x) : base_(x.data<T>()), shape_(x.shape()), strides_(x.strides()) {}

  Matrix<T> operator[](std::int64_t index) const {
    std::int64_t offset = 0;
    const int rows = shape_.rank() - 2;
    for (int axis = rows - 1; axis >= 0; --axis) {
      offset += index % shape_[axis] * strides_[axis];
      index /= shape_[axis];
    }
    return {base_ + offset, shape_[rows], shape_[rows + 1], strides_[rows], strides_[rows + 1]};
  }

 private:
  T* base_;
  Shape shape_;
  Strides strides_;
};

// x where the rows of its matrices are adjacent elements, as BLAS and the loops here read them; else a copy.
Tensor in_rows(const Tensor& x) {
  const int rows = x.rank() - 2;
  const bool adjacent = x.strides()[rows + 1] == 1 || x.shape()[rows + 1] == 1;
  const bool apart = x.strides()[rows] >= x.shape()[rows + 1] || x.shape()[rows] == 1;
  return adjacent && apart ? x : clone(x);
}

// Asks for the rows of the next head's matrices: they are short and far apart, which no processor foresees.
// In longer ones the products take so much longer than the memory that it does not matter. Inlined by force,
// as g++ leaves out the call of a function that only prefetches: to it, that has no effect.
template <class T>
[[gnu::always_inline]] inline void prefetch_head(std::int64_t head,
                                                 std::initializer_list<const Stack<T>*> stacks) {
  constexpr std::int64_t most_rows = 128;
  for (const Stack<T>* stack : stacks) {
    const Matrix<T> x = (*stack)[head];
    if (x.rows > most_rows) continue;
    for (std::int64_t i = 0; i < x.rows; ++i) prefetch(x.data + i * x.row_stride, x.columns);
  }
}

// The operands of a call and how its work is cut: by heads, the entries of the stack, and by blocks of
// queries whose scores stay in the second-level cache.
template <class T>
class Heads {
 public:
  static constexpr std::int64_t tallest = 64;  // block

  Heads(const Tensor& qs, const Tensor& ks, const Tensor& vs, const Tensor& mask, const AttentionRule& rule)
      : q(qs), k(ks), v(vs), rule_(rule) {
    const int rank = qs.rank();
    for (int axis = 0; axis < rank - 2; ++axis) count *= qs.shape()[axis];
    queries = qs.shape()[rank - 2];
    keys = ks.shape()[rank - 2];
    features = qs.shape()[rank - 1];
    values = vs.shape()[rank - 1];
    // Lower blocks let a causal call leave out more of what nobody sees.
    constexpr std::int64_t scores_of_block = 1 << 16;
    block = std::clamp<std::int64_t>(scores_of_block / std::max<std::int64_t>(1, keys), 16,
                                     rule.causal ? tallest / 2 : tallest);
    blocks = (queries + block - 1) / block;
    if (mask.defined() && mask.dtype() == boolean)
      allowed_.emplace(mask);
    else if (mask.defined())
      added_.emplace(mask);
  }

  // How many keys, counted from the first, query i may see; and the most that
  // one of the queries before `end` may.
  std::int64_t seen_by(std::int64_t i) const {
    return rule_.causal ? std::clamp<std::int64_t>(i + 1 + keys - queries, 0, keys) : keys;
  }
  std::int64_t width(std::int64_t end) const { return seen_by(end - 1); }

  // From one row of a tile of scores to the next: a whole number of vectors, so that
  // no loop over a row has a remainder.
  static std::int64_t padded(std::int64_t columns) { return (columns + 15) / 16 * 16; }

  // Room for so many blocks of scores and one row more.
  Tensor scratch(std::int64_t tiles) const {
    return Tensor::empty({tiles * std::min(block, queries) + 1, padded(keys)}, dtype_of<T>());
  }

  // How many blocks are worth a thread.
  std::int64_t grain() const { return worth_a_thread(block * keys * (features + values), product_grain); }

  // The tile (rows, padded columns) = factor a b^T. Cleared here and not by BLAS, which is slow at narrow
  // matrices with gaps between their rows.
  static void product_into(T* tile, const Matrix<T>& a, const Matrix<T>& b, T factor) {
    const std::int64_t step = padded(b.rows);
    std::fill(tile, tile + a.rows * step, T(0));
    gemm(a, b.transposed(), Matrix<T>{tile, a.rows, b.rows, step, 1}, true, factor);
  }

  // scores (end - begin, padded width(end)): scale * q k^T + mask for the queries begin to end; -infinity for
  // hidden keys and in the padding.
  void scores(std::int64_t head, std::int64_t begin, std::int64_t end, T* scores) const {
    const std::int64_t columns = width(end), step = padded(columns);
    product_into(scores, q[head].from_row(begin, end - begin), k[head].from_row(0, columns), scale());
    constexpr T hidden = -std::numeric_limits<T>::infinity();
    for (std::int64_t i = begin; i < end; ++i, scores += step) {
      if (allowed_)
        apply(*allowed_, head, i, columns, scores, [](T score, bool see) { return see ? score : hidden; });
      if (added_) apply(*added_, head, i, columns, scores, [](T score, T more) { return score + more; });
      std::fill(scores + std::min(columns, seen_by(i)), scores + step, hidden);
    }
  }

  T scale() const { return static_cast<T>(rule_.scale); }
  bool drops() const { return rule_.dropout > 0; }
  // What dropout multiplies query i's weights by: 0, or 1 / (1 - p) so that their mean stays.
  void dropout_factors(std::int64_t head, std::int64_t i, std::int64_t columns, T* factors) const {
    const T kept = rule_.dropout < 1 ? static_cast<T>(1 / (1 - rule_.dropout)) : T(0);
    const std::uint64_t threshold = bernoulli_threshold(1 - rule_.dropout);
    constexpr std::int64_t at_once = 256;
    std::uint32_t words[at_once];
    for (std::int64_t j = 0; j < columns; j += at_once) {
      const std::int64_t taken = std::min(at_once, columns - j);
      random_words(rule_.from, (head * queries + i) * keys + j, taken, words);
#pragma omp simd
      for (std::int64_t w = 0; w < taken; ++w) factors[j + w] = words[w] < threshold ? kept : T(0);
    }
  }

  const Stack<T> q, k, v;
  std::int64_t count = 1, queries, keys, features, values, block, blocks;

 private:
  // scores[j] = f(scores[j], mask_j) along row i of a mask.
  template <class M, class F>
  static void apply(const Stack<M>& mask, std::int64_t head, std::int64_t i, std::int64_t columns, T* scores,
                    const F& f) {
    const Matrix<M> row = mask[head].from_row(i, 1);
    const std::int64_t step = row.column_stride;
    if (step == 1) {
#pragma omp simd
      for (std::int64_t j = 0; j < columns; ++j) scores[j] = f(scores[j], row.data[j]);
    } else {
      for (std::int64_t j = 0; j < columns; ++j) scores[j] = f(scores[j], row.data[j * step]);
    }
  }

  const AttentionRule rule_;
  std::optional<Stack<bool>> allowed_;
  std::optional<Stack<T>> added_;
};

// Turns a row of scores into exp(score - largest), and returns their sum, which is at least 1; zeros and 0
// where no key is seen.
template <class T>
T exponentials(T* row, std::int64_t columns, T& largest) {
  largest = row_max(row, columns);
  if (largest == -std::numeric_limits<T>::infinity()) {
    std::fill(row, row + columns, T(0));
    return 0;
  }
  return static_cast<T>(
      row_sum<T>(0, columns, [=](std::int64_t j) { return row[j] = vm::exp_nonpositive(row[j] - largest); }));
}

// The rows of `out` and of normalisers for the queries begin to end of a head. `scratch` has room for their
// scores and one row more.
template <class T>
void attend(const Heads<T>& heads, std::int64_t head, std::int64_t begin, std::int64_t end,
            const Matrix<T>& out, T* normalisers, T* scratch) {
  const std::int64_t rows = end - begin, columns = heads.width(end), step = heads.padded(columns);
  T *const weights = scratch, *const factors = weights + rows * step;
  std::array<T, Heads<T>::tallest> largest, sums;
  heads.scores(head, begin, end, weights);
  for (std::int64_t r = 0; r < rows; ++r) {
    T* const row = weights + r * step;
    sums[static_cast<std::size_t>(r)] = exponentials(row, step, largest[static_cast<std::size_t>(r)]);
    if (!heads.drops()) continue;
    heads.dropout_factors(head, begin + r, step, factors);
#pragma omp simd
    for (std::int64_t j = 0; j < step; ++j) row[j] *= factors[j];
  }
  const Matrix<T> to = out.from_row(begin, rows);
  gemm(Matrix<T>{weights, rows, columns, step, 1}, heads.v[head].from_row(0, columns), to);
  // The sums divide the output, which has fewer columns than the weights.
  for (std::int64_t r = 0; r < rows; ++r) {
    T* const row = to.data + r * to.row_stride;
    const T sum = sums[static_cast<std::size_t>(r)], inverse = sum == 0 ? T(0) : 1 / sum;
#pragma omp simd
    for (std::int64_t e = 0; e < to.columns; ++e) row[e] = sum == 0 ? T(0) : row[e] * inverse;
  }
  const T *const most = largest.data(), *const sum = sums.data();
  T* const to_normalisers = normalisers + 2 * begin;
#pragma omp simd
  for (std::int64_t r = 0; r < rows; ++r) {
    to_normalisers[2 * r] = sum[r] == 0 ? std::numeric_limits<T>::infinity() : most[r];
    to_normalisers[2 * r + 1] = sum[r] == 0 ? T(0) : vm::log(sum[r]);
  }
}

// What belongs to one head, or to one task's share in it. dk and dv are added to, or written for the first
// time; dmask is null where it is not wanted.
template <class T>
struct HeadGradients {
  Matrix<T> dq, dk, dv;
  T* dmask;
  bool add;
};

// With p = softmax(scores) and w = p * factors of dropout:
//   dv = w^T dout,  dw = dout v^T,  ds = p * (dw * factors - sum(dw * w)),
//   dq = scale ds k,  dk = scale ds^T q
// sum(dw * w) over the keys is sum(dout * out) over the values, which needs no scores.
template <class T>
void attend_backward(const Heads<T>& heads, std::int64_t head, std::int64_t begin, std::int64_t end,
                     const Matrix<T>& dout, const Matrix<T>& out, const T* normalisers,
                     const HeadGradients<T>& to, T* scratch) {
  const std::int64_t rows = end - begin, columns = heads.width(end), step = heads.padded(columns);
  T *const weights = scratch, *const dweights = weights + rows * step,
           *const factors = dweights + rows * step;
  const Matrix<T> d = dout.from_row(begin, rows), o = out.from_row(begin, rows),
                  v = heads.v[head].from_row(0, columns), k = heads.k[head].from_row(0, columns);
  // Summed ahead of the scores, so that the processor can fetch several of these distant rows at a time.
  std::array<T, Heads<T>::tallest> means;
  for (std::int64_t r = 0; r < rows; ++r) {
    const T *const d_row = d.data + r * d.row_stride, *const o_row = o.data + r * o.row_stride;
    means[static_cast<std::size_t>(r)] = static_cast<T>(
        row_sum<T>(0, d.columns, [d_row, o_row](std::int64_t e) { return d_row[e] * o_row[e]; }));
  }
  heads.scores(head, begin, end, weights);
  heads.product_into(dweights, d, v, 1);
  if (!heads.drops()) std::fill(factors, factors + step, T(1));
  for (std::int64_t r = 0; r < rows; ++r) {
    if (heads.drops()) heads.dropout_factors(head, begin + r, step, factors);
    const T largest = normalisers[2 * (begin + r)], log_sum = normalisers[2 * (begin + r) + 1];
    const T mean = means[static_cast<std::size_t>(r)];
    // The scores are those of the forward pass, made by the same calls, so none is above the largest; and
    // log_sum is at least 0, as the largest alone adds 1 to the sum.
    T *const w = weights + r * step, *const dw = dweights + r * step;
#pragma omp simd
    for (std::int64_t j = 0; j < step; ++j) {
      const T p = vm::exp_nonpositive(w[j] - largest - log_sum);
      w[j] = p * factors[j];
      dw[j] = p * (dw[j] * factors[j] - mean);
    }
    if (to.dmask == nullptr) continue;
    T* const row = to.dmask + (begin + r) * heads.keys;
    std::fill(std::copy(dw, dw + columns, row), row + heads.keys, T(0));
  }
  const Matrix<T> w{weights, rows, columns, step, 1}, ds{dweights, rows, columns, step, 1};
  gemm(w.transposed(), d, to.dv.from_row(0, columns), to.add);
  gemm(ds, k, to.dq.from_row(begin, rows), false, heads.scale());
  gemm(ds.transposed(), heads.q[head].from_row(begin, rows), to.dk.from_row(0, columns), to.add,
       heads.scale());
}

}  // namespace

Attention attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                    const AttentionRule& rule) {
  return dispatch_floating(q.dtype(), "scaled_dot_product_attention", [&]<class T>() {
    const Tensor qs = in_rows(q), ks = in_rows(k), vs = in_rows(v);
    Shape shape = q.shape();
    shape[q.rank() - 1] = v.shape().back();
    const Tensor out = empty_as_laid_out(q, shape, op);
    shape[q.rank() - 1] = 2;
    const Tensor normalisers = Tensor::empty(shape, q.dtype());
    const Heads<T> heads(qs, ks, vs, mask, rule);
    const Stack<T> to(out);
    parallel_for(heads.count * heads.blocks, heads.grain(), [&](std::int64_t first, std::int64_t last) {
      const Tensor scratch = heads.scratch(1);
      for (std::int64_t task = first; task < last; ++task) {
        // A causal call's later blocks are wider: taken from both ends in turn, any
        // stretch of tasks is equally heavy.
        const std::int64_t n = task % heads.blocks, block = n % 2 == 0 ? n / 2 : heads.blocks - 1 - n / 2;
        const std::int64_t head = task / heads.blocks, begin = block * heads.block;
        if (n == 0 && head + 1 < heads.count) prefetch_head(head + 1, {&heads.q, &heads.k, &heads.v});
        attend(heads, head, begin, std::min(heads.queries, begin + heads.block), to[head],
               normalisers.data<T>() + 2 * head * heads.queries, scratch.data<T>());
      }
    });
    return Attention{out, normalisers};
  });
}

AttentionGradients attention_backward(const Tensor& dout, const Tensor& q, const Tensor& k, const Tensor& v,
                                      const Tensor& mask, const Attention& forward, const AttentionRule& rule,
                                      bool wants_dmask) {
  return dispatch_floating(q.dtype(), "scaled_dot_product_attention", [&]<class T>() {
    const Tensor qs = in_rows(q), ks = in_rows(k), vs = in_rows(v), douts = in_rows(dout);
    const Heads<T> heads(qs, ks, vs, mask, rule);
    // All blocks of a head add to the same dk and dv, so they belong to one task, one after the other. Where
    // heads are few, the blocks are dealt out to several tasks, each with a dk and dv of its own.
    constexpr std::int64_t enough_tasks = 8;
    const std::int64_t parts = std::clamp<std::int64_t>(enough_tasks / std::max<std::int64_t>(1, heads.count),
                                                        1, std::max<std::int64_t>(1, heads.blocks));
    // The last block of a head sees all keys. A task that begins with it need not find zeros to add to.
    const bool begins_anew = parts == 1 && heads.blocks > 0;
    const auto sum_for = [&](const Tensor& x) {
      const Tensor sum = parts == 1
                             ? empty_as_laid_out(x, x.shape(), op)
                             : Tensor::empty({parts * heads.count, heads.keys, x.shape().back()}, x.dtype());
      if (!begins_anew) fill(sum, 0);
      return sum;
    };
    const Tensor dq = empty_as_laid_out(q, q.shape(), op), dk = sum_for(k), dv = sum_for(v);
    Shape scores = q.shape();
    scores[q.rank() - 1] = heads.keys;
    const Tensor dmask = empty_if(wants_dmask, scores, q.dtype());
    T* const dmasks = data_if<T>(dmask);
    const T* const normalisers = forward.normalisers.data<T>();
    const Stack<T> from(douts), out(forward.out), to_q(dq), to_k(dk), to_v(dv);
    const std::int64_t grain = heads.grain() * parts / std::max<std::int64_t>(1, heads.blocks);
    parallel_for(
        parts * heads.count, std::max<std::int64_t>(1, grain), [&](std::int64_t first, std::int64_t last) {
          const Tensor scratch = heads.scratch(2);
          for (std::int64_t task = first; task < last; ++task) {
            const std::int64_t head = task % heads.count;
            if (head + 1 < heads.count) prefetch_head(head + 1, {&heads.q, &heads.k, &heads.v, &from, &out});
            HeadGradients<T> to{to_q[head], to_k[task], to_v[task],
                                wants_dmask ? dmasks + head * heads.queries * heads.keys : nullptr,
                                !begins_anew};
            for (std::int64_t block = heads.blocks - 1 - task / heads.count; block >= 0; block -= parts) {
              const std::int64_t begin = block * heads.block,
                                 end = std::min(heads.queries, begin + heads.block);
              attend_backward(heads, head, begin, end, from[head], out[head],
                              normalisers + 2 * head * heads.queries, to, scratch.data<T>());
              to.add = true;
            }
          }
        });
    if (parts == 1) return AttentionGradients{dq, dk, dv, dmask};
    const auto total = [&](const Tensor& shares, const Shape& shape) {
      const Shape split{parts, shares.numel() / parts};
      return views::reshape(sum(views::reshape(shares, split), {0}), shape);
    };
    return AttentionGradients{dq, total(dk, k.shape()), total(dv, v.shape()), dmask};
  });
}

std::int64_t attended_pairs(std::int64_t queries, std::int64_t keys, bool causal) {
  if (!causal) return queries * keys;
  // Query i sees i + 1 + keys - queries of them, where that is positive: an
  // arithmetic series that ends at `keys`.
  const std::int64_t rows = std::min(queries, keys);
  return rows * keys - rows * (rows - 1) / 2;
}

}  // namespace gradus::kernels
