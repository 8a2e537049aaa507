#include <gradus/core/kernels/attention.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <gradus/core/kernels/attention_heads.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/kernels/vector_math.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

constexpr const char* op = "scaled_dot_product_attention";

// x where the rows of its matrices are adjacent elements, as BLAS and the loops here read them; else a copy.
Tensor in_rows(const Tensor& x) {
  const int rows = x.rank() - 2;
  const bool adjacent = x.strides()[rows + 1] == 1 || x.shape()[rows + 1] == 1;
  const bool apart = x.strides()[rows] >= x.shape()[rows + 1] || x.shape()[rows] == 1;
  return adjacent && apart ? x : clone(x);
}

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

// Memory that is dealt out from its beginning.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t size)
      : memory_(Tensor::empty({size}, dtype_of<T>())), next_(memory_.data<T>()) {}
  T* take(std::int64_t size) { return std::exchange(next_, next_ + size); }

 private:
  Tensor memory_;
  T* next_;
};

// The rows of `out` and of normalisers for a head's queries begin to end, which are one group. by_keys is
// scale k^T.
template <class T>
void attend(const Heads<T>& heads, const Side<T>& by_keys, const Side<T>& by_values, std::int64_t head,
            std::int64_t begin, std::int64_t end, const Matrix<T>& out, T* normalisers, T* tile, T* factors) {
  const std::int64_t rows = end - begin, columns = heads.width(end), step = Side<T>::padded(columns),
                     wide = Side<T>::whole_vectors(columns);
  const Matrix<T> weights{tile, rows, columns, step, 1};
  std::array<T, Heads<T>::tallest> largest, sums;
  heads.scores(by_keys, head, begin, weights);
  for (std::int64_t r = 0; r < rows; ++r) {
    T* const row = tile + r * step;
    sums[static_cast<std::size_t>(r)] = exponentials(row, wide, largest[static_cast<std::size_t>(r)]);
    if (!heads.drops()) continue;
    heads.dropout_factors(head, begin + r, wide, factors);
#pragma omp simd
    for (std::int64_t j = 0; j < wide; ++j) row[j] *= factors[j];
  }
  const Matrix<T> to = out.from_row(begin, rows);
  by_values.multiply(weights, 0, to, false);
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

// What the backward pass of a head multiplies with: scale k^T, v^T, scale k.
template <class T>
struct BackwardSides {
  Side<T> by_keys, by_values, keys;
};

// Its memory: two blocks of scores, a row of dropout's factors, and a block of dout and of q in panels.
template <class T>
struct BackwardRoom {
  T *weights, *dweights, *factors, *dout, *q;
};

// With p = softmax(scores) and w = p * factors of dropout:
//   dv = w^T dout,  dw = dout v^T,  ds = p * (dw * factors - sum(dw * w)),
//   dq = scale ds k,  dk = scale ds^T q
// sum(dw * w) over the keys is sum(dout * out) over the values, which needs no scores.
template <class T>
void attend_backward(const Heads<T>& heads, const BackwardSides<T>& sides, std::int64_t head,
                     std::int64_t begin, std::int64_t end, const Matrix<T>& dout, const Matrix<T>& out,
                     const T* normalisers, const HeadGradients<T>& to, const BackwardRoom<T>& room) {
  const std::int64_t rows = end - begin, columns = heads.width(end), step = Side<T>::padded(columns);
  const Matrix<T> d = dout.from_row(begin, rows), o = out.from_row(begin, rows);
  // Summed ahead of the scores, so that the processor can fetch several of these distant rows at a time.
  std::array<T, Heads<T>::tallest> means;
  for (std::int64_t r = 0; r < rows; ++r) {
    const T *const d_row = d.data + r * d.row_stride, *const o_row = o.data + r * o.row_stride;
    means[static_cast<std::size_t>(r)] = static_cast<T>(
        row_sum<T>(0, d.columns, [d_row, o_row](std::int64_t e) { return d_row[e] * o_row[e]; }));
  }
  if (!heads.drops()) std::fill(room.factors, room.factors + step, T(1));
  // Causal rows of panels are valid up to the last panel that their group sees, so keys are taken by it too.
  const bool by_panel = heads.causal() && (sides.by_keys.in_panels() || sides.by_values.in_panels());
  for (std::int64_t first = 0; first < rows; first += heads.group) {
    const std::int64_t count = std::min(heads.group, rows - first), seen = heads.width(begin + first + count),
                       wide = Side<T>::whole_vectors(seen);
    const Matrix<T> w{room.weights + first * step, count, seen, step, 1};
    const Matrix<T> ds{room.dweights + first * step, count, seen, step, 1};
    heads.scores(sides.by_keys, head, begin + first, w);
    sides.by_values.multiply_padded(d.from_row(first, count), ds);
    for (std::int64_t r = first; r < first + count; ++r) {
      if (heads.drops()) heads.dropout_factors(head, begin + r, wide, room.factors);
      const T largest = normalisers[2 * (begin + r)], log_sum = normalisers[2 * (begin + r) + 1];
      const T mean = means[static_cast<std::size_t>(r)];
      // The scores are those of the forward pass, made by the same calls, so none is above the largest; and
      // log_sum is at least 0, as the largest alone adds 1 to the sum.
      T *const weights = room.weights + r * step, *const dweights = room.dweights + r * step;
      const T* const factors = room.factors;
#pragma omp simd
      for (std::int64_t j = 0; j < wide; ++j) {
        const T p = vm::exp_nonpositive(weights[j] - largest - log_sum);
        weights[j] = p * factors[j];
        dweights[j] = p * (dweights[j] * factors[j] - mean);
      }
      if (by_panel) {
        std::fill(weights + wide, weights + Side<T>::padded(seen), T(0));
        std::fill(dweights + wide, dweights + Side<T>::padded(seen), T(0));
      }
      if (to.dmask == nullptr) continue;
      T* const row = to.dmask + (begin + r) * heads.keys;
      std::fill(std::copy(dweights, dweights + seen, row), row + heads.keys, T(0));
    }
    sides.keys.multiply(ds, 0, to.dq.from_row(begin + first, count), false);
  }
  const Side<T> by_dout(columns, d, T(1), room.dout);
  const Side<T> by_q(columns, heads.q[head].from_row(begin, rows), heads.scale(), room.q);
  const std::int64_t at_once = by_panel ? Side<T>::width : columns;
  for (std::int64_t key = 0; key < columns; key += at_once) {
    const std::int64_t count = std::min(at_once, columns - key);
    const std::int64_t before = std::max<std::int64_t>(0, heads.first_to_see(key) - begin);
    const std::int64_t first = before / heads.group * heads.group;  // the first group that sees one of these
    const auto transposed = [&](T* tile) {
      return Matrix<T>{tile + first * step + key, count, rows - first, 1, step};
    };
    by_dout.multiply(transposed(room.weights), first, to.dv.from_row(key, count), to.add);
    by_q.multiply(transposed(room.dweights), first, to.dk.from_row(key, count), to.add);
  }
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
    // Where heads are few, a head's groups are dealt out to several tasks, each of which brings keys and
    // values into order anew. A row's bits do not depend on that.
    const std::int64_t tasks = threads() == 1 ? 1 : 4 * threads();
    const std::int64_t parts = heads.parts(tasks, (heads.queries + heads.group - 1) / heads.group);
    parallel_for(heads.count * parts, heads.grain(parts), [&](std::int64_t first, std::int64_t last) {
      const std::int64_t wide = Side<T>::padded(heads.keys);
      const std::int64_t of_keys = heads.features * wide,
                         of_values = heads.keys * Side<T>::padded(heads.values);
      Scratch<T> scratch((heads.group + 1) * wide + of_keys + of_values);
      T *const tile = scratch.take(heads.group * wide), *const factors = scratch.take(wide);
      T *const keys = scratch.take(of_keys), *const values = scratch.take(of_values);
      for (std::int64_t task = first; task < last; ++task) {
        const std::int64_t head = task % heads.count;
        if (head + 1 < heads.count) prefetch_head(head + 1, {&heads.q, &heads.k, &heads.v});
        // For all queries, not this task's: in panels or not, bits would differ, from those of other numbers
        // of threads and from those of the backward pass.
        const Side<T> by_keys(heads.queries, heads.k[head].transposed(), heads.scale(), keys);
        const Side<T> by_values(heads.queries, heads.v[head], T(1), values);
        for (std::int64_t row = task / heads.count * heads.group; row < heads.queries;
             row += parts * heads.group)
          attend(heads, by_keys, by_values, head, row, std::min(heads.queries, row + heads.group), to[head],
                 normalisers.data<T>() + 2 * head * heads.queries, tile, factors);
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
    const std::int64_t parts = heads.parts(Heads<T>::enough_tasks, heads.blocks);
    // The last block of a head sees all keys. A task that begins with it need not find zeros to add to.
    const bool begins_anew = parts == 1 && heads.blocks > 0;
    // Side by side, dq, dk and dv are the gradient of what q, k and v were split from.
    const auto rooms =
        parts == 1 ? empty_as_laid_out(std::array{q, k, v}, op) : empty_as_laid_out(std::array{q}, op);
    const auto sum_for = [&](const Tensor& x, std::size_t place) {
      const Tensor sum = parts == 1
                             ? rooms[place]
                             : Tensor::empty({parts * heads.count, heads.keys, x.shape().back()}, x.dtype());
      if (!begins_anew) fill(sum, 0);
      return sum;
    };
    const Tensor dq = rooms[0], dk = sum_for(k, 1), dv = sum_for(v, 2);
    Shape scores = q.shape();
    scores[q.rank() - 1] = heads.keys;
    const Tensor dmask = empty_if(wants_dmask, scores, q.dtype());
    T* const dmasks = data_if<T>(dmask);
    const T* const normalisers = forward.normalisers.data<T>();
    const Stack<T> from(douts), out(forward.out), to_q(dq), to_k(dk), to_v(dv);
    parallel_for(parts * heads.count, heads.grain(parts), [&](std::int64_t first, std::int64_t last) {
      const std::int64_t wide = Side<T>::padded(heads.keys);
      const std::int64_t features = Side<T>::padded(heads.features), values = Side<T>::padded(heads.values);
      const std::int64_t of_tile = heads.block * wide, of_keys = heads.features * wide,
                         of_values = heads.values * wide;
      Scratch<T> scratch(2 * of_tile + wide + heads.block * (values + features) + of_keys + of_values +
                         heads.keys * features);
      const BackwardRoom<T> room{scratch.take(of_tile), scratch.take(of_tile), scratch.take(wide),
                                 scratch.take(heads.block * values), scratch.take(heads.block * features)};
      T *const keys_room = scratch.take(of_keys), *const values_room = scratch.take(of_values),
               *const rows_room = scratch.take(heads.keys * features);
      for (std::int64_t task = first; task < last; ++task) {
        const std::int64_t head = task % heads.count;
        if (head + 1 < heads.count) prefetch_head(head + 1, {&heads.q, &heads.k, &heads.v, &from, &out});
        HeadGradients<T> to{to_q[head], to_k[task], to_v[task],
                            wants_dmask ? dmasks + head * heads.queries * heads.keys : nullptr, !begins_anew};
        const Matrix<T> k = heads.k[head], v = heads.v[head];
        const BackwardSides<T> sides{{heads.queries, k.transposed(), heads.scale(), keys_room},
                                     {heads.queries, v.transposed(), T(1), values_room},
                                     {heads.queries, k, heads.scale(), rows_room}};
        for (std::int64_t block = heads.blocks - 1 - task / heads.count; block >= 0; block -= parts) {
          const std::int64_t begin = block * heads.block, end = std::min(heads.queries, begin + heads.block);
          attend_backward(heads, sides, head, begin, end, from[head], out[head],
                          normalisers + 2 * head * heads.queries, to, room);
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
