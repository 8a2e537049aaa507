#include <gradus/core/kernels/join.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>

namespace gradus::kernels {
namespace {

template <class T>
void copy_stretch(T* to, std::int64_t to_step, const T* from, std::int64_t from_step, std::int64_t count) {
  if (to_step == 1 && from_step == 1)
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  else if (to_step == 1 && from_step == -1)
    std::reverse_copy(from - count + 1, from + 1, to);
  else
    for (std::int64_t i = 0; i < count; ++i) to[i * to_step] = from[i * from_step];
}

// Copies each x of the list to its part of `out`, seen with strides `of_part`; entries(x) says how many of
// the axis it fills. Threads share the elements of all parts evenly: many small tensors run in parallel as
// one large one does.
template <class Entries>
void copy_parts(const Tensor& out, int axis, const Strides& of_part, std::span<const Tensor> list,
                const Entries& entries) {
  struct Part {
    const Tensor* x;
    std::int64_t first;  // the place of its first element when the elements of all parts are numbered through
    std::int64_t offset;  // from the first element of `out` to the first of this part
    StridedLoop<2> loop;  // over the part and x
  };
  std::vector<Part, memory::PoolAllocator<Part>> parts;
  parts.reserve(list.size());
  std::int64_t first = 0, offset = 0;
  for (const Tensor& x : list) {
    if (x.numel() > 0)
      parts.push_back({&x, first, offset, StridedLoop<2>(x.shape(), {&of_part, &x.strides()})});
    first += x.numel();
    offset += entries(x) * out.strides()[axis];
  }
  dispatch_all(out.dtype(), [&]<class T>() {
    T* const to = out.data<T>();
    parallel_for(out.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      const auto before = [](std::int64_t place, const Part& part) { return place < part.first; };
      auto part = std::upper_bound(parts.begin(), parts.end(), begin, before) - 1;
      for (; part != parts.end() && part->first < end; ++part) {
        const T* const from = part->x->template data<T>();
        const std::int64_t start = std::max<std::int64_t>(begin - part->first, 0);
        part->loop.run(start, std::min(end - part->first, part->x->numel()),
                       [&](const auto& at, const auto& by, std::int64_t count) {
                         copy_stretch(to + part->offset + at[0], by[0], from + at[1], by[1], count);
                       });
      }
    });
  });
}

// x in the last two axes where column - row >= diagonal (upper) or <= diagonal, 0 elsewhere.
Tensor triangle(const Tensor& x, std::int64_t diagonal, bool upper) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  const Tensor source = contiguous(x);
  const std::int64_t rows = x.shape()[x.rank() - 2], columns = x.shape().back();
  if (x.numel() == 0) return out;
  // In row i the columns before i + border_of_first are those below the diagonal (upper), or on and below it.
  const std::int64_t border_of_first = std::clamp(diagonal, -rows, columns) + (upper ? 0 : 1);
  dispatch_all(x.dtype(), [&]<class T>() {
    parallel_for(
        x.numel() / columns, worth_a_thread(columns, cheap_grain), [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t line = begin; line < end; ++line) {
            const T* const from = source.data<T>() + line * columns;
            T* const to = out.data<T>() + line * columns;
            const std::int64_t border = std::clamp<std::int64_t>(line % rows + border_of_first, 0, columns);
            if (upper) {
              std::fill(to, to + border, T(0));
              std::copy(from + border, from + columns, to + border);
            } else {
              std::copy(from, from + border, to);
              std::fill(to + border, to + columns, T(0));
            }
          }
        });
  });
  return out;
}

}  // namespace

Tensor concat(std::span<const Tensor> list, int axis) {
  Shape shape = list[0].shape();
  shape[axis] = 0;
  for (const Tensor& x : list) shape[axis] += x.shape()[axis];
  const Tensor out = Tensor::empty(shape, list[0].dtype(), "concat");
  copy_parts(out, axis, out.strides(), list, [axis](const Tensor& x) { return x.shape()[axis]; });
  return out;
}

Tensor joined_in_place(std::span<const Tensor> list, int axis) {
  const Tensor& first = list[0];
  Shape shape = first.shape();
  const auto* end = static_cast<const std::byte*>(first.block().data);
  shape[axis] = 0;
  for (const Tensor& x : list) {
    if (x.block().owner != first.block().owner || x.strides() != first.strides() || x.block().data != end)
      return {};
    shape[axis] += x.shape()[axis];
    end += x.shape()[axis] * x.strides()[axis] * static_cast<std::int64_t>(size_of(x.dtype()));
  }
  const Tensor joined = first.window(shape, first.strides(), 0);
  return joined.is_contiguous() ? joined : Tensor();
}

Tensor stack(std::span<const Tensor> list, int axis) {
  Shape shape = list[0].shape();
  shape.insert(axis, static_cast<std::int64_t>(list.size()));
  const Tensor out = Tensor::empty(shape, list[0].dtype(), "stack");
  Strides of_part = out.strides();
  of_part.erase(axis);
  copy_parts(out, axis, of_part, list, [](const Tensor&) { return 1; });
  return out;
}

Tensor flip(const Tensor& x, int axis) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  // Read backwards: from the last entry of the axis, with its stride negative.
  Strides backwards = x.strides();
  backwards[axis] = -backwards[axis];
  const std::int64_t last = (x.shape()[axis] - 1) * x.strides()[axis];
  const StridedLoop<2> loop(x.shape(), {&out.strides(), &backwards});
  dispatch_all(x.dtype(), [&]<class T>() {
    parallel_for(x.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      loop.run(begin, end, [&](const auto& at, const auto& by, std::int64_t count) {
        copy_stretch(out.data<T>() + at[0], by[0], x.data<T>() + last + at[1], by[1], count);
      });
    });
  });
  return out;
}

Tensor triu(const Tensor& x, std::int64_t diagonal) { return triangle(x, diagonal, true); }
Tensor tril(const Tensor& x, std::int64_t diagonal) { return triangle(x, diagonal, false); }

}  // namespace gradus::kernels
