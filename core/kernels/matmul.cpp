#include <gradus/core/kernels/matmul.h>

#include <algorithm>

#include <gradus/core/kernels/blocked.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/optional.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

constexpr std::int64_t most_tiles = 16;

// Into which c is cut, for each to be computed by one thread.
struct Tiles {
  std::int64_t rows, columns;  // of one
};

std::int64_t round_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

// The tiles of c (m, n) for OpenBLAS, whose bits depend on them: cut by the shape alone. The longer side is
// halved, and again. Each tile brings its part of a and b into BLAS's order anew, which costs 2 to 5 % of the
// time of a tile 350 rows high or 200 columns wide. So the first cut is made wherever two threads gain by it,
// and further ones only while tiles stay large. A thin product has nothing brought into order; it only wants
// to read long stretches of memory.
Tiles tiles_by_shape(std::int64_t m, std::int64_t n, std::int64_t k) {
  const std::int64_t fewest_rows = is_thin(m, n, k) ? 192 : 512,
                     fewest_columns = is_thin(m, n, k) ? 192 : 384;
  Tiles tile{m, n};
  for (std::int64_t count = 1; count < most_tiles && tile.rows * tile.columns * k >= 2 * product_grain;
       count *= 2) {
    const bool cut_rows = tile.rows > tile.columns;
    if (count > 1 && (cut_rows ? tile.rows / 2 < fewest_rows : tile.columns / 2 < fewest_columns)) break;
    (cut_rows ? tile.rows : tile.columns) =
        cut_rows ? round_up((tile.rows + 1) / 2, 8) : round_up((tile.columns + 1) / 2, 16);
  }
  return tile;
}

// The tiles for our own loops, whose bits do not depend on them: one for each thread, cut so that the first,
// which is the largest, has the least to do. Packing an element takes as long as some twenty products.
template <class T>
Tiles tiles_for_threads(const Matrix<const T>& a, const Matrix<const T>& b) {
  constexpr std::int64_t pack_cost = 20;
  const std::int64_t m = a.rows, n = b.columns, k = a.columns;
  const std::int64_t count = std::clamp<std::int64_t>(m * n * k / product_grain, 1, threads());
  Tiles best{m, n};
  std::int64_t least = INT64_MAX;
  for (std::int64_t down = 1; down <= count; ++down) {
    const std::int64_t across = count / down;
    const Tiles tile{round_up((m + down - 1) / down, Panel<T>::most_rows),
                     round_up((n + across - 1) / across, Panel<T>::width)};
    const std::int64_t packed = tile.columns + (a.column_stride == 1 ? 0 : tile.rows);
    const std::int64_t cost = tile.rows * tile.columns + pack_cost * packed;
    if (cost < least) least = cost, best = tile;
  }
  return best;
}

// c = a b on the calling thread, or c + a b with `add`, or a b + bias for each row where there is a bias.
template <class T>
void multiply_here(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, const T* bias,
                   bool add, bool by_own_loops) {
  if (by_own_loops) {
    const Start<T> start = bias != nullptr ? Start<T>{bias}
                           : add           ? Start<T>{c.data, c.row_stride}
                                           : Start<T>{};
    return blocked::gemm<T>(a, b, c, start, 1);
  }
  if (bias != nullptr)
    for (std::int64_t i = 0; i < c.rows; ++i) std::copy_n(bias, c.columns, c.data + i * c.row_stride);
  gemm(a, b, c, add || bias != nullptr);
}

template <class T>
void multiply(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c, const T* bias = nullptr,
              bool add = false) {
  if (c.rows * c.columns * a.columns < 2 * product_grain) return multiply_here(a, b, c, bias, add, false);
  // Chosen for the whole product, as the bits are those of one way or the other.
  const bool by_own_loops = blocked::suits(a, b);
  const Tiles tile = by_own_loops ? tiles_for_threads(a, b) : tiles_by_shape(c.rows, c.columns, a.columns);
  const std::int64_t across = (c.columns + tile.columns - 1) / tile.columns;
  const std::int64_t down = (c.rows + tile.rows - 1) / tile.rows;
  parallel_tasks(down * across, [&](std::int64_t task) {
    const std::int64_t row = task / across * tile.rows, column = task % across * tile.columns;
    const std::int64_t rows = std::min(tile.rows, c.rows - row),
                       columns = std::min(tile.columns, c.columns - column);
    const T* const part = bias == nullptr ? nullptr : bias + column;
    multiply_here<T>(a.from_row(row, rows), b.from_column(column, columns),
                     c.from_row(row, rows).from_column(column, columns), part, add, by_own_loops);
  });
}

// The matrix in the last two axes, at the first index of all others.
template <class T>
Matrix<const T> first_matrix(const Tensor& x) {
  const int r = x.rank() - 2;
  return {x.data<T>(), x.shape()[r], x.shape()[r + 1], x.strides()[r], x.strides()[r + 1]};
}

// x itself where BLAS can read its matrices, else `copy`. Leading axes that were
// expanded are not multiplied by it.
const Tensor& readable(const Tensor& x, Tensor& copy) {
  const int r = x.rank() - 2;
  if (is_blas_readable(x.shape()[r], x.shape()[r + 1], x.strides()[r], x.strides()[r + 1])) return x;
  Shape distinct = x.shape();
  for (int axis = 0; axis < r; ++axis)
    if (x.strides()[axis] == 0) distinct[axis] = 1;
  copy = views::expand(contiguous(x.window(distinct, x.strides(), 0)), x.shape());
  return copy;
}

// One product for each index of the leading axes.
template <class T>
void multiply_each(const Tensor& a, const Tensor& b, const Tensor& c) {
  const Matrix<const T> first_a = first_matrix<T>(a), first_b = first_matrix<T>(b);
  const Matrix<T> first_c = row_major(c.data<T>(), first_a.rows, first_b.columns);
  const std::int64_t size = first_c.rows * first_c.columns, count = c.numel() / size;
  const std::int64_t products = size * first_a.columns;
  const auto leading = [&](const Shape& all) { return Shape(std::span(all.begin(), c.rank() - 2)); };
  const Shape batch = leading(c.shape());
  const Strides by_a = leading(a.strides()), by_b = leading(b.strides());
  const StridedLoop<2> matrices(batch, {&by_a, &by_b});

  const auto run = [&](std::int64_t begin, std::int64_t end, const auto& multiply_one) {
    Matrix<T> to = first_c;
    to.data += begin * size;
    matrices.run(begin, end, [&](const auto& at, const auto& by, std::int64_t stretch) {
      Matrix<const T> x = first_a, y = first_b;
      x.data += at[0], y.data += at[1];
      for (std::int64_t i = 0; i < stretch; ++i, x.data += by[0], y.data += by[1], to.data += size)
        multiply_one(x, y, to);
    });
  };
  if (count < most_tiles && products >= 2 * product_grain)
    return run(0, count, [](const auto& x, const auto& y, const auto& to) { multiply<T>(x, y, to); });
  parallel_for(count, worth_a_thread(products, product_grain), [&](std::int64_t begin, std::int64_t end) {
    run(begin, end, [](const auto& x, const auto& y, const auto& to) { gemm(x, y, to); });
  });
}

// The product of all sizes but the last.
std::int64_t row_count(const Tensor& x) {
  std::int64_t rows = 1;
  for (int axis = 0; axis < x.rank() - 1; ++axis) rows *= x.shape()[axis];
  return rows;
}

// x (..., n) as one matrix, read where it lies if that is possible, else from `copy`.
template <class T>
Matrix<const T> as_rows(const Tensor& x, Tensor& copy) {
  const std::int64_t rows = row_count(x), columns = x.shape().back();
  if (!x.is_contiguous() && x.numel() > 0) {
    if (const auto strides = views::strides_of_reshape(x, {rows, columns}))
      if (is_blas_readable(rows, columns, (*strides)[0], (*strides)[1]))
        return {x.data<T>(), rows, columns, (*strides)[0], (*strides)[1]};
    copy = contiguous(x);
    return row_major<const T>(copy.data<T>(), rows, columns);
  }
  return row_major<const T>(x.data<T>(), rows, columns);
}

}  // namespace

Tensor matmul(const Tensor& any_a, const Tensor& any_b) {
  Shape shape = any_a.shape();
  shape[any_a.rank() - 1] = any_b.shape().back();
  // First, so that no operand is copied for a c that cannot be.
  Tensor c = Tensor::empty(shape, any_a.dtype(), "matmul");
  Tensor copy_of_a, copy_of_b;
  const Tensor &a = readable(any_a, copy_of_a), &b = readable(any_b, copy_of_b);
  if (c.numel() == 0) return c;
  dispatch_floating(a.dtype(), "matmul", [&]<class T>() {
    const std::int64_t depth = a.shape().back(), columns = shape.back(), rows = c.numel() / columns;
    const Matrix<T> to = row_major(c.data<T>(), rows, columns);
    if (a.rank() == 2) return multiply<T>(first_matrix<T>(a), first_matrix<T>(b), to);
    // One matrix b for all of a: where a's rows can be read as one tall matrix, that is one product.
    if (b.rank() == 2 && depth > 0)
      if (const auto strides = views::strides_of_reshape(a, {rows, depth}))
        if (is_blas_readable(rows, depth, (*strides)[0], (*strides)[1]))
          return multiply<T>({a.data<T>(), rows, depth, (*strides)[0], (*strides)[1]}, first_matrix<T>(b),
                             to);
    Shape each = a.shape();
    each[a.rank() - 2] = b.shape()[b.rank() - 2], each[a.rank() - 1] = columns;
    multiply_each<T>(a, views::expand(b, each), c);
  });
  return c;
}

Tensor linear(const Tensor& x, const Tensor& any_w, const Tensor& bias) {
  Tensor copy_of_x, copy_of_w;
  const Tensor& w = readable(any_w, copy_of_w);
  const Tensor added = contiguous_if(bias);
  Shape shape = x.shape();
  shape[x.rank() - 1] = w.shape()[0];
  Tensor y = Tensor::empty(shape, x.dtype(), "linear");
  if (y.numel() == 0) return y;
  dispatch_floating(x.dtype(), "linear", [&]<class T>() {
    const Matrix<const T> from = as_rows<T>(x, copy_of_x), weight = first_matrix<T>(w).transposed();
    multiply<T>(from, weight, row_major(y.data<T>(), from.rows, weight.columns), data_if<T>(added));
  });
  return y;
}

namespace {

void sum_outer_into(const Tensor& y, const Tensor& a, const Tensor& b, bool add) {
  Tensor copy_of_a, copy_of_b;
  dispatch_floating(a.dtype(), "sum_outer", [&]<class T>() {
    const Matrix<const T> left = as_rows<T>(a, copy_of_a).transposed(), right = as_rows<T>(b, copy_of_b);
    multiply<T>(left, right, row_major(y.data<T>(), left.rows, right.columns), nullptr, add);
  });
}

}  // namespace

Tensor sum_outer(const Tensor& a, const Tensor& b) {
  Tensor y = Tensor::empty({a.shape().back(), b.shape().back()}, a.dtype(), "sum_outer");
  sum_outer_into(y, a, b, false);
  return y;
}

void add_sum_outer(const Tensor& y, const Tensor& a, const Tensor& b) { sum_outer_into(y, a, b, true); }

}  // namespace gradus::kernels
