// Every group of elements that differ only along the reduced axes, folded into one: the loop behind every
// reduction. A fold says what happens to the elements:
//
//   struct Sum {
//     using Total = double;  // what is carried along
//     static constexpr Total identity = 0;
//     // What one element adds: a total, or something narrower.
//     static float lift(float x, std::int64_t out) { return x; }
//     // Two of either; associative, but for rounding.
//     static auto combine(auto a, auto b) { return a + b; }
//     static float finish(Total total, std::int64_t out) { return static_cast<float>(total); }
//   };
//
// lift and finish get the index of the output, too, so that a fold may use an earlier result, as a variance
// uses the mean. Where lift gives something narrower than a total, eight rows are combined before they are
// widened: fewer instructions for each byte let the processor wait for more cache lines at a time.
//
// Which loop runs depends on the axis whose elements lie closest in memory. Where it is reduced, each output
// folds a stretch of memory at a time, in 32 lanes. Where it is kept, rows of memory are folded into a row of
// totals. Either way the work is cut by sizes alone and the totals of pieces are combined in order: the same
// bits for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include <gradus/core/allocator.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/parallel.h>
#include <gradus/core/tensor.h>

namespace gradus::kernels {

template <int lanes, class Fold, class Total>
[[gnu::always_inline]] inline Total fold_lanes(const Fold& fold, Total* lane) {
  if constexpr (lanes == 1) {
    return lane[0];
  } else {
#pragma omp simd
    for (int j = 0; j < lanes / 2; ++j) lane[j] = fold.combine(lane[j], lane[j + lanes / 2]);
    return fold_lanes<lanes / 2>(fold, lane);
  }
}

template <int lanes, class Fold, class In>
[[gnu::always_inline]] inline typename Fold::Total fold_by_lanes(const Fold& fold, const In* x,
                                                                 std::int64_t count, std::int64_t out) {
  using Total = typename Fold::Total;
  if constexpr (lanes == 1) {
    Total total = Fold::identity;
    for (std::int64_t i = 0; i < count; ++i) total = fold.combine(total, fold.lift(x[i], out));
    return total;
  } else {
    constexpr int fewer = lanes > 8 ? 8 : 1;
    if (count < lanes) return fold_by_lanes<fewer>(fold, x, count, out);
    Total lane[lanes];
    std::fill(lane, lane + lanes, Fold::identity);
    std::int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
#pragma omp simd
      for (int j = 0; j < lanes; ++j) lane[j] = fold.combine(lane[j], fold.lift(x[i + j], out));
    }
    const Total total = fold_lanes<lanes>(fold, lane);
    if (i == count) return total;
    return fold.combine(total, fold_by_lanes<fewer>(fold, x + i, count - i, out));
  }
}

// `count` adjacent elements from x on, for output `out`. The order of combination depends on the count alone.
// Not inlined: compilers spend most of their time on such loops.
template <class Fold, class In>
[[gnu::noinline]] typename Fold::Total fold_stretch(const Fold& fold, const In* x, std::int64_t count,
                                                    std::int64_t out = 0) {
  return fold_by_lanes<32>(fold, x, count, out);
}

// Several rows of x at one column.
template <int rows, class Fold, class In>
[[gnu::always_inline]] inline auto fold_column(const Fold& fold, const In* x, std::int64_t row_step,
                                               std::int64_t index) {
  if constexpr (rows == 1)
    return fold.lift(*x, index);
  else
    return fold.combine(fold_column<rows / 2>(fold, x, row_step, index),
                        fold_column<rows / 2>(fold, x + rows / 2 * row_step, row_step, index));
}

// totals[j] takes in x[r * row_step + j] for every row r. Not inlined, for the same reason.
template <class Fold, class In>
[[gnu::noinline]] void fold_rows(const Fold& fold, const In* x, std::int64_t rows, std::int64_t row_step,
                                 typename Fold::Total* totals, std::int64_t width, std::int64_t index) {
  constexpr int at_once = 8;
  std::int64_t r = 0;
  for (; r + at_once <= rows; r += at_once, x += at_once * row_step) {
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j)
      totals[j] = fold.combine(totals[j], fold_column<at_once>(fold, x + j, row_step, index + j));
  }
  for (; r < rows; ++r, x += row_step) {
#pragma omp simd
    for (std::int64_t j = 0; j < width; ++j) totals[j] = fold.combine(totals[j], fold.lift(x[j], index + j));
  }
}

// How to walk over x. Axes go from the largest stride to the smallest.
struct FoldPlan {
  std::int64_t outputs = 1, group = 1;  // how many groups, of how many elements each
  StridedLoop<2> kept{{}, {}};          // over the outputs: places in x, and in out
  StridedLoop<1> reduced{{}, {}};       // over a group: places in x
  bool in_rows = true;                  // the elements closest in memory belong to one group
  bool on_one_line = true;              // a group's elements are `step` apart
  std::int64_t step = 1;
  // Tasks are `at_once` outputs each and, where that makes too few of them, a piece of these outputs' groups.
  std::int64_t at_once, parts, piece, pieces;

  static constexpr std::int64_t columns_at_once = 1024;  // their totals stay in the first-level cache
  static constexpr std::int64_t enough_tasks = 64;       // for any number of threads that share one memory

  // Bit `axis` of is_reduced says whether that axis is. Not inlined: each kind of fold would get a copy.
  [[gnu::noinline]] FoldPlan(const Tensor& x, unsigned is_reduced) {
    Shape kept_sizes, reduced_sizes;
    Strides kept_strides, reduced_strides, places;
    std::int64_t place[Shape::max_rank];  // the stride of a kept axis in out
    int order[Shape::max_rank];
    for (int axis = x.rank() - 1; axis >= 0; --axis) {
      order[axis] = axis;
      place[axis] = outputs;
      (is_reduced >> axis & 1 ? group : outputs) *= x.shape()[axis];
    }
    // What is expanded (stride 0) goes outside, where the loop comes back to it least often.
    const auto distance = [&](int axis) {
      return x.strides()[axis] == 0 ? std::numeric_limits<std::int64_t>::max() : x.strides()[axis];
    };
    for (int i = 1; i < x.rank() && !x.is_contiguous(); ++i)
      for (int j = i; j > 0 && distance(order[j - 1]) < distance(order[j]); --j)
        std::swap(order[j - 1], order[j]);
    for (const int* axis = order; axis < order + x.rank(); ++axis) {
      const std::int64_t size = x.shape()[*axis], stride = x.strides()[*axis];
      if (size == 1) continue;
      in_rows = is_reduced >> *axis & 1;
      if (in_rows) {
        on_one_line &= reduced_sizes.rank() == 0 || step == stride * size;
        step = stride;
        reduced_sizes.push_back(size);
        reduced_strides.push_back(stride);
      } else {
        kept_sizes.push_back(size);
        kept_strides.push_back(stride);
        places.push_back(place[*axis]);
      }
    }
    kept = StridedLoop<2>(kept_sizes, {&kept_strides, &places});
    reduced = StridedLoop<1>(reduced_sizes, {&reduced_strides});
    if (outputs == 0 || group == 0) return;
    at_once = std::max(in_rows ? 1 : std::min(outputs, columns_at_once), cheap_grain / group);
    parts = (outputs + at_once - 1) / at_once;
    const std::int64_t most = std::max<std::int64_t>(1, enough_tasks / parts);
    const std::int64_t wanted = std::clamp<std::int64_t>(outputs * group / (cheap_grain * parts), 1, most);
    piece = (group + wanted - 1) / wanted;
    pieces = (group + piece - 1) / piece;
  }
};

// One reduction; see fold_into.
template <class In, class Out, class Fold>
class Folding {
 public:
  Folding(const Fold& fold, const Tensor& x, const FoldPlan& plan, const Tensor& out)
      : fold_(fold), plan_(plan), in_(x.data<In>()), out_(out.data<Out>()) {}

  void run() const {
    if (plan_.group == 0) {
      for (std::int64_t i = 0; i < plan_.outputs; ++i) finish(i, Fold::identity);
    } else if (plan_.outputs > 0) {
      run_tasks();
    }
  }

 private:
  using Total = typename Fold::Total;
  static constexpr std::int64_t columns_at_once = FoldPlan::columns_at_once;

  void finish(std::int64_t index, Total total) const { out_[index] = fold_.finish(total, index); }

  void run_tasks() const {
    const std::int64_t outputs = plan_.outputs, pieces = plan_.pieces;
    // Of each piece a row of totals, one for each output in the order in which they are visited.
    std::vector<Total, memory::PoolAllocator<Total>> totals(
        static_cast<std::size_t>(pieces > 1 ? pieces * outputs : 0));
    parallel_for(plan_.parts * pieces, 1, [&](std::int64_t task, std::int64_t) {
      const std::int64_t first = task / pieces * plan_.at_once,
                         last = std::min(outputs, first + plan_.at_once);
      const std::int64_t begin = task % pieces * plan_.piece,
                         end = std::min(plan_.group, begin + plan_.piece);
      run_task(first, last, begin, end,
               pieces == 1 ? nullptr : totals.data() + task % pieces * outputs + first);
    });
    if (pieces == 1) return;
    for (std::int64_t p = 1; p < pieces; ++p) {
      const Total* const next = totals.data() + p * outputs;
#pragma omp simd
      for (std::int64_t i = 0; i < outputs; ++i) totals[i] = fold_.combine(totals[i], next[i]);
    }
    const Total* total = totals.data();
    plan_.kept.run(0, outputs, [&](const auto& at, const auto& by, std::int64_t count) {
      for (std::int64_t i = 0; i < count; ++i) finish(at[1] + i * by[1], *total++);
    });
  }

  // The outputs first to last, over the elements begin to end of their groups. What comes out goes to
  // `totals` in order or, where that is null, is finished. Where groups lie in rows of memory, one output is
  // folded after the other; else up to columns_at_once of them side by side, whose totals stay in the cache
  // while the rows pass by.
  void run_task(std::int64_t first, std::int64_t last, std::int64_t begin, std::int64_t end,
                Total* totals) const {
    const auto put = [&](std::int64_t index, Total total) {
      if (totals != nullptr)
        *totals++ = total;
      else
        finish(index, total);
    };
    plan_.kept.run(first, last, [&](const auto& at, const auto& by, std::int64_t count) {
      if (!plan_.in_rows) return columns(in_ + at[0], by[0], at[1], by[1], count, begin, end, put);
      for (std::int64_t i = 0; i < count; ++i)
        put(at[1] + i * by[1], group_total(in_ + at[0] + i * by[0], at[1] + i * by[1], begin, end));
    });
  }

  Total group_total(const In* x, std::int64_t index, std::int64_t begin, std::int64_t end) const {
    if (plan_.on_one_line) return line_total(x + begin * plan_.step, plan_.step, end - begin, index);
    Total total = Fold::identity;
    plan_.reduced.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
      total = fold_.combine(total, line_total(x + at[0], by[0], count, index));
    });
    return total;
  }

  Total line_total(const In* x, std::int64_t step, std::int64_t count, std::int64_t index) const {
    if (step == 1) return fold_stretch(fold_, x, count, index);
    Total total = Fold::identity;
    for (std::int64_t i = 0; i < count; ++i) total = fold_.combine(total, fold_.lift(x[i * step], index));
    return total;
  }

  template <class Put>
  void columns(const In* x, std::int64_t step, std::int64_t index, std::int64_t index_step,
               std::int64_t count, std::int64_t begin, std::int64_t end, const Put& put) const {
    Total totals[columns_at_once];
    while (count > 0) {
      const std::int64_t width = std::min(columns_at_once, count);
      std::fill(totals, totals + width, Fold::identity);
      plan_.reduced.run(begin, end, [&](const auto& at, const auto& by, std::int64_t rows) {
        const In* const from = x + at[0];
        if (step == 1 && index_step == 1) return fold_rows(fold_, from, rows, by[0], totals, width, index);
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t j = 0; j < width; ++j)
            totals[j] =
                fold_.combine(totals[j], fold_.lift(from[r * by[0] + j * step], index + j * index_step));
      });
      for (std::int64_t j = 0; j < width; ++j) put(index + j * index_step, totals[j]);
      count -= width;
      x += width * step;
      index += width * index_step;
    }
  }

  const Fold& fold_;
  const FoldPlan& plan_;
  const In* const in_;
  Out* const out_;
};

// Over the axes whose bits are set in `is_reduced`, into `out`: contiguous, the kept axes in order.
template <class In, class Out, class Fold>
void fold_into(const Fold& fold, const Tensor& x, unsigned is_reduced, const Tensor& out) {
  // Small tensors that are reduced whole, as to a loss, or over all axes but the last, as to the gradient of
  // a bias, need no plan.
  constexpr std::int64_t few_columns = 64;
  if (x.is_contiguous() && x.numel() <= cheap_grain && x.numel() > 0) {
    const unsigned all = (1u << x.rank()) - 1;
    if (is_reduced == all) {
      *out.data<Out>() = fold.finish(fold_stretch(fold, x.data<In>(), x.numel()), 0);
      return;
    }
    if (is_reduced == all >> 1 && x.shape().back() <= few_columns) {
      const std::int64_t columns = x.shape().back();
      typename Fold::Total totals[few_columns];
      std::fill(totals, totals + columns, Fold::identity);
      fold_rows(fold, x.data<In>(), x.numel() / columns, columns, totals, columns, 0);
      for (std::int64_t j = 0; j < columns; ++j) out.data<Out>()[j] = fold.finish(totals[j], j);
      return;
    }
  }
  Folding<In, Out, Fold>(fold, x, FoldPlan(x, is_reduced), out).run();
}

}  // namespace gradus::kernels
