#include <gradus/core/tensor.h>

#include <array>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/view.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

std::uint32_t handles(const Tensor& x) { return x.block().handles; }
std::uint32_t holders(const Tensor& x) { return x.block().holders; }

// Bytes in use now; what a test made must be gone again at its end.
std::int64_t in_use() { return memory_stats().bytes_in_use; }

}  // namespace

TEST_CASE("copying a tensor shares its elements and counts a handle", "[tensor]") {
  const std::int64_t before = in_use();
  {
    Tensor x = zeros({3});
    CHECK(handles(x) == 1);
    CHECK(x.is_sole_owner());
    const Tensor y = x;
    CHECK(handles(x) == 2);
    CHECK(holders(x) == 1);
    CHECK(y.shares_handle_with(x));
    CHECK_FALSE(x.is_sole_owner());
    x.data<float>()[1] = 5;
    CHECK(y.to_vector<float>() == std::vector<float>{0, 5, 0});
    x = Tensor();
    CHECK(handles(y) == 1);
    CHECK_FALSE(x.defined());
  }
  CHECK(in_use() == before);
}

TEST_CASE("moving a tensor leaves an undefined one and counts nothing", "[tensor]") {
  Tensor x = ones({2});
  const void* const memory = x.data<float>();
  Tensor y = std::move(x);
  CHECK(handles(y) == 1);
  CHECK(y.data<float>() == memory);
  Tensor z;
  z = std::move(y);
  CHECK(handles(z) == 1);
  z = static_cast<Tensor&>(z);  // to itself
  CHECK(handles(z) == 1);
  CHECK(z.to_vector<float>() == std::vector<float>{1, 1});
}

TEST_CASE("a view keeps the memory alive, and it is freed once", "[tensor][view]") {
  const std::int64_t before = in_use();
  Tensor last;
  {
    Tensor x = arange(1000000);
    CHECK(holders(x) == 1);
    const Tensor row = views::slice(views::reshape(x, {1000, 1000}), 0, 999, 1000);
    CHECK(holders(x) == 2);  // the reshaped one is gone again, and what it showed belongs to x
    CHECK(row.block().owner == &x.block());
    last = views::select(row, 1, -1);
    CHECK(holders(x) == 3);
    CHECK(handles(x) == 1);
    CHECK_FALSE(x.is_sole_owner());
    CHECK_FALSE(row.is_sole_owner());
  }
  CHECK(in_use() > before + 4000000);
  CHECK_FALSE(last.is_sole_owner());  // of a part of them
  CHECK(last.to_vector<float>() == std::vector<float>{999999});
  last = Tensor();
  CHECK(in_use() == before);
}

TEST_CASE("a view of all that a tensor had is its elements' sole owner once that is gone", "[tensor][view]") {
  Tensor x = arange(6);
  Tensor y = views::reshape(x, {2, 3});
  CHECK_FALSE(y.is_sole_owner());
  x = Tensor();
  CHECK(y.is_sole_owner());
  const Tensor z = views::reshape(y, {3, 2});
  CHECK_FALSE(y.is_sole_owner());
  CHECK_FALSE(z.is_sole_owner());
  y = Tensor();
  CHECK(z.is_sole_owner());
}

TEST_CASE("a default-made tensor is undefined, and using it says so", "[tensor][error]") {
  const Tensor x;
  const std::string text =
      "[tensor] this tensor is undefined: made by Tensor() and never assigned, or the grad() of a leaf that "
      "no "
      "backward has reached. Make it with zeros, or call backward first?";
  CHECK_FALSE(x.defined());
  CHECK(message_of([&] { x.shape(); }) == text);
  CHECK(message_of([&] { x.numel(); }) == text);
  CHECK(message_of([&] { x.item(); }) == text);
  CHECK(message_of([&] { x.data<float>(); }) == text);
  CHECK(message_of([&] { x.to_vector<float>(); }) == text);
  CHECK(message_of([&] { equal(x, zeros({1})); }) == text);
  CHECK(message_of([&] { equal(zeros({1}), x); }) == text);
  CHECK(message_of([&] { views::reshape(x, {1}); }) == text);
  CHECK(message_of([&] { views::expand(x, {1}); }) == text);
  CHECK(message_of([&] { zeros_like(x); }) == text);
  const Tensor copy = x;
  CHECK_FALSE(copy.defined());
}

TEST_CASE("a tensor tells its shape, size, dtype and bytes", "[tensor]") {
  const Tensor x = zeros({2, 3}, f64);
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.strides() == Strides{3, 1});
  CHECK(x.rank() == 2);
  CHECK(x.size(0) == 2);
  CHECK(x.size(-1) == 3);
  CHECK(x.numel() == 6);
  CHECK(x.dtype() == f64);
  CHECK(x.bytes() == 48);
  CHECK(x.is_contiguous());
  CHECK(x.version() == 0);
  CHECK(message_of([&] { x.size(2); }) ==
        "[size] axis 2 is out of range for 2 axes. Valid axes run from -2 to 1.");
}

TEST_CASE("item gives the only element of any dtype", "[tensor]") {
  CHECK(tensor(2.5).item() == 2.5);
  CHECK(tensor({{-3}}, i64).item() == -3);
  CHECK(tensor({true}, boolean).item() == 1);
  CHECK(views::select(arange(5, f64), 0, 3).item() == 3);
}

TEST_CASE("item refuses more or fewer elements than one", "[tensor][error]") {
  CHECK(message_of([] {
          zeros({2, 1}).item();
        }) ==
        "[item] needs exactly one element; shape (2, 1) has 2. Select one with x[i], or reduce with sum or "
        "mean?");
  CHECK(message_of([] { zeros({0}).item(); }) ==
        "[item] needs exactly one element; shape (0,) has 0. Select one with x[i], or reduce with sum or "
        "mean?");
}

TEST_CASE("elements go to vectors and back, row-major, whatever the strides", "[tensor]") {
  const std::vector<double> values{1, 2, 3, 4, 5, 6};
  const Tensor x = from_vector(values, {2, 3});
  CHECK(x.to_vector<double>() == values);
  CHECK(views::transpose(x, 0, 1).to_vector<double>() == std::vector<double>{1, 4, 2, 5, 3, 6});
  CHECK(views::expand(tensor({true, false}, boolean), {2, 2}).to_vector<bool>() ==
        std::vector<bool>{true, false, true, false});
  CHECK(zeros({0, 4}).to_vector<float>().empty());
}

TEST_CASE("asking for elements as another type is refused", "[tensor][error]") {
  CHECK(message_of([] { zeros({2}).data<double>(); }) ==
        "[data] elements are f32, asked for as f64. Convert with .to(f64)?");
  CHECK(message_of([] { zeros({2}, i64).to_vector<bool>(); }) ==
        "[data] elements are i64, asked for as boolean. Convert with .to(boolean)?");
}

TEST_CASE("equal gives one bool: same dtype, shape and elements", "[tensor]") {
  const Tensor x = tensor({{1, 2}, {3, 4}});
  CHECK(equal(x, tensor({{1, 2}, {3, 4}})));
  CHECK_FALSE(equal(x, tensor({{1, 2}, {3, 5}})));
  CHECK_FALSE(equal(x, tensor({1, 2, 3, 4})));
  CHECK_FALSE(equal(x, tensor({{1, 2}, {3, 4}}, f64)));
  CHECK(equal(views::transpose(x, 0, 1), tensor({{1, 3}, {2, 4}})));
  CHECK_FALSE(equal(tensor(not_a_number), tensor(not_a_number)));
  CHECK(equal(tensor(0.0), tensor(-0.0)));
  CHECK(equal(zeros({0}), zeros({0})));
  CHECK_FALSE(equal(zeros({0}), zeros({0, 1})));
}

TEST_CASE("allclose allows atol + rtol * |b|", "[tensor]") {
  const Tensor b = tensor({1.0, -100.0, 0.0}, f64);
  CHECK(allclose(tensor({1.000009, -100.0009, 9e-9}, f64), b));
  CHECK_FALSE(allclose(tensor({1.00002, -100.0, 0.0}, f64), b));
  CHECK_FALSE(allclose(tensor({1.0, -100.002, 0.0}, f64), b));
  CHECK_FALSE(allclose(tensor({1.0, -100.0, 2e-8}, f64), b));
  CHECK(allclose(tensor({2.0, -101.0, 1.0}, f64), b, 0, 1));
  CHECK(allclose(tensor({1, 2}, i64), tensor({1, 3}, i64), 0, 1));
}

TEST_CASE("to allclose, infinities are close to themselves alone and NaN to nothing", "[tensor]") {
  const Tensor x = tensor({infinity, -infinity}, f64);
  CHECK(allclose(x, x));
  CHECK_FALSE(allclose(x, tensor({infinity, infinity}, f64)));
  CHECK_FALSE(allclose(x, tensor({infinity, 0.0}, f64)));
  CHECK_FALSE(allclose(tensor({0.0, -infinity}, f64), x));
  CHECK_FALSE(allclose(tensor(not_a_number), tensor(not_a_number)));
}

TEST_CASE("allclose refuses different dtypes and shapes", "[tensor][error]") {
  CHECK(message_of([] { allclose(zeros({2}), zeros({2}, f64)); }) ==
        "[allclose] dtypes do not mix: a is f32, b is f64. Convert one with .to(f64)?");
  CHECK(message_of([] {
          allclose(zeros({2}), zeros({1, 2}));
        }) == "[allclose] shapes differ: a is (2,), b is (1, 2). Reshape or expand one?");
}

TEST_CASE("copies, conversions and fills take any strides", "[tensor]") {
  const Tensor x = views::transpose(views::reshape(arange(6), {2, 3}), 0, 1);
  const Tensor copy = kernels::clone(x);
  CHECK(copy.is_contiguous());
  CHECK(copy.block().owner != x.block().owner);
  CHECK(equal(copy, x));
  CHECK(kernels::contiguous(copy).shares_handle_with(copy));
  CHECK(kernels::cast(x, i64).to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 3, 1, 4, 2, 5});
  CHECK(kernels::cast(tensor({-1.75, 0.5}), i64).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{-1, 0});
  CHECK(kernels::cast(tensor({0.0, 0.25, not_a_number}), boolean).to_vector<bool>() ==
        std::vector<bool>{false, true, true});
  CHECK(kernels::cast(tensor({true, false}, boolean), f64).to_vector<double>() == std::vector<double>{1, 0});
  Tensor grid = zeros({3, 4}, i64);
  kernels::fill(views::slice(grid, 1, 0, 4, 2), 5);
  kernels::copy_into(views::select(grid, 0, 1), arange(4, i64));
  CHECK(equal(grid, tensor({{5, 0, 5, 0}, {0, 1, 2, 3}, {5, 0, 5, 0}}, i64)));
}

TEST_CASE("user threads may share read-only tensors and make their own at once", "[tensor][threads]") {
  const std::int64_t before = in_use();
  {
    const Tensor shared = views::reshape(arange(10000, f64), {100, 100});
    std::array<double, 8> sums{};
    std::vector<std::thread> users;
    for (double& sum : sums)
      users.emplace_back([&sum, &shared] {
        for (int repeat = 0; repeat < 200; ++repeat) {
          const Tensor handle = shared;
          const Tensor row = views::select(handle, 0, repeat % 100);
          const Tensor copy = kernels::clone(row);
          for (const double value : copy.to_vector<double>()) sum += value;
        }
      });
    for (std::thread& user : users) user.join();
    for (const double sum : sums) CHECK(sum == 2 * 49995000.0);
    CHECK(handles(shared) == 1);
    CHECK(shared.block().owner->holders == 1);  // the view; no handle of arange is left
  }
  CHECK(in_use() == before);
}
