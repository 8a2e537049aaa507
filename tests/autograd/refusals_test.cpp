// What the tape refuses, in which words, and that nothing is lost or leaked when it does.
#include <gradus/autograd/engine.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor leaf(const Shape& shape, double value = 1) { return full(shape, value, f64).requires_grad_(); }

std::int64_t in_use() { return memory_stats().bytes_in_use; }

// y = x, with a rule that gives back what it is told to.
Tensor identity_with_rule(const Tensor& x, Tensor (*gradient)(const Tensor&)) {
  return record("wrong", x.detach().clone(), inputs(x), saves(),
                [gradient](Backward& back, const Tensor& dy) { back.give(0, gradient(dy)); });
}

}  // namespace

TEST_CASE("an op that records what is on the tape already is refused, and nothing leaks", "[grad][error]") {
  const std::int64_t before = in_use();
  {
    const Tensor x = leaf({2});
    const auto rule = [](Backward& back, const Tensor& dy) { back.give(0, dy); };
    CHECK(message_of([&] { record("mine", x * x, inputs(x), saves(), rule); }) ==
          "[mine] its output is on the tape already, as the output of 'mul'. Compute it under no_grad, or "
          "detach() "
          "it?");
    CHECK(message_of([&] {
            record("mine", std::array{x.detach(), x}, inputs(x), saves(), rule);
          }) ==
          "[mine] its output is on the tape already, as the output of 'leaf'. Compute it under no_grad, or "
          "detach() it?");
    CHECK(x.is_leaf());
  }
  CHECK(in_use() == before);
}

TEST_CASE("a second backward through a freed graph is refused, with retain_graph allowed", "[grad][error]") {
  const Tensor x = leaf({2});
  const Tensor once = sum(x * x);
  once.backward();
  CHECK(message_of([&] { once.backward(); }) ==
        "[backward] the graph behind 'sum' was freed by an earlier backward pass. Pass retain_graph = true "
        "to the "
        "first?");
  const Tensor twice = sum(x * x);
  twice.backward(true);
  twice.backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{6, 6});
}

TEST_CASE("backward refuses what has no single number or no history", "[grad][error]") {
  const Tensor x = leaf({2, 3});
  CHECK(message_of([&] { (x * x).backward(); }) ==
        "[backward] needs a single number to start from; the output has shape (2, 3). Reduce it with sum or "
        "mean, or "
        "pass a gradient of that shape?");
  CHECK(message_of([&] { (x * x).backward(ones({3}, f64)); }) ==
        "[backward] the gradient has shape (3,) and f64, the output (2, 3) and f64. Make them the same?");
  CHECK(message_of([&] { ones({1}).backward(); }) ==
        "[backward] the output of shape (1,) has no history: nothing it was computed from asked for a "
        "gradient. Call requires_grad_() on an input before computing it?");
  CHECK(message_of([&] { grad({sum(x)}, {ones({2})}); }) ==
        "[grad] input 0 of shape (2,) does not ask for a gradient. Call requires_grad_() on it before "
        "computing the "
        "outputs?");
  CHECK(
      message_of([&] { grad({sum(x)}, {leaf({2})}); }) ==
      "[grad] input 0 of shape (2,) has no part in the outputs. Pass allow_unused = true to get an undefined "
      "gradient?");
  CHECK_FALSE(grad({sum(x)}, {leaf({2})}, {}, {.allow_unused = true})[0].defined());
}

TEST_CASE("an integer tensor asked for a gradient refuses", "[grad][error]") {
  CHECK(
      message_of([] { full({2}, 1, i64).requires_grad_(); }) ==
      "[requires_grad_] only f32 and f64 tensors have gradients; this one holds i64. Convert with .to(f32)?");
}

TEST_CASE("a gradient of the wrong shape or dtype is refused by the op's name", "[grad][error]") {
  const Tensor x = leaf({2, 3});
  CHECK(message_of([&] { sum(identity_with_rule(x, [](const Tensor& dy) { return dy.t(); })).backward(); }) ==
        "[wrong] the rule gave input 0 of shape (2, 3) and f64 a gradient of shape (3, 2) and f64. Is its "
        "rule right?");
  CHECK(message_of(
            [&] { sum(identity_with_rule(x, [](const Tensor& dy) { return dy.to(f32); })).backward(); }) ==
        "[wrong] the rule gave input 0 of shape (2, 3) and f64 a gradient of shape (2, 3) and f32. Is its "
        "rule right?");
}

TEST_CASE("a change in place of a saved tensor is refused with op and both versions", "[grad][error]") {
  const Tensor x = leaf({2}), mask = ones({2}, f64);
  const Tensor y = sum(x * mask);
  Tensor(mask).fill_(3);
  CHECK(message_of([&] { y.backward(); }) ==
        "[mul] a tensor of shape (2,) that was saved for the backward pass has been changed in place: it was "
        "at version "
        "0, now it is at 1. Change a clone() instead?");
  // Through a view as well, and for an output that its own op saved.
  const Tensor e = exp(x);
  no_grad([&] { e.detach()[0].zero_().add_(1); });
  CHECK(message_of([&] { sum(e).backward(); }) ==
        "[exp] a tensor of shape (2,) that was saved for the backward pass has been changed in place: it was "
        "at "
        "version 0, now it is at 2. Change a clone() instead?");
  CHECK_FALSE(x.grad().defined());
  CHECK(equal(x.detach(), ones({2}, f64)));
}

TEST_CASE("a change in place is caught where a definition would read it for a second derivative",
          "[grad][error]") {
  const Tensor x = leaf({3});
  const Tensor y = silu(x);
  no_grad([&] { Tensor(x).fill_(2); });
  CHECK(
      message_of([&] {
        grad({sum(y)}, {x}, {}, {.create_graph = true});
      }).starts_with("[silu] a tensor of shape (3,) that was saved for the backward pass has been changed"));
}

TEST_CASE("refused passes leak nothing and leave tensors and their gradients as they were", "[grad][error]") {
  const Tensor x = leaf({2, 3}, 3), mask = ones({2, 3}, f64);
  sum(x * x).backward();
  const std::int64_t before = in_use();
  CHECK_THROWS_AS((x * x).backward(), Error);
  CHECK_THROWS_AS((x * x).backward(ones({3}, f64)), Error);
  CHECK_THROWS_AS(grad({sum(x)}, {mask}), Error);
  CHECK_THROWS_AS(grad({sum(x * x)}, {x}, {Tensor(), Tensor()}), Error);
  CHECK_THROWS_AS(full({2}, 1, i64).requires_grad_(), Error);
  {
    const Tensor y = sum(exp(x) * mask);
    Tensor(mask).fill_(1);
    CHECK_THROWS_AS(y.backward(), Error);
  }
  CHECK_THROWS_AS(sum(identity_with_rule(x * 2.0, [](const Tensor& dy) { return dy.t(); })).backward(),
                  Error);
  CHECK(in_use() == before);
  CHECK(equal(x.detach(), full({2, 3}, 3, f64)));
  CHECK(equal(x.grad(), full({2, 3}, 6, f64)));
  CHECK(x.version() == 0);
}

TEST_CASE("an op that finds no memory leaves its inputs, the tape and the bytes in use as they were",
          "[grad][error]") {
  const Tensor x = leaf({1}, 3), y = x * 2.0;
  const Tensor wide = y.expand({std::int64_t{1} << 43});
  const std::int64_t before = in_use();
  for (int repeat = 0; repeat < 3; ++repeat) {
    CHECK_THROWS_AS(wide + 1.0, OutOfMemory);
    CHECK_THROWS_AS(tanh(wide), OutOfMemory);
    CHECK_THROWS_AS(wide * wide, OutOfMemory);
    CHECK_THROWS_AS(cumsum(wide, 0), OutOfMemory);
    CHECK_THROWS_AS(wide.contiguous(), OutOfMemory);
    CHECK_THROWS_AS(no_grad([&] { Tensor(x).copy_(wide); }), Error);
  }
  CHECK(in_use() == before);
  CHECK(x.version() == 0);
  sum(y).backward();
  CHECK(x.grad().item() == 2);
}

TEST_CASE("a size overflow of 2^33 x 2^33 is refused by the op it would come from", "[op][error]") {
  constexpr std::int64_t large = std::int64_t{1} << 33;
  const Tensor row = zeros({1}, f64).expand({large}), column = zeros({1, 1}, f64).expand({large, 1});
  const std::int64_t before = in_use();
  const std::string shape = "shape (8589934592, 8589934592) spans more than 2^63 elements. Split the work?";
  CHECK(message_of([&] { return row + column; }) == "[add] " + shape);
  CHECK(message_of([&] { return column < row; }) == "[<] " + shape);
  CHECK(message_of([&] { zeros({1}, f64).expand({large, large}); }) == "[expand] " + shape);
  CHECK(message_of([&] { matmul(column, row.unsqueeze(0)); }) == "[matmul] " + shape);
  CHECK(message_of([&] { one_hot(zeros({1}, i64).expand({large}), large); }) == "[one_hot] " + shape);
  CHECK(in_use() == before);
}

TEST_CASE("walking a graph from a hook on itself is refused", "[grad][error]") {
  const Tensor x = leaf({2});
  const Tensor a = x * 2.0, b = x * 3.0;
  const Tensor total = sum(a + b), sum_of_a = sum(a);
  b.register_hook([&](const Tensor&) { return grad({sum_of_a}, {x})[0]; });
  CHECK(message_of([&] {
          total.backward();
        }).starts_with("[backward] this graph is being walked already, at 'mul'."));
}

TEST_CASE("only leaves keep and give gradients", "[grad][error]") {
  const Tensor x = leaf({2});
  Tensor y = x * 2.0;
  CHECK(x.is_leaf());
  CHECK_FALSE(y.is_leaf());
  CHECK(message_of([&] { y.grad(); }) ==
        "[grad] this tensor of shape (2,) is the output of 'mul'; only leaves keep their gradient. Use "
        "grad(outputs, {x}) "
        "or register_hook?");
  CHECK(message_of([&] { y.requires_grad_(false); }) ==
        "[requires_grad_] this tensor of shape (2,) is the output of 'mul', not a leaf. Use detach() to cut "
        "it off, or "
        "register_hook to see its gradient?");
}

TEST_CASE("a rule that speaks of an input there is none of is told so by the op", "[autograd][error]") {
  for (const int input : {-1, 1, 9}) {
    const Tensor x = ones({3}, f64).requires_grad_();
    const auto tripled = [&](bool asks) {
      const Tensor y = no_grad([&] { return x * 3.0; });
      return record("triple", y, inputs(x), saves(), [=](Backward& back, const Tensor& dy) {
        if (!asks || back.wants(input)) back.give(input, dy * 3.0);
      });
    };
    for (const bool asks : {false, true})
      CHECK(message_of([&] { sum(tripled(asks)).backward(); }) ==
            "[triple] the rule speaks of input " + std::to_string(input) +
                ", and it has 1, counted from 0. Is its rule right?");
  }
}
