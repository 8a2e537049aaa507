#include <gradus/core/create.h>

#include <algorithm>
#include <cmath>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/random.h>

namespace gradus {
namespace {

void check_makes(DType dtype, const char* op) {
  check(is_floating(dtype), op, "makes f32 or f64 elements, not ", dtype, ". Convert with .to(", dtype,
        ") after?");
}

void check_probability(double probability, const char* op) {
  check(probability >= 0 && probability <= 1, op, "a probability lies between 0 and 1; this one is ",
        probability, ". Divide it by what is the whole?");
}

RandomState place_for(const Tensor& out, Generator& generator) {
  return generator.reserve(kernels::random_blocks(out.numel(), out.dtype()));
}

// out[i] = f(i)
template <class F>
void fill_by_index(const Tensor& out, const F& f) {
  dispatch_numeric(out.dtype(), "arange", [&]<class T>() {
    T* const to = out.data<T>();
    parallel_for(out.numel(), kernels::cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) to[i] = static_cast<T>(f(i));
    });
  });
}

// Where in a nested list something is: [1][0], or "the list" for all of it.
struct Place {
  Shape path;
  friend std::ostream& operator<<(std::ostream& out, const Place& place) {
    if (place.path.rank() == 0) return out << "the list";
    out << "entry ";
    for (const std::int64_t index : place.path) out << '[' << index << ']';
    return out;
  }
};

// The shape that the first entries of all depths ask for.
Shape shape_of(const NestedList& values) {
  Shape shape;
  for (const NestedList* list = &values; list->is_list(); list = list->entries().begin()) {
    shape.push_back(static_cast<std::int64_t>(list->entries().size()));
    if (list->entries().size() == 0) break;
  }
  return shape;
}

void check_shape(const NestedList& values, const Shape& shape, Place& place) {
  const int depth = place.path.rank();
  if (depth == shape.rank()) {
    check(!values.is_list(), "tensor", "the list is ragged: ", place,
          " is a list where the first entry is a number.", " Make all entries equally deep?");
    return;
  }
  check(values.is_list(), "tensor", "the list is ragged: ", place,
        " is a number where the first entry is a list of ", shape[depth], ". Make all entries equally deep?");
  const auto count = static_cast<std::int64_t>(values.entries().size());
  check(count == shape[depth], "tensor", "the list is ragged: ", place, " has length ", count,
        ", the first of its depth has length ", shape[depth], ". Make all lists of a depth equally long?");
  place.path.push_back(0);
  for (const NestedList& entry : values.entries()) {
    check_shape(entry, shape, place);
    ++place.path[depth];
  }
  place.path.erase(depth);
}

template <class T>
void write(const NestedList& values, T*& to) {
  if (!values.is_list()) *to++ = values.number<T>();
  for (const NestedList& entry : values.entries()) write(entry, to);
}

}  // namespace

Tensor zeros(const Shape& shape, DType dtype) { return kernels::full(shape, 0, dtype, "zeros"); }
Tensor ones(const Shape& shape, DType dtype) { return kernels::full(shape, 1, dtype, "ones"); }
Tensor full(const Shape& shape, double number, DType dtype) {
  return kernels::full(shape, number, dtype, "full");
}
Tensor zeros_like(const Tensor& x) { return kernels::full(x.shape(), 0, x.dtype(), "zeros_like"); }
Tensor ones_like(const Tensor& x) { return kernels::full(x.shape(), 1, x.dtype(), "ones_like"); }
Tensor full_like(const Tensor& x, double number) {
  return kernels::full(x.shape(), number, x.dtype(), "full_like");
}

Tensor arange(double to, DType dtype) { return arange(0, to, 1, dtype); }

Tensor arange(double from, double to, double step, DType dtype) {
  check(step != 0, "arange", "the step from ", from, " to ", to, " is 0. Name another, or use full?");
  const double count = std::max(0.0, std::ceil((to - from) / step));
  check(std::isfinite(from) && std::isfinite(step) && count < 0x1p62, "arange", "from ", from, " to ", to,
        " in steps of ", step, " there is no end. Use finite numbers?");
  check_holds(dtype, from, "arange");
  check_holds(dtype, step, "arange");
  const Tensor out = Tensor::empty({static_cast<std::int64_t>(count)}, dtype, "arange");
  fill_by_index(out, [=](std::int64_t i) { return from + static_cast<double>(i) * step; });
  return out;
}

Tensor linspace(double from, double to, std::int64_t count, DType dtype) {
  check_makes(dtype, "linspace");
  const Tensor out = Tensor::empty({count}, dtype, "linspace");
  const double step = count > 1 ? (to - from) / static_cast<double>(count - 1) : 0;
  fill_by_index(out, [=](std::int64_t i) {
    return i > 0 && i == count - 1 ? to : from + static_cast<double>(i) * step;  // the end itself, not nearly
  });
  return out;
}

Tensor eye(std::int64_t rows, DType dtype) { return eye(rows, rows, dtype); }

Tensor eye(std::int64_t rows, std::int64_t columns, DType dtype) {
  Tensor out = kernels::full({rows, columns}, 0, dtype, "eye");
  const std::int64_t ones = std::min(rows, columns);
  if (ones > 0) kernels::fill(out.window({ones}, {columns + 1}, 0), 1);
  return out;
}

Tensor rand(const Shape& shape, DType dtype, Generator& generator) {
  check_makes(dtype, "rand");
  Tensor out = Tensor::empty(shape, dtype, "rand");
  kernels::fill_uniform(out, place_for(out, generator));
  return out;
}

Tensor randn(const Shape& shape, DType dtype, Generator& generator) {
  check_makes(dtype, "randn");
  Tensor out = Tensor::empty(shape, dtype, "randn");
  kernels::fill_normal(out, place_for(out, generator));
  return out;
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator) {
  check(low < high, "randint", "there is no whole number from ", low, " to below ", high,
        ". Swap the limits?");
  Tensor out = Tensor::empty(shape, i64, "randint");
  kernels::fill_integers(out, low, high, place_for(out, generator));
  return out;
}

Tensor randperm(std::int64_t n, Generator& generator) {
  Tensor out = Tensor::empty({n}, i64, "randperm");
  kernels::fill_permutation(out, place_for(out, generator));
  return out;
}

Tensor bernoulli(double probability, const Shape& shape, Generator& generator) {
  check_probability(probability, "bernoulli");
  Tensor out = Tensor::empty(shape, boolean, "bernoulli");
  kernels::fill_bernoulli(out, probability, place_for(out, generator));
  return out;
}

Tensor bernoulli(double probability, const Shape& shape, const RandomState& from) {
  check_probability(probability, "bernoulli");
  Tensor out = Tensor::empty(shape, boolean, "bernoulli");
  kernels::fill_bernoulli(out, probability, from);
  return out;
}

template <class T>
Tensor from_vector(const std::vector<T>& values, const Shape& shape) {
  check(static_cast<std::int64_t>(values.size()) == numel_of(shape, "from_vector"), "from_vector", "got ",
        values.size(), " values for shape ", shape, ", which has ", numel_of(shape, "from_vector"),
        " elements. Another shape?");
  Tensor out = Tensor::empty(shape, dtype_of<T>(), "from_vector");
  std::copy(values.begin(), values.end(), out.data<T>());
  return out;
}
template Tensor from_vector(const std::vector<float>&, const Shape&);
template Tensor from_vector(const std::vector<double>&, const Shape&);
template Tensor from_vector(const std::vector<std::int64_t>&, const Shape&);
template Tensor from_vector(const std::vector<bool>&, const Shape&);

template <class T>
T NestedList::number() const {
  if (kind_ == Kind::fraction) {
    check_holds(dtype_of<T>(), fraction_, "tensor");
    return static_cast<T>(fraction_);
  }
  if constexpr (dtype_of<T>() == boolean) check_holds(boolean, static_cast<double>(whole_), "tensor");
  return static_cast<T>(whole_);
}

Tensor tensor(const NestedList& values, DType dtype) {
  const Shape shape = shape_of(values);
  Place place;
  check_shape(values, shape, place);
  Tensor out = Tensor::empty(shape, dtype, "tensor");
  dispatch_all(dtype, [&]<class T>() {
    T* to = out.data<T>();
    write(values, to);
  });
  return out;
}

}  // namespace gradus
