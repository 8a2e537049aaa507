// The training steps that the benchmarks measure: the same bits for any number of threads, and memory that
// does not grow.
#include "../../benchmarks/steps_models.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "../../benchmarks/report.h"
#include "../../benchmarks/speed_table.h"
#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;

namespace {

// Of the weights after two steps: Adam's first goes by the gradients' signs alone.
std::uint64_t trained(const bench::Model& model, int threads) {
  set_threads(threads);
  manual_seed(5);
  const bench::Step step = model.make();
  step.run(), step.run();
  return step.fingerprint();
}

}  // namespace

TEST_CASE("every measured step trains to the same bits with 1, 2 and 3 threads", "[steps]") {
  const int before = threads();
  for (const bench::Model& model : bench::models()) {
    INFO(model.name);
    const std::uint64_t alone = trained(model, 1);
    CHECK(trained(model, 2) == alone);
    if (model.name != std::string("gpt2-124m")) CHECK(trained(model, 3) == alone);
  }
  set_threads(before);
}

TEST_CASE("memory does not grow over 10,000 steps", "[steps]") {
  const bench::Step step = bench::models()[0].make();
  for (int i = 0; i < 10; ++i) step.run();
  const MemoryStats before = memory_stats();
  const double resident = bench::resident_mb("VmRSS");
  for (int i = 0; i < 10'000; ++i) step.run();
  const MemoryStats after = memory_stats();
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(after.cached_bytes == before.cached_bytes);
  CHECK(after.system_allocations == before.system_allocations);
  CHECK(bench::resident_mb("VmRSS") <= resident + 0.5);
}

TEST_CASE("what bench steps has written becomes README's table, and a row that is missing is named",
          "[steps]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "steps.json";
  const auto row = [](int threads, double ms, double ratio) {
    return bench::JsonObject()
        .add("name", "mlp-tiny")
        .add("threads", threads)
        .add("ours_ms", ms)
        .add("torch_ms", ms * ratio)
        .add("ratio", ratio)
        .add("floor_share", 0.0512 * threads)
        .add("peak_mb", 2.03)
        .add("torch_peak_mb", 9.93)
        .add("allocations", 0.);
  };
  bench::JsonFile(path).write({row(1, 0.00172, 63.7), row(2, 0.00181, 60.25)});
  const std::string table = bench::speed_table(path);
  CHECK(table.substr(table.rfind("| `")) ==
        "| `mlp-tiny` | 0.0017 | 63.7 × | 0.0018 | 60.2 × | 5 %, 10 % | 2.03 | 9.93 |\n");
  bench::JsonFile(path).write({row(1, 0.00172, 63.7)});
  CHECK(test::message_of([&] { bench::speed_table(path); }) ==
        "[bench] there is no row of mlp-tiny with 2 threads. Measure it with --threads 1,2?");
  bench::JsonFile(path).write({row(1, 0.00172, NAN), row(2, 0.00181, NAN)});
  CHECK(test::message_of([&] { bench::speed_table(path); }) ==
        "[bench] " + path + " does not have ratio of mlp-tiny. Measure it with --against torch?");
  CHECK_THROWS_AS(bench::speed_table(folder / "none.json"), bench::Misuse);
}

TEST_CASE("a file of --json is not there before its first row, and stays as it was until then", "[steps]") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "rows.json";
  const bench::JsonFile file(path);
  CHECK_FALSE(std::filesystem::exists(path));
  file.write({bench::JsonObject().add("name", "one")});
  const auto size = std::filesystem::file_size(path);
  const bench::JsonFile again(path);
  CHECK(std::filesystem::file_size(path) == size);
  CHECK_THROWS_AS(bench::JsonFile(folder / "none/rows.json"), bench::Misuse);
}

TEST_CASE("README's table of speed is the one that benchmarks/steps.json makes", "[steps]") {
  const std::string root = GRADUS_SOURCE_DIR;
  std::ifstream file(root + "/README.md");
  std::stringstream readme;
  readme << file.rdbuf();
  CHECK(readme.str().find(bench::speed_table(root + "/benchmarks/steps.json")) != std::string::npos);
}
