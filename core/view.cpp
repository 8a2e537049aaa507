#include <gradus/core/view.h>

#include <gradus/core/kernels/copy.h>

namespace gradus::views {

Shape reshaped(const Tensor& x, const Shape& shape) {
  Shape out = shape;
  int inferred = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == -1) {
      check(inferred < 0, "reshape", "only one size may be -1, not two: ", shape, ". Name all but one?");
      inferred = i;
      out[i] = 1;
    }
  }
  if (inferred >= 0) {
    const std::int64_t known = numel_of(out, "reshape");
    check(known > 0 && x.numel() % known == 0, "reshape", "shape ", x.shape(), " with ", x.numel(),
          " elements does not fit ", shape, ": ", x.numel(), " is no multiple of ", known, ". Another size?");
    out[inferred] = x.numel() / known;
  }
  check(numel_of(out, "reshape") == x.numel(), "reshape", "shape ", x.shape(), " has ", x.numel(),
        " elements, ", shape, " has ", numel_of(out, "reshape"), ". Let one size be -1?");
  return out;
}

std::optional<Strides> strides_of_reshape(const Tensor& x, const Shape& shape) {
  if (x.is_contiguous()) return contiguous_strides(shape);
  Strides strides(shape.rank(), 0);
  // Old and new axes are matched from the end in groups of equal element count; a group can be shown without
  // a copy where its old axes are adjacent to each other in memory.
  int old_axis = x.rank() - 1, new_axis = shape.rank() - 1;
  while (new_axis >= 0) {
    while (old_axis >= 0 && x.shape()[old_axis] == 1) --old_axis;
    std::int64_t group = old_axis >= 0 ? x.shape()[old_axis] : 1;
    std::int64_t stride = old_axis >= 0 ? x.strides()[old_axis] : 1;
    std::int64_t taken = 1;
    for (; new_axis >= 0; --new_axis) {
      while (group % (taken * shape[new_axis]) != 0) {
        const std::int64_t reach = x.strides()[old_axis] * x.shape()[old_axis];
        --old_axis;
        while (old_axis >= 0 && x.shape()[old_axis] == 1) --old_axis;
        if (old_axis < 0 || x.strides()[old_axis] != reach) return std::nullopt;
        group *= x.shape()[old_axis];
      }
      strides[new_axis] = stride * taken;
      taken *= shape[new_axis];
      if (taken == group && group > 1) {
        --new_axis;
        break;
      }
    }
    --old_axis;
  }
  return strides;
}

Tensor reshape(const Tensor& x, const Shape& shape) {
  const Shape target = reshaped(x, shape);
  if (const auto strides = strides_of_reshape(x, target)) return x.window(target, *strides, 0);
  return kernels::clone(x).window(target, contiguous_strides(target), 0);
}

Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b) {
  const int first = normalised_axis(a, x.rank(), "transpose"),
            second = normalised_axis(b, x.rank(), "transpose");
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[first], shape[second]);
  std::swap(strides[first], strides[second]);
  return x.window(shape, strides, 0);
}

Tensor permute(const Tensor& x, const Shape& axes) {
  check(axes.rank() == x.rank(), "permute", "needs each of the ", x.rank(), " axes of shape ", x.shape(),
        " once, got ", axes, ". Name them all?");
  Shape shape = axes, strides = axes;
  unsigned seen = 0;
  for (int i = 0; i < axes.rank(); ++i) {
    const int axis = normalised_axis(axes[i], x.rank(), "permute");
    check((seen & (1u << axis)) == 0, "permute", "axis ", axes[i], " stands twice in ", axes,
          ". Each axis once?");
    seen |= 1u << axis;
    shape[i] = x.shape()[axis];
    strides[i] = x.strides()[axis];
  }
  return x.window(shape, strides, 0);
}

Tensor slice(const Tensor& x, std::int64_t axis, std::int64_t from, std::int64_t to, std::int64_t step) {
  const int along = normalised_axis(axis, x.rank(), "slice");
  check(step >= 1, "slice", "the step must be at least 1, not ", step, ". Reverse with index_select?");
  const std::int64_t size = x.shape()[along];
  // As in NumPy, ends past the axis are cut to it.
  const auto clamped = [&](std::int64_t i) {
    return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
  };
  const std::int64_t first = clamped(from), last = std::max(first, clamped(to));
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[along] = last > first ? (last - first - 1) / step + 1 : 0;
  if (shape[along] > 1) strides[along] *= step;  // a step past the end could overflow
  return x.window(shape, strides, first * x.strides()[along]);
}

Tensor select(const Tensor& x, std::int64_t axis, std::int64_t index) {
  check(x.rank() > 0, "select", "a tensor of shape () has no axis to index. Use item()?");
  const int along = normalised_axis(axis, x.rank(), "select");
  const std::int64_t size = x.shape()[along];
  check(-size <= index && index < size, "select", "index ", index, " is out of range for axis ", axis,
        " of size ", size, " in shape ", x.shape(), ". Valid indices run from ", -size, " to ", size - 1,
        ".");
  Shape shape = x.shape();
  Strides strides = x.strides();
  const std::int64_t offset = (index < 0 ? index + size : index) * strides[along];
  shape.erase(along);
  strides.erase(along);
  return x.window(shape, strides, offset);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  check(shape.rank() >= x.rank(), "expand", "shape ", x.shape(), " has more axes than ", shape,
        ". Reshape or select first?");
  const int added = shape.rank() - x.rank();
  Shape target = shape;
  Strides strides(shape.rank(), 0);
  for (int i = 0; i < shape.rank(); ++i) {
    const std::int64_t size = i < added ? 1 : x.shape()[i - added];
    if (shape[i] == -1 && i >= added) target[i] = size;
    check(size == target[i] || size == 1, "expand", "shape ", x.shape(), " does not expand to ", shape, ": ",
          size, " against ", shape[i], " at axis ", i, ". Only axes of size 1 can grow; unsqueeze first?");
    if (i >= added && size == target[i]) strides[i] = x.strides()[i - added];
  }
  numel_of(target, "expand");
  return x.window(target, strides, 0);
}

Tensor squeeze(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "squeeze");
  check(x.shape()[along] == 1, "squeeze", "axis ", axis, " of shape ", x.shape(), " has size ",
        x.shape()[along], ", not 1. Use select or reshape?");
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(along);
  strides.erase(along);
  return x.window(shape, strides, 0);
}

Tensor unsqueeze(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank() + 1, "unsqueeze");
  Shape shape = x.shape();
  Strides strides = x.strides();
  strides.insert(along, along < x.rank() ? shape[along] * strides[along] : 1);
  shape.insert(along, 1);
  return x.window(shape, strides, 0);
}

}  // namespace gradus::views
