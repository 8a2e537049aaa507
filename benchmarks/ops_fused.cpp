// Fused ops that work on several tensors at once: attention and cross-entropy.
#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>

#include "ceilings.h"
#include "ops.h"

namespace gradus::bench {
namespace {

// logits: (256, 50257), 51 MB; read by the forward pass, read and a gradient of their size written by the backward.
void measure_cross_entropy(OpsBench& bench) {
  const std::int64_t rows = 256, classes = 50257;
  const Tensor logits = randn({rows, classes}).requires_grad_(), targets = randint(0, classes, {rows});
  const Tensor loss = cross_entropy(logits, targets), seed = ones({});
  const auto measure = [&](const char* name, double bytes, const Work& ours) {
    bench.measure(name, [&](int threads) {
      return Case{.shape = "(256, 50257)",
                  .unit = "GB/s",
                  .amount = bytes,
                  .ours = ours,
                  .ceiling = triad(bytes, threads),
                  .ceiling_amount = bytes};
    });
  };
  const auto each = static_cast<double>(logits.bytes());
  const Tensor plain = logits.detach();
  measure("cross_entropy fwd", each, [=] { cross_entropy(plain, targets); });
  measure("cross_entropy bwd", 2 * each, [=] { grad({loss}, {logits}, {seed}, {.retain_graph = true}); });
}

}  // namespace

void measure_fused(OpsBench& bench) { measure_cross_entropy(bench); }

}  // namespace gradus::bench
