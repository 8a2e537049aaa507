// Matrix products at the shapes of whole models, each beside cblas_sgemm called directly on that very shape.
#include <gradus/autograd/ops/matmul.h>
#include <gradus/core/create.h>

#include "ceilings.h"
#include "ops.h"

namespace gradus::bench {
namespace {

// y = x W^T with x: (rows, in) and W: (out, in), as layers call it.
struct Layer {
  const char* model;
  const char* name;
  std::int64_t rows, in, out;
};

constexpr Layer layers[] = {
    {"rnn-lm", "input", 700, 256, 256},    {"rnn-lm", "recurrent", 20, 256, 256},
    {"rnn-lm", "head", 700, 256, 2000},    {"gpt-char", "qkv", 768, 128, 384},
    {"gpt-char", "proj", 768, 128, 128},   {"gpt-char", "fc1", 768, 128, 512},
    {"gpt-char", "fc2", 768, 512, 128},    {"gpt-char", "head", 768, 128, 65},
    {"tr-256", "qkv", 1024, 256, 768},     {"tr-256", "proj", 1024, 256, 256},
    {"tr-256", "fc1", 1024, 256, 1024},    {"tr-256", "fc2", 1024, 1024, 256},
    {"tr-256", "head", 1024, 256, 4000},   {"bert-mini", "qkv", 2048, 256, 768},
    {"bert-mini", "proj", 2048, 256, 256}, {"bert-mini", "fc1", 2048, 256, 1024},
    {"bert-mini", "fc2", 2048, 1024, 256}, {"bert-mini", "head", 2048, 256, 8000},
    {"gpt-baby", "qkv", 2048, 384, 1152},  {"gpt-baby", "proj", 2048, 384, 384},
    {"gpt-baby", "fc1", 2048, 384, 1536},  {"gpt-baby", "fc2", 2048, 1536, 384},
    {"gpt-baby", "head", 2048, 384, 65},   {"gpt2-124m", "qkv", 256, 768, 2304},
    {"gpt2-124m", "proj", 256, 768, 768},  {"gpt2-124m", "fc1", 256, 768, 3072},
    {"gpt2-124m", "fc2", 256, 3072, 768},  {"gpt2-124m", "head", 256, 768, 50257},
};

void measure_product(OpsBench& bench, const std::string& name, const Product& product, const Tensor& a,
                     const Tensor& b) {
  const std::string shape =
      std::to_string(product.m) + "x" + std::to_string(product.k) + "x" + std::to_string(product.n);
  bench.measure(name, [&](int threads) {
    return Case{.shape = shape,
                .unit = "GFLOP/s",
                .amount = product.flops(),
                .ours = [=] { matmul(a, b); },
                .ceiling = sgemm(product, threads),
                .ceiling_amount = product.flops(),
                .pause = pause_for_blas(threads)};
  });
}

void measure_layer(OpsBench& bench, const Layer& layer) {
  const std::string name = std::string("matmul ") + layer.model + " " + layer.name;
  if (!bench.wants(name + " fwd") && !bench.wants(name + " dx") && !bench.wants(name + " dW")) return;
  const std::int64_t rows = layer.rows, in = layer.in, out = layer.out;
  const Tensor x = randn({rows, in}), w = randn({out, in}), dy = randn({rows, out});
  measure_product(bench, name + " fwd", {rows, in, out, false, true}, x, w.t());
  measure_product(bench, name + " dx", {rows, out, in, false, false}, dy, w);
  measure_product(bench, name + " dW", {out, rows, in, true, false}, dy.t(), x);
}

}  // namespace

void measure_matmul(OpsBench& bench) {
  for (const Layer& layer : layers) measure_layer(bench, layer);

  // The scores of 96 heads at once; a head's product is half as large as the 64^3 of the ceiling.
  constexpr std::int64_t batch = 96, rows = 64, inner = 32, columns = 64;
  const Tensor a = randn({batch, rows, inner}), b = randn({batch, inner, columns});
  bench.measure("matmul batched", [&](int threads) {
    return Case{.shape = "96 x (64x32x64)",
                .unit = "GFLOP/s",
                .amount = 2.0 * batch * rows * inner * columns,
                .ours = [=] { matmul(a, b); },
                .ceiling = sgemm_64(threads),
                .ceiling_amount = 2.0 * 64 * 64 * 64 * small_products * threads};
  });
}

}  // namespace gradus::bench
