// The promises of the tape: what is walked, in what order, what it keeps.
#include <gradus/autograd/engine.h>

#include <atomic>
#include <functional>
#include <thread>

#include <gradus/autograd/anomaly.h>
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

TEST_CASE("a rule may add to what other rules gave, in place where nobody else has it", "[grad]") {
  // y = x, whose rule adds 1 to what there is, or gives 1 where there is nothing that it may change.
  int in_place = 0;
  const auto adding = [&](const Tensor& x) {
    return record("adding", x.detach().clone(), inputs(x), saves(), [&](Backward& back, const Tensor&) {
      const Tensor* const so_far = back.sum_so_far(0);
      if (so_far == nullptr) return back.give(0, ones({2}, f64));
      Tensor sum = *so_far;
      sum.add_(1);
      ++in_place;
    });
  };
  const auto check = [&](const Tensor& x, const std::function<Tensor()>& f, double gradient, int times) {
    in_place = 0;
    f().backward();
    CHECK(x.grad().to_vector<double>() == std::vector<double>(2, gradient));
    CHECK(in_place == times);
  };
  const auto walked_last = [&](const Tensor& x) {
    const Tensor y = sum(adding(x));
    return y + sum(x * 5.);
  };
  const auto walked_first = [&](const Tensor& x) {
    const Tensor y = sum(x * 5.);
    return y + sum(adding(x));
  };
  const Tensor x = leaf({2}, 3);
  check(
      x, [&] { return walked_last(x); }, 6, 1);
  x.zero_grad();
  check(
      x, [&] { return walked_first(x); }, 6, 0);
  check(
      x, [&] { return sum(adding(x)); }, 7, 1);  // to the gradient of the pass before
  {
    const Tensor held = x.grad();
    check(
        x, [&] { return sum(adding(x)); }, 8, 0);
    CHECK(held.to_vector<double>() == std::vector<double>(2, 7));
  }
  x.zero_grad();
  check(
      x, [&] { return walked_last(x * 2.); }, 12, 1);  // to an op's output just as to a leaf
  x.zero_grad();
  const AnomalyMode on;  // looks at what each rule gives
  check(
      x, [&] { return walked_last(x); }, 6, 0);
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

TEST_CASE("a gradient that a hook has kept is not written over", "[grad]") {
  Tensor x = tensor({-2, -1, 0.5, 2}, f64).requires_grad_();
  const Tensor ys[] = {relu(x), leaky_relu(x, 0.5), gelu(x), gelu_tanh(x), silu(x)};
  for (const Tensor& y : ys) {
    Tensor kept;
    y.register_hook([&kept](const Tensor& dy) { return kept = dy; });
    (y * 3.0).backward(ones({4}, f64));
    CHECK(kept.to_vector<double>() == std::vector<double>{3, 3, 3, 3});
  }
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
