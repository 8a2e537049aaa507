#include <gradus/core/kernels/index.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/row.h>

namespace gradus::kernels {
namespace {

// memset, unlike a loop that stores zeros, need not read the memory first.
Tensor zeroed(const Shape& shape, DType dtype, const char* op) {
  constexpr std::int64_t grain = 1 << 20;
  const Tensor out = Tensor::empty(shape, dtype, op);
  char* const bytes = static_cast<char*>(out.block().data);
  parallel_for(out.bytes(), grain, [&](std::int64_t begin, std::int64_t end) {
    std::memset(bytes + begin, 0, static_cast<std::size_t>(end - begin));
  });
  return out;
}

Shape without(Shape sizes, int axis) {
  sizes.erase(axis);
  return sizes;
}

// How many lines along the axis one thread takes. The number of parts is a power of two, as that of the
// threads mostly is. Lines that lie side by side in memory, like the columns of a table, stay together in
// stretches long enough to stream, and by sixteens: then no two threads write to one cache line.
std::int64_t lines_for_a_thread(std::int64_t lines, std::int64_t length, bool side_by_side) {
  const std::int64_t least = side_by_side ? 96 : 1;
  std::int64_t parts = 1;
  while (lines / (2 * parts) >= least && lines * length / (2 * parts) >= cheap_grain) parts *= 2;
  const std::int64_t each = (lines + parts - 1) / parts;
  return side_by_side ? (each + 15) / 16 * 16 : each;
}

// put(place, value) for each element of src, at its place in `out`. What meets in one place came
// from one line along the axis, so lines are shared out to threads and each is walked from its
// beginning: no atomics, and always the same sum. Lines that lie side by side are walked abreast, a
// stretch of one row after the other, so that memory is read and written as it comes; the next row,
// wherever its id puts it, is asked for ahead.
template <class T, class Put>
void scatter_into(const Tensor& out, int axis, const Tensor& index, const Tensor& src, const Put& put) {
  T* const to = out.data<T>();
  const std::int64_t* const ids = index.data<std::int64_t>();
  const T* const from = src.data<T>();
  const Shape lines = without(index.shape(), axis);
  const std::int64_t count_of_lines = numel_of(lines, "scatter"), length = index.shape()[axis];
  const Strides by_line[] = {without(out.strides(), axis), without(index.strides(), axis),
                             without(src.strides(), axis)};
  const std::int64_t out_step = out.strides()[axis], id_step = index.strides()[axis],
                     src_step = src.strides()[axis];
  const bool side_by_side = out_step != 1;
  const std::int64_t grain = lines_for_a_thread(count_of_lines, length, side_by_side);
  const StridedLoop<3> loop(lines, {&by_line[0], &by_line[1], &by_line[2]});
  parallel_for(count_of_lines, grain, [&](std::int64_t begin, std::int64_t end) {
    loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
      T* const y = to + at[0];
      if (!side_by_side) {
        for (std::int64_t i = 0; i < count; ++i)
          for (std::int64_t j = 0; j < length; ++j)
            put(y[i * by[0] + ids[at[1] + i * by[1] + j * id_step]], from[at[2] + i * by[2] + j * src_step]);
        return;
      }
      for (std::int64_t j = 0; j < length; ++j) {
        const std::int64_t* const id = ids + at[1] + j * id_step;
        const T* const x = from + at[2] + j * src_step;
        if (by[0] == 1 && by[1] == 0 && by[2] == 1) {
          T* const row = y + *id * out_step;
          if (j + 1 < length) prefetch(y + id[id_step] * out_step, count);
#pragma omp simd
          for (std::int64_t i = 0; i < count; ++i) put(row[i], x[i]);
        } else {
          for (std::int64_t i = 0; i < count; ++i) put(y[i * by[0] + id[i * by[1]] * out_step], x[i * by[2]]);
        }
      }
    });
  });
}

}  // namespace

std::int64_t first_outside(const Tensor& ids, std::int64_t size) {
  const std::int64_t* const from = ids.data<std::int64_t>();
  // As an unsigned number, a negative id is larger than any size.
  const auto is_outside = [limit = static_cast<std::uint64_t>(size)](std::int64_t id) {
    return static_cast<std::uint64_t>(id) >= limit;
  };
  const StridedLoop<1> loop(ids.shape(), {&ids.strides()});
  std::atomic<bool> any{false};
  parallel_for(ids.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
    bool found = false;
    loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
      const std::int64_t* const id = from + at[0];
      if (by[0] == 1) {
#pragma omp simd reduction(| : found)
        for (std::int64_t i = 0; i < count; ++i) found |= is_outside(id[i]);
      } else {
        for (std::int64_t i = 0; i < count; ++i) found |= is_outside(id[i * by[0]]);
      }
    });
    if (found) any.store(true, std::memory_order_relaxed);
  });
  if (!any) return -1;
  std::int64_t position = 0, found = -1;
  loop.run(0, ids.numel(), [&](const auto& at, const auto& by, std::int64_t count) {
    for (std::int64_t i = 0; i < count && found < 0; ++i, ++position)
      if (is_outside(from[at[0] + i * by[0]])) found = position;
  });
  return found;
}

Tensor gather(const Tensor& x, int axis, const Tensor& index) {
  const Tensor out = Tensor::empty(index.shape(), x.dtype(), "gather");
  const std::int64_t step = x.strides()[axis], id_step = index.strides()[axis];
  Strides x_strides = x.strides();
  x_strides[axis] = 0;  // along the axis it is the id that moves
  const StridedLoop<3> loop(out.shape(), {&out.strides(), &x_strides, &index.strides()});
  const std::int64_t* const ids = index.data<std::int64_t>();
  const std::int64_t* const last = ids + (index.shape()[axis] - 1) * id_step;
  constexpr std::int64_t ahead = 1024;  // so much of the next row as stays in the first cache
  dispatch_all(x.dtype(), [&]<class T>() {
    T* const to = out.data<T>();
    const T* const from = x.data<T>();
    parallel_for(out.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
        T* const y = to + at[0];
        const std::int64_t* const id = ids + at[2];
        const T* const source = from + at[1];
        if (by[2] == 0 && by[1] == 1) {  // one id for the whole stretch
          if (last - id >= id_step) prefetch(source + id[id_step] * step, std::min(count, ahead));
          std::memcpy(y, source + *id * step, static_cast<std::size_t>(count) * sizeof(T));
        } else if (by[2] == 1 && by[1] == 0) {  // along the axis
          for (std::int64_t i = 0; i < count; ++i) y[i] = source[id[i] * step];
        } else {
          for (std::int64_t i = 0; i < count; ++i) y[i] = source[i * by[1] + id[i * by[2]] * step];
        }
      });
    });
  });
  return out;
}

void scatter_add_into(const Tensor& out, int axis, const Tensor& index, const Tensor& src) {
  dispatch_numeric(out.dtype(), "scatter_add", [&]<class T>() {
    scatter_into<T>(out, axis, index, src, [](T& place, T value) { place += value; });
  });
}

Tensor gather_grad(const Tensor& dy, int axis, const Tensor& index, std::int64_t size) {
  Shape shape = dy.shape();
  shape[axis] = size;
  Tensor out = zeroed(shape, dy.dtype(), "gather_grad");
  scatter_add_into(out, axis, index, dy);
  return out;
}

Tensor scatter_add(const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  Tensor out = clone(x);
  scatter_add_into(out, axis, index, src);
  return out;
}

Tensor scatter(const Tensor& x, int axis, const Tensor& index, const Tensor& src) {
  Tensor out = clone(x);
  dispatch_all(x.dtype(), [&]<class T>() {
    scatter_into<T>(out, axis, index, src, [](T& place, T value) { place = value; });
  });
  return out;
}

Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype) {
  Shape shape = ids.shape();
  shape.push_back(classes);
  Tensor out = zeroed(shape, dtype, "one_hot");
  const Tensor flat = contiguous(ids);
  const std::int64_t* const id = flat.data<std::int64_t>();
  dispatch_all(dtype, [&]<class T>() {
    T* const y = out.data<T>();
    parallel_for(flat.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i * classes + id[i]] = static_cast<T>(1);
    });
  });
  return out;
}

}  // namespace gradus::kernels
