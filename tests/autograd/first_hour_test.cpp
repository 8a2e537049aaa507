// The rules a user meets in the first hour, as far as they need the tape or its ops; a rule stands in the
// name of its test. Those of core alone (undefined tensors, numbers of threads, exceptions from parallel
// loops, NumPy's negative indices) are in tests/core.
#include <array>
#include <thread>
#include <type_traits>
#include <vector>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

TEST_CASE("dtypes do not mix: f32 + f64 throws and says .to(f64)", "[op][error]") {
  const Tensor narrow = zeros({2}), wide = zeros({2}, f64), whole = zeros({2}, i64);
  CHECK(message_of([&] { return narrow + wide; }) ==
        "[add] dtypes do not mix: a is f32, b is f64. Convert one with .to(f64)?");
  CHECK(message_of([&] { return wide * narrow; }) ==
        "[mul] dtypes do not mix: a is f64, b is f32. Convert one with .to(f64)?");
  CHECK(message_of([&] { return narrow / whole; }) ==
        "[div] dtypes do not mix: a is f32, b is i64. Convert one with .to(f32)?");
  CHECK(message_of([&] { return whole == narrow; }) ==
        "[==] dtypes do not mix: a is i64, b is f32. Convert one with .to(f32)?");
  CHECK(message_of([] { return ones({2}, boolean) == ones({2}, i64); }) ==
        "[==] dtypes do not mix: a is boolean, b is i64. Convert one with .to(i64)?");
  CHECK((narrow.to(f64) + wide).dtype() == f64);
}

TEST_CASE("plain numbers take the tensor's dtype", "[op]") {
  for (const DType dtype : {f32, f64, i64}) {
    const Tensor x = full({2}, 3, dtype);
    for (const Tensor& y : {x + 1, x - 1, x * 2, x / 2, 1 + x, 1 - x, 2 * x, 6 / x})
      CHECK(y.dtype() == dtype);
    CHECK((x < 2).dtype() == boolean);
  }
  CHECK(equal(full({2}, 7, i64) / 2, full({2}, 3, i64)));
}

TEST_CASE("a plain number that the dtype cannot hold is refused", "[op][error]") {
  const Tensor ids = arange(3, i64);
  CHECK_THROWS_AS(ids + 0.5, Error);
  CHECK_THROWS_AS(ids * 1.5, Error);
  CHECK_THROWS_AS(0.5 - ids, Error);
  CHECK_THROWS_AS(ids / 0, Error);
  CHECK_THROWS_AS(ids == 0.5, Error);
  CHECK_THROWS_AS(ids < 0.5, Error);
  CHECK_THROWS_AS(masked_fill(ids, ids == 1, 0.5), Error);
  Tensor changed = ids.clone();
  CHECK_THROWS_AS(changed.add_(0.5), Error);
  CHECK_THROWS_AS(changed.mul_(0.5), Error);
  CHECK_THROWS_AS(changed.fill_(0.5), Error);
  CHECK(equal(changed, ids));
  CHECK(changed.version() == 0);
}

TEST_CASE("a += b rebinds a to a new tensor", "[op]") {
  Tensor a = tensor({1, 2});
  const Tensor before = a, view = a[0];
  a += tensor({10, 20});
  CHECK(equal(a, tensor({11, 22})));
  CHECK(equal(before, tensor({1, 2})));
  CHECK(view.item() == 1);
  a -= 1;
  a *= tensor({2, 2});
  a /= 4;
  CHECK(equal(a, tensor({5, 10.5})));
  CHECK(before.version() == 0);
}

TEST_CASE("a += b is recorded as a = a + b is", "[op][grad]") {
  Tensor x = tensor({1, 2}, f64);
  x.requires_grad_();
  Tensor y = x * 3.0;
  y += x;
  y *= y;
  sum(y).backward();
  CHECK(equal(x.grad(), tensor({32, 64}, f64)));  // d (4 x)^2 / dx
}

TEST_CASE("what changes memory ends in _ and is seen through every handle and view", "[op]") {
  Tensor a = tensor({{1, 2}, {3, 4}});
  const Tensor handle = a, row = a[1];
  a.add_(tensor({10, 20}));
  CHECK(equal(handle, tensor({{11, 22}, {13, 24}})));
  CHECK(equal(row, tensor({13, 24})));
  Tensor column = a.select(1, 0);
  column.zero_();
  CHECK(equal(a, tensor({{0, 22}, {0, 24}})));
  a.copy_(tensor({1, 2})).mul_(2).sub_(tensor({1, 1})).div_(tensor({1, 3}));
  CHECK(equal(handle, tensor({{1, 1}, {1, 1}})));
  // Each change counts at the tensor that has the memory.
  CHECK(a.version() == 6);
  CHECK(column.version() == 6);
}

TEST_CASE("a change in place that reads the memory it writes reads it as it was", "[op]") {
  Tensor a = tensor({{1, 2}, {3, 4}});
  a.add_(a.t());
  CHECK(equal(a, tensor({{2, 5}, {5, 8}})));
  Tensor line = arange(5);
  line.slice(0, 1, 5).copy_(line.slice(0, 0, 4));
  CHECK(equal(line, tensor({0, 0, 1, 2, 3})));
  line.mul_(line);
  CHECK(equal(line, tensor({0, 0, 1, 4, 9})));
}

TEST_CASE("a change in place is refused on a tensor that is being recorded", "[op][error]") {
  Tensor x = tensor({1, 2});
  x.requires_grad_();
  Tensor y = x * 2.0;
  const std::string text =
      "a tensor that the tape records cannot be changed in place; its shape is (2,). Write x = x + y, or "
      "wrap the change "
      "in no_grad?";
  CHECK(message_of([&] { x.add_(tensor({1, 1})); }) == "[add_] " + text);
  CHECK(message_of([&] { x.zero_(); }) == "[fill_] " + text);
  CHECK(message_of([&] { y.mul_(2); }) == "[mul_] " + text);
  CHECK(message_of([&] { y.copy_(tensor({1, 1})); }) == "[copy_] " + text);
  CHECK(message_of([&] { x[0].fill_(1); }).starts_with("[fill_] a tensor that the tape records"));
  CHECK(x.version() == 0);
  CHECK(y.version() == 0);
  no_grad([&] { x.add_(tensor({1, 1})); });
  CHECK(equal(x.detach(), tensor({2, 3})));
}

TEST_CASE("a change in place refuses operands that do not fit, and changes nothing", "[op][error]") {
  Tensor x = tensor({1, 2});
  CHECK(message_of([&] { x.add_(zeros({2}, f64)); }) ==
        "[add_] dtypes do not mix: x is f32, the operand is f64. Convert the operand with .to(f32)?");
  CHECK(message_of([&] {
          x.mul_(zeros({2, 2}));
        }) == "[mul_] an operand of shape (2, 2) does not expand to (2,). Reduce it first?");
  Tensor w = zeros({2});
  w.requires_grad_();
  CHECK(message_of([&] { x.add_(w); }) ==
        "[add_] the operand's gradient would be lost: the tape does not record changes in place. Write x = x "
        "+ y, or "
        "detach() it?");
  Tensor wide = x.unsqueeze(0).expand({3, 2});
  CHECK(message_of([&] { wide.fill_(1); }) ==
        "[fill_] an expanded tensor shows the same memory more than once; its shape is (3, 2). Change a "
        "clone() instead?");
  CHECK(equal(x, tensor({1, 2})));
  CHECK(x.version() == 0);
}

TEST_CASE("== compares element by element and gives booleans; equal(a, b) gives one bool", "[op]") {
  const Tensor a = tensor({1, 2, 3}), b = tensor({1, 5, 3});
  const Tensor same = a == b;
  CHECK(same.dtype() == boolean);
  CHECK(same.to_vector<bool>() == std::vector<bool>{true, false, true});
  CHECK((a != b).to_vector<bool>() == std::vector<bool>{false, true, false});
  CHECK((a == 2).to_vector<bool>() == std::vector<bool>{false, true, false});
  CHECK_FALSE(equal(a, b));
  CHECK(equal(a, tensor({1, 2, 3})));
}

TEST_CASE("x[2], x.slice(axis, from, to), negative axes and indices count from the end, as in NumPy",
          "[op]") {
  const Tensor x = arange(12).reshape({3, 4});
  CHECK(equal(x[2], tensor({8, 9, 10, 11})));
  CHECK(equal(x[-1], x[2]));
  CHECK(x[1][-2].item() == 6);
  CHECK(equal(x.slice(-1, 1, 3), tensor({{1, 2}, {5, 6}, {9, 10}})));
  CHECK(equal(x.slice(0, -2, 100), x.slice(0, 1, 3)));
  CHECK(equal(x.select(-1, -1), tensor({3, 7, 11})));
  CHECK(message_of([&] { x[3]; }) ==
        "[select] index 3 is out of range for axis 0 of size 3 in shape (3, 4). Valid indices run from -3 to "
        "2.");
}

TEST_CASE("x[0] = y, which would change nothing, does not compile; x[0].copy_(y) writes", "[op]") {
  static_assert(std::is_assignable_v<Tensor&, Tensor> && std::is_assignable_v<Tensor&, const Tensor&>);
  static_assert(!std::is_assignable_v<Tensor, Tensor> && !std::is_assignable_v<Tensor, const Tensor&>);
  const Tensor x = zeros({2, 2});
  x[0].copy_(ones({2}));
  CHECK(equal(x, tensor({{1, 1}, {0, 0}})));
}

TEST_CASE("a default-made tensor is undefined; every op and method that uses it says so", "[op][error]") {
  const std::string text =
      "[tensor] this tensor is undefined: made by Tensor() and never assigned, or the grad() of a leaf that "
      "no "
      "backward has reached. Make it with zeros, or call backward first?";
  const Tensor nothing, x = zeros({2});
  Tensor changed;
  CHECK(message_of([&] { return nothing + x; }) == text);
  CHECK(message_of([&] { return x * nothing; }) == text);
  CHECK(message_of([&] { exp(nothing); }) == text);
  CHECK(message_of([&] { sum(nothing); }) == text);
  CHECK(message_of([&] { return nothing == x; }) == text);
  CHECK(message_of([&] { nothing.reshape({1}); }) == text);
  CHECK(message_of([&] { nothing.t(); }) == text);
  CHECK(message_of([&] { zeros({2}).requires_grad_().grad() + x; }) == text);
  CHECK(message_of([&] { nothing.detach(); }) == text);
  CHECK(message_of([&] { nothing.clone(); }) == text);
  CHECK(message_of([&] { nothing.backward(); }) == text);
  CHECK(message_of([&] { nothing.grad(); }) == text);
  CHECK(message_of([&] { changed.requires_grad_(); }) == text);
  CHECK(message_of([&] { changed.zero_(); }) == text);
  CHECK(message_of([&] { changed += x; }) == text);
  CHECK_FALSE(changed.defined());
}

TEST_CASE("user threads may run separate graphs at once and share read-only parameters", "[grad][threads]") {
  Tensor w = linspace(-1, 1, 64, f64).reshape({8, 8});
  w.requires_grad_();
  const auto step = [&w](std::uint64_t seed) {
    Generator generator(seed);
    const Tensor x = randn({5, 8}, f64, generator).unsqueeze(-1);
    return grad({sum(square(tanh(w * x)))}, {w})[0];
  };
  std::vector<Tensor> alone;
  for (std::uint64_t seed = 0; seed < 4; ++seed) alone.push_back(step(seed));
  std::array<Tensor, 4> together;
  std::vector<std::thread> users;
  for (std::uint64_t seed = 0; seed < 4; ++seed)
    users.emplace_back([&, seed] {
      for (int repeat = 0; repeat < 20; ++repeat) together[seed] = step(seed);
    });
  for (std::thread& user : users) user.join();
  for (std::size_t i = 0; i < 4; ++i) CHECK(equal(together[i], alone[i]));
}

TEST_CASE("no_grad in one thread does not stop another from recording", "[grad][threads]") {
  Tensor x = zeros({2});
  x.requires_grad_();
  const GradMode off(false);
  bool recorded = false;
  std::thread([&] { recorded = (x * 2.0).requires_grad(); }).join();
  CHECK(recorded);
  CHECK_FALSE((x * 2.0).requires_grad());
}
