// Copies between views whose neighbours lie along different axes, against plain indexing.
#include <algorithm>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/view.h>

#include "support/catch.h"

using namespace gradus;

namespace {

// Where element `number`, counted in row-major order, lies from the first.
std::int64_t place_of(std::int64_t number, const Shape& shape, const Strides& strides) {
  std::int64_t place = 0;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    place += number % shape[axis] * strides[axis];
    number /= shape[axis];
  }
  return place;
}

template <class T>
bool same_elements(const Tensor& a, const Tensor& b) {
  for (std::int64_t i = 0; i < a.numel(); ++i)
    if (a.data<T>()[place_of(i, a.shape(), a.strides())] != b.data<T>()[place_of(i, b.shape(), b.strides())])
      return false;
  return true;
}

// Different numbers, as far as the dtype tells them apart.
Tensor numbered(const Shape& shape, DType dtype) {
  const Tensor x = Tensor::empty(shape, dtype);
  dispatch_all(dtype, [&]<class T>() {
    for (std::int64_t i = 0; i < x.numel(); ++i)
      x.data<T>()[i] = static_cast<T>(dtype == boolean ? i % 7 < 3 : i);
  });
  return x;
}

void check_copies(const Tensor& view) {
  CAPTURE(view.shape(), view.strides(), view.dtype());
  dispatch_all(view.dtype(), [&]<class T>() {
    CHECK(same_elements<T>(kernels::clone(view), view));
    // From row-major memory into a target that is laid out like the view, and nothing between its elements is
    // touched.
    const std::int64_t reach = place_of(view.numel() - 1, view.shape(), view.strides()) + 1;
    const Tensor memory = kernels::full({reach}, 0, view.dtype());
    kernels::copy_into(memory.window(view.shape(), view.strides(), 0), kernels::clone(view));
    CHECK(same_elements<T>(memory.window(view.shape(), view.strides(), 0), view));
    const T* const all = memory.data<T>();
    CHECK(std::count(all, all + reach, T(0)) >= reach - view.numel());
  });
}

}  // namespace

TEST_CASE("a transposed matrix of any size is copied element by element", "[core][copy]") {
  for (const DType dtype : {f32, f64, i64, boolean})
    for (const std::int64_t rows : {1, 2, 15, 16, 17, 33, 130})
      for (const std::int64_t columns : {1, 3, 16, 31, 48, 129})
        check_copies(views::transpose(numbered({rows, columns}, dtype), 0, 1));
}

TEST_CASE("a transposed matrix of several blocks is copied element by element", "[core][copy]") {
  check_copies(views::transpose(numbered({300, 1100}, f32), 0, 1));
  check_copies(views::transpose(numbered({2050, 37}, f64), 0, 1));
}

TEST_CASE("every order of four axes, sliced or expanded, is copied element by element", "[core][copy]") {
  const Tensor whole = numbered({5, 18, 3, 21}, f32);
  Shape axes{0, 1, 2, 3};
  do {
    check_copies(views::permute(whole, axes));
    check_copies(views::permute(views::slice(views::slice(whole, 1, 1, 18), 3, 2, 20), axes));
    check_copies(views::permute(views::slice(whole, 3, 0, 21, 2), axes));
    const Tensor repeated = views::permute(views::expand(views::slice(whole, 2, 1, 2), {5, 18, 4, 21}), axes);
    CHECK(same_elements<float>(kernels::clone(repeated), repeated));
  } while (std::next_permutation(axes.begin(), axes.end()));
}
