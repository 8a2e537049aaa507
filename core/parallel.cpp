#include <gradus/core/parallel.h>

#include <omp.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>

#include <gradus/core/check.h>

namespace gradus {

int detail::cores_by_quota(const std::string& cgroup) {
  double quota = -1, period = -1;
  if (std::ifstream v2(cgroup + "/cpu.max"); v2) {
    std::string word;
    if (v2 >> word >> period && word != "max") quota = std::strtod(word.c_str(), nullptr);
  } else {
    std::ifstream(cgroup + "/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream(cgroup + "/cpu/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? static_cast<int>(std::ceil(quota / period)) : 0;
}

namespace {

int default_threads() {
  if (std::getenv("OMP_NUM_THREADS") != nullptr) return omp_get_max_threads();
  cpu_set_t allowed;
  int cores = omp_get_num_procs();
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = CPU_COUNT(&allowed);
  const int quota = detail::cores_by_quota("/sys/fs/cgroup");
  return quota > 0 && quota < cores ? quota : cores;
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_threads()};
  return count;
}

std::atomic<std::int64_t> regions{0};

}  // namespace

int threads() { return thread_count().load(std::memory_order_relaxed); }

void set_threads(int count) {
  check(count >= 1, "set_threads", "needs at least one thread, not ", count, ".");
  thread_count() = count;
}

std::int64_t parallel_regions() { return regions; }

void parallel_tasks(std::int64_t count, FunctionRef<void(std::int64_t)> task) {
  const int team = static_cast<int>(std::min<std::int64_t>(threads(), count));
  if (team <= 1 || omp_in_parallel()) {
    for (std::int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  regions.fetch_add(1, std::memory_order_relaxed);
  std::exception_ptr thrown;
  std::mutex guard;
#pragma omp parallel for num_threads(team) schedule(static)
  for (std::int64_t i = 0; i < count; ++i) {
    // An exception may not leave a parallel region: it would end the program.
    try {
      task(i);
    } catch (...) {
      const std::lock_guard lock(guard);
      if (!thrown) thrown = std::current_exception();
    }
  }
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace gradus
