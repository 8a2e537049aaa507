// The training steps that the benchmarks measure: the same bits for any number of threads, and memory that
// does not grow.
#include "../../benchmarks/steps_models.h"

#include <gradus/core/allocator.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"

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
