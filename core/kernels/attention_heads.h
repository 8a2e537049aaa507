// What both passes of attention share: where a head's matrices lie, the order in which they are read, and its
// scores.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>

#include <gradus/core/kernels/attention.h>
#include <gradus/core/kernels/blocked.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/pack.h>
#include <gradus/core/kernels/panel.h>
#include <gradus/core/kernels/random.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

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

// The right side b of products of many rows, brought into panels once for all of them where our own loops are
// the quicker ones.
template <class T>
class Side {
 public:
  static constexpr std::int64_t width = Panel<T>::width;
  static std::int64_t padded(std::int64_t columns) { return (columns + width - 1) / width * width; }
  // Loops over a row go so far, and have no remainder.
  static std::int64_t whole_vectors(std::int64_t columns) {
    constexpr std::int64_t unit = std::min<std::int64_t>(16, width);
    return (columns + unit - 1) / unit * unit;
  }

  // `rows` are all that will meet b, not those of one task: with few, packing takes longer than the products,
  // and b is read where it lies, which gives other bits.
  Side(std::int64_t rows, const Matrix<T>& b, T scale, T* room) : b_(b), scale_(scale) {
    constexpr std::int64_t fewest_rows = 4, fewest_products = 1 << 13;
    if (!blocked::is_quicker || rows < fewest_rows || rows * b.rows * b.columns < fewest_products) return;
    panels_ = room;
    pack<width>(b.data, b.column_stride, b.row_stride, b.columns, b.rows, scale, room);
  }

  bool in_panels() const { return panels_ != nullptr; }

  // c = scale a b', or c + scale a b' with `add`: b' has a.columns of b's rows, from first_row on, and of
  // each the first c.columns.
  void multiply(const Matrix<T>& a, std::int64_t first_row, const Matrix<T>& c, bool add) const {
    if (panels_ == nullptr)
      return gemm(a, b_.from_row(first_row, a.columns).from_column(0, c.columns), c, add, scale_);
    for (std::int64_t k = 0; k == 0 || k < a.columns; k += blocked::most_depth<T>) {
      const std::int64_t depth = std::min(blocked::most_depth<T>, a.columns - k);
      blocked::multiply<T>(a.from_column(k, depth), panels_ + (first_row + k) * width, b_.rows, c,
                           add || k > 0 ? Start<T>{c.data, c.row_stride} : Start<T>{}, {});
    }
  }

  // The same for a c whose rows have room for whole panels. Behind its columns come zeros or, from panels,
  // products with b's next columns, which are finite where a and b are.
  void multiply_padded(const Matrix<T>& a, const Matrix<T>& c) const {
    if (panels_ != nullptr)
      return multiply(a, 0, {c.data, c.rows, padded(c.columns), c.row_stride, 1}, false);
    std::fill(c.data, c.data + c.rows * c.row_stride, T(0));
    multiply(a, 0, c, false);
  }

 private:
  Matrix<T> b_;
  T scale_;
  const T* panels_ = nullptr;
};

// The operands of a call and how its work is cut: by heads, the entries of the stack; in the backward pass by
// blocks of queries, whose scores stay in the second-level cache unless keys are very many; and by groups of
// rows, whose scores stay in the first.
template <class T>
class Heads {
 public:
  static constexpr std::int64_t tallest = 256;  // block
  // With fewer heads than this, each is cut into parts.
  static constexpr std::int64_t enough_tasks = 8;

  Heads(const Tensor& qs, const Tensor& ks, const Tensor& vs, const Tensor& mask, const AttentionRule& rule)
      : q(qs), k(ks), v(vs), rule_(rule) {
    const int rank = qs.rank();
    for (int axis = 0; axis < rank - 2; ++axis) count *= qs.shape()[axis];
    queries = qs.shape()[rank - 2];
    keys = ks.shape()[rank - 2];
    features = qs.shape()[rank - 1];
    values = vs.shape()[rank - 1];
    // A group of a causal call is as wide as its last row, so few rows leave out most of what nobody sees.
    // BLAS, which brings its sides into order each time, wants more.
    constexpr std::int64_t scores_of_block = 1 << 15, most_rows = Panel<T>::most_rows;
    group = (rule.causal ? 1 : 2) * (blocked::is_quicker ? most_rows : 32);
    const std::int64_t most = std::clamp<std::int64_t>(scores_of_block / std::max<std::int64_t>(1, keys), 48,
                                                       tallest / group * group);
    const std::int64_t fewest_blocks = std::max(parts(enough_tasks, queries), (queries + most - 1) / most);
    block = ((queries + fewest_blocks - 1) / fewest_blocks + group - 1) / group * group;
    blocks = queries == 0 ? 0 : (queries + block - 1) / block;
    if (mask.defined() && mask.dtype() == boolean)
      allowed_.emplace(mask);
    else if (mask.defined())
      added_.emplace(mask);
  }

  // How many keys, counted from the first, query i may see.
  std::int64_t seen_by(std::int64_t i) const {
    return rule_.causal ? std::clamp<std::int64_t>(i + 1 + keys - queries, 0, keys) : keys;
  }
  // The most that one of the queries before `end` may.
  std::int64_t width(std::int64_t end) const { return seen_by(end - 1); }

  // The first query that may see a key, or a negative number.
  std::int64_t first_to_see(std::int64_t key) const { return rule_.causal ? key - (keys - queries) : 0; }

  // Into how many parts of at most `pieces` the work of a head is cut, for enough tasks in all.
  std::int64_t parts(std::int64_t tasks, std::int64_t pieces) const {
    return std::clamp<std::int64_t>(tasks / std::max<std::int64_t>(1, count), 1,
                                    std::max<std::int64_t>(1, pieces));
  }

  // How many such parts are worth a thread.
  std::int64_t grain(std::int64_t parts) const {
    return worth_a_thread(queries * keys * (features + values) / parts, product_grain);
  }

  // scores = scale q k^T + mask of scores.rows queries from `begin` on, where by_keys is scale k^T; -infinity
  // for hidden keys and up to the next whole vector.
  void scores(const Side<T>& by_keys, std::int64_t head, std::int64_t begin, const Matrix<T>& scores) const {
    by_keys.multiply_padded(q[head].from_row(begin, scores.rows), scores);
    constexpr T hidden = -std::numeric_limits<T>::infinity();
    for (std::int64_t r = 0; r < scores.rows; ++r) {
      const std::int64_t i = begin + r;
      T* const row = scores.data + r * scores.row_stride;
      if (allowed_)
        apply(*allowed_, head, i, scores.columns, row,
              [](T score, bool see) { return see ? score : hidden; });
      if (added_) apply(*added_, head, i, scores.columns, row, [](T score, T more) { return score + more; });
      std::fill(row + std::min(scores.columns, seen_by(i)), row + Side<T>::whole_vectors(scores.columns),
                hidden);
    }
  }

  T scale() const { return static_cast<T>(rule_.scale); }
  bool causal() const { return rule_.causal; }
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
  std::int64_t count = 1, queries, keys, features, values, group, block, blocks;

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

}  // namespace gradus::kernels
