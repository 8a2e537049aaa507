// The promises of the tape: what is walked, in what order, what it keeps, what it refuses.
#include <gradus/autograd/engine.h>

#include <atomic>
#include <thread>

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

TEST_CASE("backward adds gradients up in the leaves, over paths and over passes", "[grad]") {
  const Tensor x = leaf({3}, 2), w = leaf({3}, 5);
  (x * w + x * x).backward(ones({3}, f64));
  CHECK(x.grad().to_vector<double>() == std::vector<double>(3, 5 + 2 * 2));
  CHECK(w.grad().to_vector<double>() == std::vector<double>(3, 2));
  (x * w).backward(ones({3}, f64));
  CHECK(x.grad().to_vector<double>() == std::vector<double>(3, 9 + 5));
  x.zero_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("an earlier handle on a gradient keeps its numbers when a later pass adds to it", "[grad]") {
  const Tensor x = leaf({2}, 3);
  sum(x * x).backward();
  const Tensor first = x.grad();
  sum(x * x).backward();
  CHECK(first.to_vector<double>() == std::vector<double>{6, 6});
  CHECK(x.grad().to_vector<double>() == std::vector<double>{12, 12});
}

TEST_CASE("two leaves that get one gradient do not share its memory", "[grad]") {
  const Tensor a = leaf({2}), b = leaf({2});
  sum(a + b).backward();
  a.grad().add_(1);
  CHECK(b.grad().to_vector<double>() == std::vector<double>{1, 1});
}

TEST_CASE("broadcasting is an expand without a copy, and its gradient sums", "[grad]") {
  const Tensor x = leaf({3, 1});
  const std::int64_t before = in_use();
  const Tensor wide = x.expand({1000, 3, 1000});
  CHECK(in_use() - before < 4096);
  CHECK(wide.strides() == Strides{0, 1, 0});
  sum(wide).backward();
  CHECK(x.grad().shape() == Shape{3, 1});
  CHECK(x.grad().to_vector<double>() == std::vector<double>(3, 1e6));
}

TEST_CASE("grad returns gradients and leaves the leaves alone", "[grad]") {
  const Tensor x = leaf({2}, 3), y = leaf({2}, 4);
  const Tensor product = x * y;
  const std::vector<Tensor> gradients = grad({sum(product)}, {x, product});
  CHECK(gradients[0].to_vector<double>() == std::vector<double>{4, 4});
  CHECK(gradients[1].to_vector<double>() == std::vector<double>{1, 1});
  CHECK_FALSE(x.grad().defined());
  CHECK_FALSE(y.grad().defined());
}

TEST_CASE("grad runs only the rules that lead to what is asked for", "[grad]") {
  const Tensor x = leaf({2}), y = leaf({2});
  static int runs;
  runs = 0;
  const auto counted = [](const Tensor& dy) { return ++runs, dy; };
  const Tensor through_x = identity_with_rule(x, counted), through_y = identity_with_rule(y, counted);
  grad({sum(through_x * through_y)}, {x});
  CHECK(runs == 1);
}

TEST_CASE("grad of a grad gives the third power its second derivative", "[grad]") {
  const Tensor x = leaf({2, 3}, 3);
  const Tensor first = grad({sum(x * x * x)}, {x}, {}, {.create_graph = true})[0];
  const Tensor second = grad({sum(first)}, {x}, {}, {.create_graph = true})[0];
  const Tensor third = grad({sum(second)}, {x})[0];
  CHECK(first.to_vector<double>() == std::vector<double>(6, 27));
  CHECK(second.to_vector<double>() == std::vector<double>(6, 18));
  CHECK(third.to_vector<double>() == std::vector<double>(6, 6));
}

TEST_CASE("an output of several that nobody used has no gradient, not zeros", "[grad]") {
  const Tensor x = leaf({2}, 2);
  static bool absent;
  absent = false;
  const auto twice = [&] {
    return record("pair", std::array{x.detach().clone(), x.detach().clone()}, inputs(x), saves(),
                  [](Backward& back, const Tensor& da) {
                    absent = !back.dy(1).defined();
                    back.give(0, da);
                  });
  };
  sum(twice()[0]).backward();
  CHECK(absent);
  const auto both = twice();
  sum(both[0] + both[1]).backward();
  CHECK_FALSE(absent);
}

TEST_CASE("1,000,000 chained ops neither overflow the stack nor leak", "[grad]") {
  const std::int64_t before = in_use();
  {
    const Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + 1.0;
    y.backward();
    CHECK(y.item() == 1'000'001);
    CHECK(x.grad().item() == 1);
    Tensor never_walked = x;
    for (int i = 0; i < 1'000'000; ++i) never_walked = never_walked * 1.0;
  }
  CHECK(in_use() == before);
}

TEST_CASE("100,000 ops side by side on one leaf are walked and freed", "[grad]") {
  const std::int64_t before = in_use();
  {
    const Tensor x = leaf({1});
    std::vector<Tensor> layer;
    for (int i = 0; i < 100'000; ++i) layer.push_back(x * 2.0);
    for (; layer.size() > 1; layer.resize((layer.size() + 1) / 2))
      for (std::size_t i = 0; i < layer.size() / 2; ++i) layer[i] = layer[i] + layer[layer.size() - 1 - i];
    layer[0].backward();
    CHECK(x.grad().item() == 200'000);
  }
  CHECK(in_use() == before);
}

TEST_CASE("100,000 leaves are walked in time that grows with their number", "[grad]") {
  std::vector<Tensor> leaves(100'000);
  Tensor total = zeros({}, f64);
  for (Tensor& x : leaves) total = total + (x = leaf({}));
  total.backward();
  for (const Tensor& x : leaves) REQUIRE(x.grad().item() == 1);
}

TEST_CASE("saved tensors are freed as the walk passes them", "[grad]") {
  constexpr std::int64_t elements = 1 << 16;
  const Tensor x = leaf({elements});
  Tensor y = x;
  std::vector<std::int64_t> held;
  for (int i = 0; i < 8; ++i) {
    y = exp(y * 0.1);
    y.register_hook([&held](const Tensor&) { return held.push_back(in_use()), Tensor(); });
  }
  sum(std::exchange(y, Tensor())).backward();
  REQUIRE(held.size() == 8);
  // From one hook to the next an exp has let go of its output; a gradient took the place of the one before.
  for (std::size_t i = 2; i < held.size(); ++i) CHECK(held[i] <= held[i - 1] - 8 * elements);
}

TEST_CASE("a forward pass that is never walked backward frees its graph", "[grad]") {
  const Tensor x = leaf({1000});
  const std::int64_t before = in_use();
  { const Tensor y = tanh(exp(x) * x + sqrt(x)); }
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

TEST_CASE("after a backward that failed the graph is spent, the leaves are whole and the next step works",
          "[grad]") {
  const Tensor x = leaf({2}, 3);
  const std::int64_t before = in_use();
  {
    const Tensor y =
        sum(identity_with_rule(x, [](const Tensor&) -> Tensor { throw std::runtime_error("no"); }) * x);
    CHECK_THROWS_AS(y.backward(), std::runtime_error);
    CHECK_THROWS_AS(y.backward(), Error);
  }
  x.zero_grad();
  CHECK(in_use() == before);
  CHECK(x.to_vector<double>() == std::vector<double>{3, 3});
  sum(x * x).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{6, 6});
}

TEST_CASE("a failed backward does not lose the gradients gathered before it", "[grad]") {
  const Tensor x = leaf({2}, 3);
  sum(x * x).backward();
  const Tensor y =
      sum(x + identity_with_rule(x * 1.0, [](const Tensor&) -> Tensor { throw std::runtime_error("no"); }));
  CHECK_THROWS_AS(y.backward(), std::runtime_error);
  REQUIRE(x.grad().defined());
  CHECK(x.grad()[0].item() >= 6);
}

TEST_CASE("hooks see the whole gradient once and may change it", "[grad]") {
  const Tensor x = leaf({2}, 3);
  const Tensor y = x * 2.0;
  int calls = 0;
  y.register_hook([&calls](const Tensor& dy) { return ++calls, dy * 10.0; });
  x.register_hook([&calls](const Tensor& dx) {
    ++calls;
    CHECK(dx.to_vector<double>() == std::vector<double>{40, 40});
    return Tensor();
  });
  sum(y + y).backward();
  CHECK(calls == 2);
  CHECK(x.grad().to_vector<double>() == std::vector<double>{40, 40});
  CHECK(message_of([&] {
          y.register_hook([](const Tensor&) { return ones({5}, f64); });
          sum(y).backward();
        }) ==
        "[hook] a hook on the output of 'mul' returned shape (5,) of f64 for a gradient of shape (2,) of "
        "f64. Return "
        "the same shape?");
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

TEST_CASE("a pass begun in a hook of another adds to the leaves that both reach", "[grad]") {
  const Tensor w = leaf({}, 5);
  const auto loss = [&] {
    const Tensor twice = w * 2.0, thrice = w * 3.0;  // the walk comes by `thrice`, and so by w, first
    twice.register_hook([&](const Tensor&) {
      const GradMode recording(true);
      (w * w).backward();
      return Tensor();
    });
    return twice + thrice;
  };
  loss().backward();
  CHECK(w.grad().item() == 2 + 3 + 2 * 5);
  w.zero_grad();
  CHECK(grad({loss()}, {w})[0].item() == 2 + 3);
  CHECK(w.grad().item() == 2 * 5);
}

TEST_CASE("a hook may let go of the tensor that the pass began with", "[grad]") {
  const Tensor w = leaf({}, 5);
  Tensor y = w * 2.0;
  y.register_hook([&](const Tensor&) {
    y = Tensor();
    return Tensor();
  });
  y.backward();
  CHECK_FALSE(y.defined());
  CHECK(w.grad().item() == 2);
}

TEST_CASE("no_grad and detach keep ops off the tape", "[grad]") {
  const Tensor x = leaf({2}, 3);
  CHECK_FALSE(no_grad([&] { return x * x; }).requires_grad());
  CHECK((x * x).requires_grad());
  const Tensor cut = x.detach();
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.data<double>() == x.data<double>());
  sum(x * cut).backward();
  CHECK(x.grad().to_vector<double>() == std::vector<double>{3, 3});
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

TEST_CASE("user threads walk graphs of their own over shared parameters", "[grad][threads]") {
  const Tensor w = leaf({64}, 0.5);
  std::vector<std::thread> users;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t)
    users.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const Tensor x = full({64}, t + 1, f64);
        const Tensor gradient = grad({sum(w * x * w)}, {w})[0];
        right += gradient.to_vector<double>() == std::vector<double>(64, t + 1.0);
      }
    });
  for (std::thread& user : users) user.join();
  CHECK(right == 800);
  users.clear();
  for (int t = 0; t < 4; ++t)
    users.emplace_back([&] {
      for (int i = 0; i < 200; ++i) sum(w * 1.0).backward();
    });
  for (std::thread& user : users) user.join();
  CHECK(w.grad().to_vector<double>() == std::vector<double>(64, 800));
}

TEST_CASE("a graph made in one thread can be walked in another", "[grad][threads]") {
  const Tensor x = leaf({8}, 2);
  Tensor y;
  std::thread([&] { y = sum(x * x); }).join();
  std::thread([&] { (y * 3.0).backward(); }).join();
  CHECK(x.grad().to_vector<double>() == std::vector<double>(8, 12));
}

TEST_CASE("a training step in its steady state never calls the system's allocator", "[grad]") {
  const Tensor x = leaf({16}), w = leaf({16});
  const auto step = [&] {
    sum(tanh(x * w + x)).backward();
    x.zero_grad();
    w.zero_grad();
  };
  for (int i = 0; i < 3; ++i) step();
  const std::int64_t before = memory_stats().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  CHECK(memory_stats().system_allocations == before);
}
