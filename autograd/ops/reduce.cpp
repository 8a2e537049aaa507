#include <gradus/autograd/ops/reduce.h>

#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/reduce.h>

namespace gradus {
namespace {

// How a reduction groups the elements of x: those that differ only along `axes` become one.
struct Grouping {
  Shape axes, from;  // the reduced axes in order; the shape of x
  Dims dims;

  Grouping(const Tensor& x, const Axes& asked, Dims dims, const char* op)
      : axes(asked.normalised(x.rank(), op)), from(x.shape()), dims(dims) {}

  bool keep() const { return dims == Dims::keep; }
  // The elements in a group.
  std::int64_t count() const {
    std::int64_t product = 1;
    for (const std::int64_t axis : axes) product *= from[static_cast<int>(axis)];
    return product;
  }
  void check_not_empty(const char* op) const {
    check(count() > 0, op, "needs at least one element, but shape ", from, " has none along the axes ", axes,
          ". Skip empty batches?");
  }
  // Something of the result's shape, seen at each element of x.
  Tensor spread(const Tensor& y) const {
    if (keep() || y.rank() == 0) return y.expand(from);
    Shape kept = from;
    for (const std::int64_t axis : axes) kept[static_cast<int>(axis)] = 1;
    return y.reshape(kept).expand(from);
  }
};

OpInfo cost(const char* name, const Tensor& x, double each = 1) {
  return {name, each * static_cast<double>(x.numel())};
}

// The elements equal to their group's extreme y share its gradient.
template <class Kernel>
Tensor extreme(const char* op, const Tensor& x, const Axes& axes, Dims dims, Kernel kernel) {
  const Grouping groups(x, axes, dims, op);
  groups.check_not_empty(op);
  const Tensor y = kernel(x, groups.axes, groups.keep());
  return record(cost(op, x), y, inputs(x), saves(x, y),
                [groups](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& y) {
                  const Tensor ties = (x == groups.spread(y)).to(dy.dtype());
                  back.give(0, groups.spread(dy / sum(ties, groups.axes, groups.dims)) * ties);
                });
}

void check_boolean(const Tensor& x, const char* op) {
  check(x.dtype() == boolean, op, "needs booleans, not ", x.dtype(), ". Compare, as in x != 0?");
}

template <class Kernel>
Tensor place(const char* op, const Tensor& x, std::int64_t axis, Dims dims, Kernel kernel) {
  check(x.rank() > 0, op, "a tensor of shape () has no axis. Leave the axis out?");
  const int along = normalised_axis(axis, x.rank(), op);
  Grouping(x, axis, dims, op).check_not_empty(op);
  return kernel(x, along, dims == Dims::keep);
}

}  // namespace

Shape Axes::normalised(int rank, const char* op) const {
  Shape axes;
  if (all_) {
    for (int axis = 0; axis < rank; ++axis) axes.push_back(axis);
    return axes;
  }
  unsigned named = 0;
  for (const std::int64_t axis : listed_) {
    const unsigned bit = 1u << normalised_axis(axis, rank, op);
    check((named & bit) == 0, op, "axis ", axis, " stands twice in ", listed_, ". Each axis once?");
    named |= bit;
  }
  for (int axis = 0; axis < rank; ++axis)
    if (named >> axis & 1) axes.push_back(axis);
  return axes;
}

Tensor sum(const Tensor& x, const Axes& axes, Dims dims) {
  const Grouping groups(x, axes, dims, "sum");
  return record(cost("sum", x), kernels::sum(x, groups.axes, groups.keep()), inputs(x), saves(),
                [groups](Backward& back, const Tensor& dy) { back.give(0, groups.spread(dy)); });
}

Tensor mean(const Tensor& x, const Axes& axes, Dims dims) {
  const Grouping groups(x, axes, dims, "mean");
  groups.check_not_empty("mean");
  return record(cost("mean", x), kernels::mean(x, groups.axes, groups.keep()), inputs(x), saves(),
                [groups](Backward& back, const Tensor& dy) {
                  back.give(0, groups.spread(dy / static_cast<double>(groups.count())));
                });
}

Tensor definition::var(const Tensor& x, const Axes& axes, Dims dims, int correction) {
  const double count = static_cast<double>(Grouping(x, axes, dims, "var").count());
  return sum(square(x - mean(x, axes, keep_dims)), axes, dims) / (count - correction);
}

Tensor var(const Tensor& x, const Axes& axes, Dims dims, int correction) {
  const Grouping groups(x, axes, dims, "var");
  check(correction == 0 || correction == 1, "var", "the correction must be 0 or 1, not ", correction,
        ". 1 for a sample's unbiased variance?");
  check(groups.count() > correction, "var", "needs more than ", correction, " elements, but shape ",
        groups.from, " has ", groups.count(), " along the axes ", groups.axes,
        ". Another axis, or correction 0?");
  const double divisor = static_cast<double>(groups.count() - correction);
  return record(cost("var", x, 4), kernels::var(x, groups.axes, correction, groups.keep()), inputs(x),
                saves(x), [groups, divisor](Backward& back, const Tensor& dy, const Tensor& x) {
                  // The mean's own part in the gradient vanishes: the centred elements sum to zero.
                  const Tensor centred = x - mean(x, groups.axes, keep_dims);
                  back.give(0, centred * groups.spread(dy * (2 / divisor)));
                });
}

namespace {

// x: (..., n) -> (...)
Tensor product_by_halves(const Tensor& x) {
  const std::int64_t n = x.size(-1), half = n / 2;
  if (n == 1) return x.select(-1, 0);
  const Tensor y = product_by_halves(x.slice(-1, 0, half) * x.slice(-1, half, 2 * half));
  return n % 2 == 0 ? y : y * x.select(-1, n - 1);
}

}  // namespace

// A product of products of two. Nothing is divided, so that every
// derivative is right where elements are zero.
Tensor definition::prod(const Tensor& x, const Axes& axes, Dims dims) {
  const Grouping groups(x, axes, dims, "prod");
  const Shape shape = kernels::reduced_shape(x, groups.axes, groups.keep());
  if (groups.count() == 0) return kernels::full(shape, 1, x.dtype());
  Shape grouped = kernels::reduced_shape(x, groups.axes);
  grouped.push_back(groups.count());
  return product_by_halves(x.permute(kernels::moved_last(x.rank(), groups.axes)).reshape(grouped))
      .reshape(shape);
}

Tensor prod(const Tensor& x, const Axes& axes, Dims dims) {
  const Grouping groups(x, axes, dims, "prod");
  return record(
      cost("prod", x), kernels::prod(x, groups.axes, groups.keep()), inputs(x), saves(x),
      [groups](Backward& back, const Tensor& dy, const Tensor& x) {
        back.give(0, kernels::prod_grad(dy, x, groups.axes));
      },
      [groups](const Tensor& x) { return definition::prod(x, groups.axes, groups.dims); });
}

Tensor max(const Tensor& x, const Axes& axes, Dims dims) {
  return extreme("max", x, axes, dims, kernels::max);
}
Tensor min(const Tensor& x, const Axes& axes, Dims dims) {
  return extreme("min", x, axes, dims, kernels::min);
}

Tensor argmax(const Tensor& x) { return argmax(x.reshape({-1}), 0); }
Tensor argmin(const Tensor& x) { return argmin(x.reshape({-1}), 0); }
Tensor argmax(const Tensor& x, std::int64_t axis, Dims dims) {
  return place("argmax", x, axis, dims, kernels::argmax);
}
Tensor argmin(const Tensor& x, std::int64_t axis, Dims dims) {
  return place("argmin", x, axis, dims, kernels::argmin);
}

Tensor any(const Tensor& x, const Axes& axes, Dims dims) {
  check_boolean(x, "any");
  const Grouping groups(x, axes, dims, "any");
  return kernels::any(x, groups.axes, groups.keep());
}

Tensor all(const Tensor& x, const Axes& axes, Dims dims) {
  check_boolean(x, "all");
  const Grouping groups(x, axes, dims, "all");
  return kernels::all(x, groups.axes, groups.keep());
}

Tensor cumsum(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "cumsum");
  return record("cumsum", kernels::cumsum(x, along), inputs(x), saves(),
                [along](Backward& back, const Tensor& dy) { back.give(0, cumsum_reversed(dy, along)); });
}

Tensor cumsum_reversed(const Tensor& x, std::int64_t axis) {
  const int along = normalised_axis(axis, x.rank(), "cumsum_reversed");
  return record("cumsum_reversed", kernels::cumsum(x, along, true), inputs(x), saves(),
                [along](Backward& back, const Tensor& dy) { back.give(0, cumsum(dy, along)); });
}

Tensor definition::logsumexp(const Tensor& x, const Axes& axes, Dims dims) {
  return log(sum(exp(x), axes, dims));
}

Tensor logsumexp(const Tensor& x, const Axes& axes, Dims dims) {
  const Grouping groups(x, axes, dims, "logsumexp");
  const Tensor y = kernels::logsumexp(x, groups.axes, groups.keep());
  return record(cost("logsumexp", x, 3), y, inputs(x), saves(x, y),
                [groups](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& y) {
                  // dx = dy * exp(x - y). Where y is -infinity, so is x, and x - y would be NaN.
                  const Tensor finite = masked_fill(y, y == -std::numeric_limits<double>::infinity(), 0);
                  back.give(0, groups.spread(dy) * exp(x - groups.spread(finite)));
                });
}

}  // namespace gradus
