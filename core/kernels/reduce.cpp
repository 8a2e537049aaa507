#include <gradus/core/kernels/reduce.h>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/view.h>

namespace gradus::kernels {

Tensor sum(const Tensor& x, const Shape& axes, bool keep) {
  Shape order, dropped, kept = x.shape();
  std::int64_t length = 1;
  const auto is_reduced = [&](int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  for (int i = 0; i < x.rank(); ++i)
    if (!is_reduced(i)) order.push_back(i), dropped.push_back(x.shape()[i]);
  for (int i = 0; i < x.rank(); ++i)
    if (is_reduced(i)) order.push_back(i), length *= x.shape()[i], kept[i] = 1;
  const Tensor rows = contiguous(views::permute(x, order));
  Tensor out = Tensor::empty(keep ? kept : dropped, x.dtype());
  dispatch_numeric(x.dtype(), "sum", [&]<class T>() {
    using Total = std::conditional_t<std::is_same_v<T, float>, double, T>;
    for (std::int64_t i = 0; i < out.numel(); ++i) {
      Total total = 0;
      for (std::int64_t j = 0; j < length; ++j) total += rows.data<T>()[i * length + j];
      out.data<T>()[i] = static_cast<T>(total);
    }
  });
  return out;
}

}  // namespace gradus::kernels
