#include <gradus/core/kernels/join.h>

#include <cstring>
#include <vector>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>

namespace gradus::kernels {
namespace {

template <class T>
void copy_stretch(T* to, std::int64_t to_step, const T* from, std::int64_t from_step, std::int64_t count) {
  if (to_step == 1 && from_step == 1)
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
  else
    for (std::int64_t i = 0; i < count; ++i) to[i * to_step] = from[i * from_step];
}

// Where one tensor of a list goes in the result.
struct Part {
  const Tensor* x;
  std::int64_t first;   // the place of its first element when all elements of the list are numbered through
  std::int64_t offset;  // from the result's first element to this part's
  StridedLoop<2> loop;  // over the result's part and x
};
using Parts = std::vector<Part, memory::PoolAllocator<Part>>;

// Threads share the elements of all parts evenly: a list of many small tensors runs in parallel as one large one does.
void copy_parts(const Tensor& out, const Parts& parts) {
  dispatch_all(out.dtype(), [&]<class T>() {
    T* const to = out.data<T>();
    parallel_for(out.numel(), cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      const auto starts_after = [](std::int64_t place, const Part& part) { return place < part.first; };
      auto part = std::upper_bound(parts.begin(), parts.end(), begin, starts_after) - 1;
      for (; part != parts.end() && part->first < end; ++part) {
        const T* const from = part->x->data<T>();
        const std::int64_t last = std::min(end - part->first, part->x->numel());
        part->loop.run(std::max<std::int64_t>(begin - part->first, 0), last,
                       [&](const auto& at, const auto& by, std::int64_t count) {
                         copy_stretch(to + part->offset + at[0], by[0], from + at[1], by[1], count);
                       });
      }
    });
  });
}

// x in the last two axes where column >= row + diagonal, or column < row + diagonal; 0 elsewhere.
Tensor triangle(const Tensor& x, std::int64_t diagonal, bool upper) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  const Tensor source = contiguous(x);
  const std::int64_t rows = x.shape()[x.rank() - 2], columns = x.shape().back();
  if (x.numel() == 0) return out;
  dispatch_all(x.dtype(), [&]<class T>() {
    const std::int64_t grain = std::max<std::int64_t>(1, cheap_grain / columns);
    parallel_for(x.numel() / columns, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t line = begin; line < end; ++line) {
        const T* const from = source.data<T>() + line * columns;
        T* const to = out.data<T>() + line * columns;
        const std::int64_t border = std::clamp<std::int64_t>(line % rows + diagonal, 0, columns);
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
  Parts parts;
  parts.reserve(list.size());
  std::int64_t first = 0, offset = 0;
  for (const Tensor& x : list) {
    parts.push_back({&x, first, offset, StridedLoop<2>(x.shape(), {&out.strides(), &x.strides()})});
    first += x.numel();
    offset += x.shape()[axis] * out.strides()[axis];
  }
  copy_parts(out, parts);
  return out;
}

Tensor stack(std::span<const Tensor> list, int axis) {
  Shape shape = list[0].shape();
  shape.insert(axis, static_cast<std::int64_t>(list.size()));
  const Tensor out = Tensor::empty(shape, list[0].dtype(), "stack");
  Strides of_part = out.strides();
  of_part.erase(axis);
  Parts parts;
  parts.reserve(list.size());
  std::int64_t first = 0, offset = 0;
  for (const Tensor& x : list) {
    parts.push_back({&x, first, offset, StridedLoop<2>(x.shape(), {&of_part, &x.strides()})});
    first += x.numel();
    offset += out.strides()[axis];
  }
  copy_parts(out, parts);
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
Tensor tril(const Tensor& x, std::int64_t diagonal) { return triangle(x, diagonal + 1, false); }

}  // namespace gradus::kernels
