#include <gradus/core/allocator.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <mutex>
#include <thread>
#include <vector>

#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20;

// An f32 tensor whose elements take so many bytes.
Tensor of_bytes(std::int64_t bytes) { return Tensor::empty({bytes / 4}, f32); }

std::int64_t system_allocations() { return memory_stats().system_allocations; }

// Runs f in a child process that may use only so many bytes more than it has; true where f returns true
// there.
template <class F>
bool holds_with_memory_left(std::int64_t bytes, const F& f) {
  const pid_t child = fork();
  if (child == 0) {
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlimit limit{static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + bytes), RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    bool held = false;
    try {
      held = f();
    } catch (...) {
    }
    _exit(held ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Sanitizers reserve more address space than any limit leaves.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool can_limit_memory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool can_limit_memory = false;
#else
constexpr bool can_limit_memory = true;
#endif
#else
constexpr bool can_limit_memory = true;
#endif

}  // namespace

TEST_CASE("a class holds what it is asked for and loses at most an eighth", "[memory]") {
  std::uint8_t before = 0;
  for (std::size_t bytes = 0; bytes < 300000; bytes += bytes < 5000 ? 1 : 997) {
    const std::uint8_t size_class = memory::class_of(bytes);
    const std::size_t held = memory::class_bytes(size_class);
    REQUIRE(held >= bytes);
    REQUIRE(held % 64 == 0);
    REQUIRE(held - bytes <= std::max<std::size_t>(64, bytes / 8));
    REQUIRE(size_class >= before);
    REQUIRE(memory::class_of(held) == size_class);
    before = size_class;
  }
  CHECK(memory::class_of(std::size_t{1} << 40) == 255);
  CHECK(memory::class_bytes(255) == std::size_t{1} << 40);
}

TEST_CASE("pieces are aligned to 64 bytes and do not overlap", "[memory]") {
  std::vector<Tensor> tensors;
  for (std::int64_t bytes = 4; bytes < 3 * mib; bytes += 4 + bytes / 3)
    for (int copy = 0; copy < 3; ++copy) {
      tensors.push_back(of_bytes(bytes));
      REQUIRE(reinterpret_cast<std::uintptr_t>(tensors.back().data<float>()) % 64 == 0);
      std::memset(tensors.back().data<float>(), static_cast<int>(tensors.size()),
                  static_cast<std::size_t>(tensors.back().bytes()));
    }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto* const bytes = static_cast<const unsigned char*>(tensors[i].block().data);
    const auto length = static_cast<std::size_t>(tensors[i].bytes());
    REQUIRE(bytes[0] == static_cast<unsigned char>(i + 1));
    REQUIRE(std::memcmp(bytes, bytes + 1, length - 1) == 0);
  }
}

TEST_CASE("the steady state calls the system's allocator no more", "[memory]") {
  // Around 1 MiB, pieces change from the thread's lists to the shared ones.
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (const std::int64_t bytes : {std::int64_t{4}, std::int64_t{1000}, std::int64_t{100000}, mib - 60000,
                                     mib - 400, mib - 200, mib - 192, mib, mib + 100000, 5 * mib})
      for (int copy = 0; copy < 4; ++copy) tensors.push_back(of_bytes(bytes));
  };
  step();
  const std::int64_t before = system_allocations();
  for (int repeat = 0; repeat < 100; ++repeat) step();
  CHECK(system_allocations() == before);
}

TEST_CASE("batches of many sizes hold little more than the largest of them", "[memory]") {
  constexpr std::int64_t layers = 8, shortest = 16, longest = 64, largest = layers * longest * mib / 8;
  const bool they_grow = GENERATE(true, false);
  release_cached_memory();
  const MemoryStats before = memory_stats();
  for (int repeat = 0; repeat < 3; ++repeat)
    for (std::int64_t i = 0; i <= longest - shortest; ++i) {
      const std::int64_t length = they_grow ? shortest + i : shortest + i * 20 % (longest - shortest + 1);
      std::vector<Tensor> activations;
      for (std::int64_t layer = 0; layer < layers; ++layer) activations.push_back(of_bytes(length * mib / 8));
    }
  const MemoryStats after = memory_stats();
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(after.cached_bytes - before.cached_bytes < 2 * largest);
}

TEST_CASE("memory statistics count bytes in use, their peak and what is cached", "[memory]") {
  release_cached_memory();  // or a larger piece may serve
  const MemoryStats before = memory_stats();
  reset_peak_memory();
  CHECK(memory_stats().peak_bytes == before.bytes_in_use);
  constexpr std::int64_t asked = 3 * mib;
  std::int64_t held = 0;
  {
    const Tensor x = of_bytes(asked);
    held = memory_stats().bytes_in_use - before.bytes_in_use;
    CHECK(held >= asked);
    CHECK(held <= asked + asked / 8 + 1024);
    const Tensor view = x.window({4}, {1}, 0);  // holds no elements of its own
    CHECK(memory_stats().bytes_in_use - before.bytes_in_use <= held + 1024);
    { const Tensor second = of_bytes(asked); }
  }
  const MemoryStats after = memory_stats();
  CHECK(after.bytes_in_use == before.bytes_in_use);
  CHECK(after.peak_bytes >= before.bytes_in_use + 2 * held);
  CHECK(after.peak_bytes <= before.bytes_in_use + 2 * held + 1024);
  CHECK(after.cached_bytes >= 2 * held);
  reset_peak_memory();
  CHECK(memory_stats().peak_bytes == before.bytes_in_use);
}

TEST_CASE("cached memory can be given back to the system", "[memory]") {
  release_cached_memory();
  const std::int64_t of_slabs = memory_stats().cached_bytes;  // these do not go back to the system
  { const Tensor small = of_bytes(100000), large = of_bytes(10 * mib); }
  CHECK(memory_stats().cached_bytes >= of_slabs + 10 * mib);
  release_cached_memory();
  CHECK(memory_stats().cached_bytes < of_slabs + 65536);
  const std::int64_t before = system_allocations();
  { const Tensor large = of_bytes(10 * mib); }
  CHECK(system_allocations() == before + 1);
  release_cached_memory();
  std::thread(release_cached_memory).join();  // nor does a thread that never had any memory wait for ever
}

TEST_CASE("a thread that ends hands its pieces on", "[memory]") {
  const auto work = [] {
    std::vector<Tensor> tensors;
    for (int i = 0; i < 50; ++i)
      for (const std::int64_t bytes : {100, 1000, 10000, 300000}) tensors.push_back(of_bytes(bytes));
  };
  std::thread(work).join();
  const std::int64_t before = system_allocations();
  const std::int64_t in_use = memory_stats().bytes_in_use, cached = memory_stats().cached_bytes;
  for (int repeat = 0; repeat < 30; ++repeat) std::thread(work).join();
  CHECK(system_allocations() <= before + 3);  // the rest of a slab is cut smaller each time
  CHECK(memory_stats().bytes_in_use == in_use);
  CHECK(memory_stats().cached_bytes <= cached + 3 * 65536);
  release_cached_memory();  // what ended threads left of their slabs is not given back piece by piece
  work();
}

TEST_CASE("memory from one thread that another frees is used again", "[memory]") {
  // As a loader makes batches and a trainer frees them: 400 MiB pass from the first thread to the second.
  release_cached_memory();
  const MemoryStats before = memory_stats();
  std::mutex guard;
  std::condition_variable changed;
  std::deque<Tensor> queue;
  bool done = false;
  std::thread trainer([&] {
    for (;;) {
      std::unique_lock lock(guard);
      changed.wait(lock, [&] { return done || !queue.empty(); });
      if (queue.empty()) return;
      const Tensor batch = std::move(queue.front());
      queue.pop_front();
      changed.notify_all();
    }
  });
  for (int i = 0; i < 4096; ++i) {
    Tensor batch = of_bytes(100000);
    std::unique_lock lock(guard);
    changed.wait(lock, [&] { return queue.size() < 4; });
    queue.push_back(std::move(batch));
    changed.notify_all();
  }
  {
    const std::lock_guard lock(guard);
    done = true;
    changed.notify_all();
  }
  trainer.join();
  CHECK(memory_stats().bytes_in_use == before.bytes_in_use);
  CHECK(memory_stats().cached_bytes - before.cached_bytes < 32 * mib);
}

TEST_CASE("a tensor may outlive its thread's free lists", "[memory]") {
  const std::int64_t before = memory_stats().bytes_in_use;
  std::thread([] {
    static thread_local Tensor last;  // made before the thread's first piece, so it goes after the lists
    last = Tensor();
    last = of_bytes(1000);
    last = zeros({3});
  }).join();
  CHECK(memory_stats().bytes_in_use == before);
}

TEST_CASE("standard containers can live in pooled memory", "[memory]") {
  const std::int64_t before = memory_stats().bytes_in_use;
  {
    std::vector<double, memory::PoolAllocator<double>> values;
    for (int i = 0; i < 10000; ++i) values.push_back(i);
    CHECK(values[9999] == 9999);
    CHECK(memory_stats().bytes_in_use > before);
  }
  CHECK(memory_stats().bytes_in_use == before);
}

TEST_CASE("an allocation failure is OutOfMemory with the numbers, and leaks nothing", "[memory][error]") {
  const Tensor some = zeros({1000});
  const std::int64_t in_use = memory_stats().bytes_in_use;
  const std::string said = message_of([] { zeros({std::int64_t{1} << 43}); });
  CHECK(said.starts_with("[allocate] the system has no 351843720"));
  CHECK(said.ends_with(" bytes; " + std::to_string(in_use) + " are in use by tensors. Use a smaller batch?"));
  CHECK_THROWS_AS(zeros({std::int64_t{1} << 43}), OutOfMemory);
  CHECK_THROWS_AS(rand({std::int64_t{1} << 43}, f64), OutOfMemory);
  CHECK_THROWS_AS(zeros({std::int64_t{1} << 60}), OutOfMemory);
  CHECK(message_of([] { zeros({std::int64_t{1} << 62}); }) ==
        "[zeros] shape (4611686018427387904,) of f32 needs more than 2^63 bytes. Split the work?");
  CHECK(memory_stats().bytes_in_use == in_use);
}

TEST_CASE("where the system has no memory left, free pieces go back to it before an op fails",
          "[memory][error]") {
  if (!can_limit_memory) return;
  CHECK(holds_with_memory_left(300 * mib, [] {
    { const Tensor x = of_bytes(200 * mib); }
    const Tensor y = of_bytes(250 * mib);  // fits only once x's memory is given back
    return y.defined();
  }));
  CHECK(holds_with_memory_left(300 * mib, [] {
    const Tensor x = of_bytes(100 * mib);
    const std::int64_t in_use = memory_stats().bytes_in_use;
    try {
      of_bytes(400 * mib);
    } catch (const OutOfMemory&) {
      return memory_stats().bytes_in_use == in_use && of_bytes(mib).defined();
    }
    return false;
  }));
}
