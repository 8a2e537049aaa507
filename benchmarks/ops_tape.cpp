// What the tape itself costs: ops on 16 elements, where the arithmetic is next to nothing.
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "allocations.h"
#include "ops.h"

namespace gradus::bench {
namespace {

struct Costs {
  double forward, backward;  // ns for each op
  double allocations;        // calls of the system's allocator for each op, forward and backward together
};

// `graphs` times build() with its gradient recorded, then as many backward passes, over and over. Built in
// groups so that the clock is read seldom.
Costs cost_of(const std::function<Tensor()>& build, const std::vector<Tensor>& leaves, int ops, int graphs) {
  std::vector<Tensor> outputs(static_cast<std::size_t>(graphs));
  std::vector<double> forward, backward;
  const Tensor seed = ones({16});
  std::int64_t allocations = 0;
  const int rounds = std::max(40, 200'000 / (ops * graphs)), warm_up = rounds / 4;
  for (int round = -warm_up; round < rounds; ++round) {
    const std::int64_t calls_before = system_allocations();
    const double start = now();
    for (Tensor& y : outputs) y = build();
    const double built = now();
    for (Tensor& y : outputs) {
      y.backward(seed);
      y = Tensor();  // what is left of the graph goes with its last handle
    }
    const double done = now();
    const std::int64_t calls = system_allocations() - calls_before;
    for (Tensor leaf : leaves) leaf.zero_grad();
    if (round < 0) continue;
    forward.push_back(built - start);
    backward.push_back(done - built);
    allocations += calls;
  }
  const double each = 1e9 / (ops * graphs);
  return {each * median(forward), each * median(backward),
          static_cast<double>(allocations) / (double(rounds) * ops * graphs)};
}

void measure(OpsBench& bench, const std::string& name, const std::function<Tensor()>& build,
             const std::vector<Tensor>& leaves, int ops, int graphs) {
  if (!bench.wants(name + " fwd") && !bench.wants(name + " bwd") && !bench.wants(name + " malloc")) return;
  set_threads(1);
  const Costs costs = cost_of(build, leaves, ops, graphs);
  bench.add(name + " fwd", "(16,)", 1, costs.forward, "ns");
  bench.add(name + " bwd", "(16,)", 1, costs.backward, "ns");
  bench.add(name + " malloc", "(16,)", 1, costs.allocations, "calls");
}

}  // namespace

void measure_tape(OpsBench& bench) {
  Tensor a = randn({16}), b = rand({16}), c = randn({16});
  const std::vector<Tensor> leaves{a.requires_grad_(), b.requires_grad_(), c.requires_grad_()};
  measure(
      bench, "y = a*b + c", [&] { return a * b + c; }, leaves, 2, 32);
  const auto chain = [&] {
    Tensor y = a;
    for (int i = 0; i < 500; ++i) y = y * b + c;
    return y;
  };
  measure(bench, "chain of y = y*b + c", chain, leaves, 1000, 1);
}

}  // namespace gradus::bench
