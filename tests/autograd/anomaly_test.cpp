#include <gradus/autograd/anomaly.h>

#include <array>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/autograd/scope.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/elementwise.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("anomaly mode names the op, its scopes and the count of the first value that is not finite",
          "[anomaly]") {
  const AnomalyMode anomaly;
  const Scope model("gpt"), block("block.3");
  const Tensor x = tensor({1, 0, -1, 0}, f64);
  CHECK(message_of([&] {
          const Scope attention("attn");
          log(x);
        }) ==
        "[log] the output of gpt.block.3.attn/log, of shape (4,), has 1 of 4 elements NaN. Look at its "
        "inputs: an "
        "overflow, log(0) or 0/0?");
  CHECK(message_of([&] { log(abs(x)); }) ==
        "[log] the output of gpt.block.3/log, of shape (4,), has 2 of 4 elements infinite. Look at its "
        "inputs: an "
        "overflow, log(0) or 0/0?");
}

TEST_CASE("anomaly mode names the op and scopes whose gradient is not finite where the forward pass was fine",
          "[anomaly]") {
  const Tensor x = tensor({4, 0}, f64).requires_grad_();
  const std::int64_t before = memory_stats().bytes_in_use;
  const AnomalyMode anomaly;
  const std::string text =
      "[sqrt] the gradient that gpt.block.3/sqrt gave its input 0, of shape (2,), has 1 of 2 elements "
      "infinite. "
      "Look at its inputs: is the function steep or undefined there?";
  const auto loss = [&] {
    const Scope model("gpt"), block("block.3");
    return sum(sqrt(x));
  };
  {
    const std::array<Tensor, 3> losses{loss(), loss(), loss()};
    const Scope elsewhere("trainer");
    CHECK(message_of([&] { losses[0].backward(); }) == text);
    CHECK(message_of([&] { grad({losses[1]}, {x}); }) == text);
    CHECK(message_of([&] { grad({losses[2]}, {x}, {}, {.create_graph = true}); }) == text);
  }
  CHECK_FALSE(x.grad().defined());
  CHECK(memory_stats().bytes_in_use == before);
}

TEST_CASE("anomaly mode checks a rule that calls a kernel, with the graph of its gradient and without",
          "[anomaly]") {
  const Tensor x = tensor({{1, 2}}, f64).requires_grad_(),
               dy = full({1, 2}, 1e308, f64) * tensor({1, -1}, f64);
  const AnomalyMode anomaly;
  const std::string text =
      "[scaled_up] the gradient that scaled_up gave its input 0, of shape (1, 2), has 2 of 2 elements "
      "infinite. "
      "Look at its inputs: is the function steep or undefined there?";
  const auto scaled_up = [](const Tensor& x) {
    return record(
        "scaled_up", kernels::mul(x, 100), inputs(x), saves(),
        [](Backward& back, const Tensor& dy) { back.give(0, kernels::mul(dy, 100)); },
        [](const Tensor& x) { return x * 100; });
  };
  CHECK(message_of([&] { scaled_up(x).backward(dy); }) == text);
  CHECK(message_of([&] { grad({scaled_up(x)}, {x}, {dy}, {.create_graph = true}); }) == text);
}

TEST_CASE("anomaly mode checks what a hook computes, and is on again after a backward pass", "[anomaly]") {
  const Tensor x = tensor({4, 1}, f64).requires_grad_();
  const AnomalyMode anomaly;
  const Tensor y = x * 2.0;
  y.register_hook([](const Tensor& dy) { return log(dy - 1.0); });
  CHECK(message_of([&] {
          sum(y).backward();
        }).starts_with("[log] the output of log, of shape (2,), has 2 of 2"));
  CHECK(anomaly_mode());
}

TEST_CASE("anomaly mode tells NaN in the data from NaN that an op made", "[anomaly]") {
  const AnomalyMode anomaly;
  const Tensor data = tensor({1, std::numeric_limits<double>::quiet_NaN()}, f64);
  CHECK(message_of([&] { data + 1.0; }) ==
        "[add] input 0 of add, of shape (2,), came with NaN in it. Was NaN in the data?");
}

TEST_CASE("anomaly mode names an op with several outputs: split", "[anomaly]") {
  const AnomalyMode anomaly;
  const Scope model("gpt");
  const Tensor x = tensor({1, std::numeric_limits<double>::quiet_NaN(), 2}, f64);
  CHECK(message_of([&] { split(x, 1, 0); }) ==
        "[split] input 0 of gpt/split, of shape (3,), came with NaN in it. Was NaN in the data?");
}

TEST_CASE("anomaly mode lets a mask of -infinity pass", "[anomaly]") {
  const AnomalyMode anomaly;
  const Tensor scores = tensor({1, 2}, f64), hidden = tensor({0, 1}, f64) == 1;
  const Tensor masked = masked_fill(scores, hidden, -std::numeric_limits<double>::infinity());
  CHECK(exp(masked + 1.0).to_vector<double>()[1] == 0);
}

TEST_CASE("anomaly mode looks at every output, also where an infinity passed through the first",
          "[anomaly]") {
  const AnomalyMode anomaly;
  const Tensor x = full({1}, std::numeric_limits<double>::infinity(), f64);
  const auto both = [](const Tensor& x) {
    const std::array<Tensor, 2> outputs{kernels::neg(x), kernels::sub(x, x)};  // -infinity and NaN
    return record("both", outputs, inputs(x), saves(), [](Backward&, const Tensor&) {});
  };
  CHECK(message_of([&] { both(x); }).starts_with("[both] the output of both, of shape (1,), has 1 of 1"));
}

TEST_CASE("without anomaly mode nothing is checked", "[anomaly]") {
  { const AnomalyMode on_for_a_moment; }
  CHECK_NOTHROW(log(tensor({-1.0}, f64)));
}
