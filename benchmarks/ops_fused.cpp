// Fused ops that work on several tensors at once: attention and cross-entropy.
#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/core/create.h>

#include "ceilings.h"
#include "ops.h"

namespace gradus::bench {
namespace {

// B sequences, H heads, T queries and as many keys, D numbers each.
struct Heads {
  const char* model;
  std::int64_t b, h, t, d;
  bool causal;
};
constexpr Heads heads[] = {
    {"bert-mini", 16, 4, 128, 64, false},
    {"gpt-baby", 8, 6, 256, 64, true},
    {"gpt2-124m", 4, 12, 64, 64, true},
    {"long", 1, 12, 1024, 64, true},
};

// Forward two products for each pair of a query and a key it may see, backward four: what is computed a
// second time because no scores are kept does not count.
void measure_attention(OpsBench& bench, const Heads& of) {
  const std::string name = std::string("attention ") + of.model;
  if (!bench.wants(name + " fwd") && !bench.wants(name + " bwd")) return;
  const std::int64_t pairs = of.b * of.h * (of.causal ? of.t * (of.t + 1) / 2 : of.t * of.t);
  const double forward = 4.0 * static_cast<double>(pairs * of.d);
  const Shape shape{of.b, of.h, of.t, of.d};
  const AttentionOptions options{.causal = of.causal};
  const Tensor q = randn(shape), k = randn(shape), v = randn(shape), dy = randn(shape);
  const std::vector<Tensor> recorded{q.clone().requires_grad_(), k.clone().requires_grad_(),
                                     v.clone().requires_grad_()};
  const Tensor y = scaled_dot_product_attention(recorded[0], recorded[1], recorded[2], options);
  const Product square{1024, 1024, 1024};
  const auto measure = [&](const char* pass, double flops, const Work& ours) {
    bench.measure(name + pass, [&](int threads) {
      return Case{.shape = shape_text(shape),
                  .unit = "GFLOP/s",
                  .amount = flops,
                  .ours = ours,
                  .ceiling = sgemm(square, threads),
                  .ceiling_amount = square.flops(),
                  .pause = pause_for_blas(threads)};
    });
  };
  measure(" fwd", forward, [=] { scaled_dot_product_attention(q, k, v, options); });
  measure(" bwd", 2 * forward, backward_of(y, recorded));
}

// logits: (256, 50257), 51 MB; read by the forward pass, read and a gradient of their size written by the
// backward.
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

void measure_fused(OpsBench& bench) {
  for (const Heads& one : heads) measure_attention(bench, one);
  measure_cross_entropy(bench);
}

}  // namespace gradus::bench
