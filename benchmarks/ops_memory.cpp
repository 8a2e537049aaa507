// Ops that move memory more than they compute, each beside a triad loop over as many bytes: every input
// counted as read once, the output as written once. Functions on cached data are counted in elements.
#include <memory>
#include <utility>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/create.h>
#include <gradus/optim/adam.h>

#include "ceilings.h"
#include "ops.h"

namespace gradus::bench {
namespace {

void measure_traffic(OpsBench& bench, const std::string& name, const Shape& shape, std::int64_t bytes,
                     const Work& ours) {
  const auto amount = static_cast<double>(bytes);
  bench.measure(name, [&](int threads) {
    return Case{.shape = shape_text(shape),
                .unit = "GB/s",
                .amount = amount,
                .ours = ours,
                .ceiling = triad(amount, threads),
                .ceiling_amount = amount};
  });
}

Tensor leaf(Tensor x) { return x.requires_grad_(); }

// a, b, y: (16384, 1024), 64 MB each.
void measure_elementwise(OpsBench& bench) {
  const Shape shape{16384, 1024};
  const Tensor a = randn(shape), b = randn(shape), row = randn({1024}), mask = a > 0.0;
  const std::int64_t each = a.bytes();
  measure_traffic(bench, "add", shape, 3 * each, [=] { add(a, b); });
  measure_traffic(bench, "mul", shape, 3 * each, [=] { mul(a, b); });
  measure_traffic(bench, "add a bias row", shape, 2 * each, [=] { add(a, row); });
  measure_traffic(bench, "relu", shape, 2 * each, [=] { relu(a); });
  measure_traffic(bench, "where", shape, 3 * each + mask.bytes(), [=] { where(mask, a, b); });
  measure_traffic(bench, "dropout", shape, 2 * each, [=] { dropout(a, 0.1); });
  measure_traffic(bench, "sum, all", shape, each, [=] { sum(a); });
  measure_traffic(bench, "sum, last axis", shape, each, [=] { sum(a, -1); });
  measure_traffic(bench, "sum, first axis", shape, each, [=] { sum(a, 0); });
  measure_traffic(bench, "mean, all", shape, each, [=] { mean(a); });
}

void measure_normalisation(OpsBench& bench, const Shape& shape) {
  const Tensor x = randn(shape), dy = randn(shape), weight = randn({shape.back()}),
               bias = randn({shape.back()});
  const std::int64_t each = x.bytes();
  measure_traffic(bench, "softmax fwd", shape, 2 * each, [=] { softmax(x, -1); });
  measure_traffic(bench, "layer_norm fwd", shape, 2 * each, [=] { layer_norm(x, weight, bias); });
  if (bench.wants("softmax bwd")) {
    const Tensor recorded = leaf(x.clone());
    measure_traffic(bench, "softmax bwd", shape, 3 * each, backward_of(softmax(recorded, -1), {recorded}));
  }
  if (bench.wants("layer_norm bwd")) {
    const std::vector<Tensor> inputs{leaf(x.clone()), leaf(weight.clone()), leaf(bias.clone())};
    measure_traffic(bench, "layer_norm bwd", shape, 3 * each,
                    backward_of(layer_norm(inputs[0], inputs[1], inputs[2]), inputs));
  }
}

// x: (B, C, H, W), 32 MB.
void measure_batch_norm(OpsBench& bench) {
  const Shape shape{128, 64, 32, 32};
  const std::vector<Tensor> inputs{leaf(randn(shape)), leaf(randn({64})), leaf(randn({64}))};
  const Tensor x = inputs[0].detach(), weight = inputs[1].detach(), bias = inputs[2].detach();
  measure_traffic(bench, "batch_norm fwd", shape, 2 * x.bytes(), [=] { batch_norm(x, weight, bias); });
  if (bench.wants("batch_norm bwd"))
    measure_traffic(bench, "batch_norm bwd", shape, 3 * x.bytes(),
                    backward_of(batch_norm(inputs[0], inputs[1], inputs[2]).y, inputs));
}

void measure_copies(OpsBench& bench) {
  const Shape square{4096, 4096};
  const Tensor x = randn(square);
  measure_traffic(bench, "transpose copy", square, 2 * x.bytes(), [=] { x.t().contiguous(); });

  const std::int64_t rows = 50257, width = 768, tokens = 16384;
  const Tensor weight = leaf(randn({rows, width})), ids = randint(0, rows, {tokens});
  const std::int64_t taken = tokens * width * 4 + ids.bytes();
  const Shape shape{tokens, width};
  measure_traffic(bench, "embedding fwd", shape, 2 * taken, [=] { embedding(weight, ids); });
  measure_traffic(bench, "embedding bwd", shape, taken + weight.bytes(),
                  backward_of(embedding(weight, ids), {weight}));
}

// Ten weights of (1000, 1000); g, w, m and v are read, w, m and v written: 28 bytes an element.
void measure_optimiser(OpsBench& bench) {
  if (!bench.wants("adamw step")) return;
  const Shape shape{10, 1000, 1000};
  std::vector<NamedTensor> weights;
  for (int i = 0; i < 10; ++i) {
    const Tensor w = leaf(randn({1000, 1000}));
    sum(w * randn(w.shape())).backward();
    weights.push_back({std::to_string(i), w});
  }
  const auto optimiser = std::make_shared<optim::AdamW>(weights, optim::AdamW::Options{});
  measure_traffic(bench, "adamw step", shape, 28 * numel_of(shape, "bench"), [=] { optimiser->step(); });
}

// x: (65536,), 256 KB, which stay in the cache with the 256 KB of the result.
void measure_functions(OpsBench& bench) {
  const Shape shape{65536};
  const Tensor x = randn(shape);
  const std::pair<const char*, Tensor (*)(const Tensor&)> functions[] = {
      {"exp", exp}, {"log", log},   {"tanh", tanh},           {"sigmoid", sigmoid},
      {"erf", erf}, {"gelu", gelu}, {"gelu_tanh", gelu_tanh}, {"silu", silu}};
  for (const auto& [name, function] : functions)
    bench.measure(name, [&, f = function](int) {
      return Case{
          .shape = shape_text(shape), .unit = "G/s", .amount = static_cast<double>(x.numel()), .ours = [=] {
            f(x);
          }};
    });
}

}  // namespace

void measure_memory(OpsBench& bench) {
  measure_elementwise(bench);
  measure_normalisation(bench, {2048, 768});
  measure_normalisation(bench, {16384, 1024});
  measure_batch_norm(bench);
  measure_copies(bench);
  measure_optimiser(bench);
  measure_functions(bench);
}

}  // namespace gradus::bench
