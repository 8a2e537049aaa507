// How fast each op is, beside what the machine can do: ./gradus bench ops [--json FILE] [--filter TEXT]
#include "ops.h"

#include <cstdio>
#include <utility>

#include <gradus/autograd/engine.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "ceilings.h"

namespace gradus::bench {

OpsBench::OpsBench(std::string filter, std::vector<int> thread_counts)
    : filter_(std::move(filter)), thread_counts_(std::move(thread_counts)) {
  std::printf("%-27s %-17s %3s %7s %-7s %8s %5s\n", "name", "shape", "thr", "value", "unit", "ceiling",
              "share");
}

void OpsBench::measure(const std::string& name, const std::function<Case(int)>& make) {
  if (!wants(name)) return;
  for (const int threads : thread_counts_) {
    set_threads(threads);
    const Case what = make(threads);
    const Medians seconds = by_turns(what.ours, what.ceiling, {.pause = what.pause});
    std::optional<double> ceiling;
    if (what.ceiling) ceiling = 1e-9 * what.ceiling_amount / seconds.ceiling;
    keep(name, what.shape, threads, 1e-9 * what.amount / seconds.ours, what.unit, ceiling);
  }
}

void OpsBench::add(const std::string& name, const std::string& shape, int threads, double value,
                   const char* unit) {
  keep(name, shape, threads, value, unit, std::nullopt);
}

void OpsBench::keep(const std::string& name, const std::string& shape, int threads, double value,
                    const char* unit, std::optional<double> ceiling) {
  const std::optional<double> share = ceiling ? std::optional(value / *ceiling) : std::nullopt;
  char percent[16] = "-";
  if (share) std::snprintf(percent, sizeof percent, "%.0f %%", 100 * *share);
  std::printf("%-27s %-17s %3d %7s %-7s %8s %5s\n", name.c_str(), shape.c_str(), threads,
              brief(value).c_str(), unit, brief(ceiling).c_str(), percent);
  std::fflush(stdout);
  rows_.push_back(JsonObject()
                      .add("name", name)
                      .add("shape", shape)
                      .add("threads", threads)
                      .add("value", value)
                      .add("unit", std::string(unit))
                      .add("ceiling", ceiling)
                      .add("share", share));
}

std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis) text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + ")";
}

Work backward_of(const Tensor& y, const std::vector<Tensor>& inputs) {
  const Tensor dy = randn(y.shape());
  return [=] { grad({y}, inputs, {dy}, {.retain_graph = true}); };
}

void measure_ceilings(OpsBench& bench) {
  const std::int64_t side = 1024;
  const Product square{side, side, side};
  constexpr double beyond_cache = 192e6;
  bench.measure("sgemm", [&](int threads) {
    return Case{.shape = "1024x1024x1024",
                .unit = "GFLOP/s",
                .amount = square.flops(),
                .ours = sgemm(square, threads)};
  });
  bench.measure("sgemm, small", [&](int threads) {
    return Case{.shape = "64x64x64",
                .unit = "GFLOP/s",
                .amount = 2.0 * 64 * 64 * 64 * small_products * threads,
                .ours = sgemm_64(threads)};
  });
  bench.measure("triad", [&](int threads) {
    return Case{
        .shape = "3 x 64 MB", .unit = "GB/s", .amount = beyond_cache, .ours = triad(beyond_cache, threads)};
  });
}

namespace {

void body(int count, char** words) {
  const Arguments arguments(count, words, "Measures single ops beside what this machine can do.",
                            {{"--filter", "TEXT", "only rows whose name holds TEXT"},
                             {"--json", "FILE", "also write the table to FILE, as an array of objects"}});
  restart_with_drowsy_blas(words);
  const JsonFile json(arguments.value("--json"));

  std::vector<int> thread_counts{1};
  if (threads() > 1) thread_counts.push_back(2);
  std::printf("%s\n", blas_description().c_str());
  OpsBench bench(arguments.value("--filter").value_or(""), thread_counts);

  const std::pair<const char*, void (*)(OpsBench&)> parts[] = {
      {"the machine's ceilings", measure_ceilings},
      {"matmul", measure_matmul},
      {"attention and cross-entropy", measure_fused},
      {"what moves memory", measure_memory},
      {"the tape", measure_tape},
      {"tokenizers", measure_tokenizers},
  };
  const double start = now();
  for (const auto& [what, measure] : parts) {
    std::fprintf(stderr, "[bench] %.0f s: measuring %s\n", now() - start, what);
    measure(bench);
    if (!bench.rows().empty()) json.write(bench.rows());
  }
  if (bench.rows().empty()) throw Misuse("no row has the --filter's text in its name. Leave --filter out?");
  std::fprintf(stderr, "[bench] %.0f s: done\n", now() - start);
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
