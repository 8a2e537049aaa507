#include <gradus/core/kernels/copy.h>

#include <algorithm>
#include <array>
#include <numeric>

#include <gradus/core/kernels/map.h>
#include <gradus/core/view.h>

namespace gradus::kernels {
namespace {

// What is transposed at once: tiles of 16 x 16 elements in vector registers, and blocks of such tiles.
constexpr std::int64_t tile = 16, block_rows = 1024, block_columns = 128;

// to[i][j] = from[j][i] for a whole tile. A transposed matrix of 2^n x 2^n elements has their numbers' 2n
// bits rotated by n; a perfect shuffle, which deals out the two halves in turn, rotates them by one, and
// compilers know how to interleave in vector registers. The first shuffle reads the rows of `from`, the last
// writes those of `to`.
template <class T>
void transpose_tile(T* to, std::int64_t to_step, const T* from, std::int64_t from_step) {
  constexpr std::int64_t half = tile * tile / 2;
  alignas(64) T a[2 * half], b[2 * half];
  for (std::int64_t row = 0; row < tile / 2; ++row) {
    const T *const upper = from + row * from_step, *const lower = upper + tile / 2 * from_step;
#pragma omp simd
    for (std::int64_t i = 0; i < tile; ++i)
      a[2 * (row * tile + i)] = upper[i], a[2 * (row * tile + i) + 1] = lower[i];
  }
#pragma omp simd
  for (std::int64_t i = 0; i < half; ++i) b[2 * i] = a[i], b[2 * i + 1] = a[half + i];
#pragma omp simd
  for (std::int64_t i = 0; i < half; ++i) a[2 * i] = b[i], a[2 * i + 1] = b[half + i];
  for (std::int64_t row = 0; row < tile; ++row) {
    const T *const upper = a + row * tile / 2, *const lower = upper + half;
    T* const y = to + row * to_step;
#pragma omp simd
    for (std::int64_t i = 0; i < tile / 2; ++i) y[2 * i] = upper[i], y[2 * i + 1] = lower[i];
  }
}

// The same for any number of rows and columns of `to`, one row of tiles after the other. A row of tiles takes
// a cache line or so from each of many distant rows of `from`, and the next one the line after it: no
// processor foresees that, so each line is asked for one row of tiles ahead. Short rows, 128 elements of
// `to`, keep all these lines in the cache until then.
template <class T>
void transpose_block(T* to, std::int64_t to_step, const T* from, std::int64_t from_step, std::int64_t rows,
                     std::int64_t columns) {
  for (std::int64_t i = 0; i < rows; i += tile)
    for (std::int64_t j = 0; j < columns; j += tile) {
      T* const y = to + i * to_step + j;
      const T* const x = from + j * from_step + i;
      const std::int64_t height = std::min(rows - i, tile), width = std::min(columns - j, tile);
      if (height == tile && width == tile) {
        for (std::int64_t column = 0; column < tile && i + tile < rows; ++column)
          __builtin_prefetch(x + column * from_step + tile);
        transpose_tile(y, to_step, x, from_step);
        continue;
      }
      for (std::int64_t row = 0; row < height; ++row)
        for (std::int64_t column = 0; column < width; ++column)
          y[row * to_step + column] = x[column * from_step + row];
    }
}

// The axis along which elements are neighbours in memory, or -1.
int adjacent_axis(const Shape& shape, const Strides& strides) {
  for (int axis = 0; axis < shape.rank(); ++axis)
    if (strides[axis] == 1 && shape[axis] > 1) return axis;
  return -1;
}

// Copies where the neighbours of `from` lie along another axis than those of `to`, and says whether they do.
// A matrix is then transposed for each place along the remaining axes, block by block.
bool transpose_into(const Tensor& to, const Tensor& from) {
  if (to.is_contiguous() && from.is_contiguous()) return false;
  const StridedLoop<2> axes(to.shape(), {&to.strides(), &from.strides()});
  const Shape shape = axes.shape();
  const Strides to_strides = axes.strides(0), from_strides = axes.strides(1);
  const int across = adjacent_axis(shape, to_strides), down = adjacent_axis(shape, from_strides);
  if (across < 0 || down < 0 || across == down) return false;
  // Over the blocks: where each begins in `to` and in `from`, and at which row and column.
  Shape blocks = shape;
  Strides to_block = to_strides, from_block = from_strides, row(blocks.rank(), 0), column(blocks.rank(), 0);
  const auto cut = [&](int axis, std::int64_t length, Strides& place) {
    blocks[axis] = (shape[axis] + length - 1) / length;
    to_block[axis] *= length;
    from_block[axis] *= length;
    place[axis] = length;
  };
  cut(down, block_rows, row);
  cut(across, block_columns, column);
  const StridedLoop<4> loop(blocks, {&to_block, &from_block, &row, &column});
  const std::int64_t rows = shape[down], columns = shape[across], to_step = to_strides[down],
                     from_step = from_strides[across];
  const std::int64_t matrix = std::min(rows, block_rows) * std::min(columns, block_columns);
  dispatch_all(to.dtype(), [&]<class T>() {
    T* const y = to.data<T>();
    const T* const x = from.data<T>();
    parallel_for(numel_of(blocks, "copy"), worth_a_thread(matrix, cheap_grain),
                 [&](std::int64_t begin, std::int64_t end) {
                   loop.run(begin, end, [&](auto at, const auto& by, std::int64_t count) {
                     for (; count > 0; --count) {
                       transpose_block(y + at[0], to_step, x + at[1], from_step,
                                       std::min(rows - at[2], block_rows),
                                       std::min(columns - at[3], block_columns));
                       for (int k = 0; k < 4; ++k) at[k] += by[k];
                     }
                   });
                 });
  });
  return true;
}

}  // namespace

Tensor contiguous(const Tensor& x) { return x.is_contiguous() ? x : clone(x); }

Tensor clone(const Tensor& x) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  copy_into(out, x);
  return out;
}

Tensor empty_as_laid_out(const Tensor& like, const Shape& shape, const char* op) {
  const int rank = shape.rank();
  if (like.is_contiguous()) return Tensor::empty(shape, like.dtype(), op);
  std::array<int, Shape::max_rank> order;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.begin() + rank - 1,
                   [&](int a, int b) { return like.strides()[a] > like.strides()[b]; });
  Shape nested, back(rank, 0);
  for (int place = 0; place < rank; ++place) {
    const int axis = order[static_cast<std::size_t>(place)];
    nested.push_back(shape[axis]);
    back[axis] = place;
  }
  return views::permute(Tensor::empty(nested, like.dtype(), op), back);
}

std::vector<Tensor, memory::PoolAllocator<Tensor>> empty_as_laid_out(std::span<const Tensor> list,
                                                                     const char* op) {
  const auto distance = [](const Tensor& from, const Tensor& to) {
    const bool alike = from.block().owner == to.block().owner && from.shape() == to.shape() &&
                       from.strides() == to.strides();
    const auto bytes = static_cast<std::byte*>(to.block().data) - static_cast<std::byte*>(from.block().data);
    return alike ? bytes / static_cast<std::ptrdiff_t>(size_of(to.dtype())) : 0;
  };
  std::vector<Tensor, memory::PoolAllocator<Tensor>> rooms;
  rooms.reserve(list.size());
  for (std::size_t i = 0, end; i < list.size(); i = end) {
    const Tensor& first = list[i];
    const std::int64_t apart = i + 1 < list.size() ? distance(first, list[i + 1]) : 0;
    end = i + 1;
    if (apart <= 0 || first.rank() == Shape::max_rank) {
      rooms.push_back(empty_as_laid_out(first, first.shape(), op));
      continue;
    }
    while (end < list.size() && distance(list[end - 1], list[end]) == apart) ++end;
    // One tensor with an axis more, along which they stand.
    const auto count = static_cast<std::int64_t>(end - i);
    Shape shape = first.shape();
    Strides strides = first.strides();
    shape.insert(0, count);
    strides.insert(0, apart);
    const Tensor together = empty_as_laid_out(first.window(shape, strides, 0), shape, op);
    for (std::int64_t k = 0; k < count; ++k) rooms.push_back(views::select(together, 0, k));
  }
  return rooms;
}

void copy_into(const Tensor& to, const Tensor& from) {
  if (transpose_into(to, from)) return;
  dispatch_all(to.dtype(),
               [&]<class T>() { map_into<T, T>([](T value) { return value; }, to, cheap_grain, {&from}); });
}

Tensor cast(const Tensor& x, DType dtype) {
  Tensor out = Tensor::empty(x.shape(), dtype);
  dispatch_all(x.dtype(), [&]<class From>() {
    dispatch_all(dtype, [&]<class To>() {
      map_into<To, From>([](From value) { return static_cast<To>(value); }, out, cheap_grain, {&x});
    });
  });
  return out;
}

void fill(const Tensor& to, double number, const char* op) {
  check_holds(to.dtype(), number, op);
  dispatch_all(to.dtype(), [&]<class T>() {
    map_into<T>([value = static_cast<T>(number)] { return value; }, to, cheap_grain, {});
  });
}

Tensor full(const Shape& shape, double number, DType dtype, const char* op) {
  Tensor out = Tensor::empty(shape, dtype, op);
  fill(out, number, op);
  return out;
}

}  // namespace gradus::kernels
