#include <gradus/core/parallel.h>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gradus/core/check.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

// Sets the number of threads back when the test ends.
struct KeepThreads {
  int before = threads();
  ~KeepThreads() { set_threads(before); }
};

using Chunks = std::vector<std::pair<std::int64_t, std::int64_t>>;

Chunks chunks_of(std::int64_t size, std::int64_t grain) {
  Chunks chunks;
  std::mutex guard;
  parallel_for(size, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(guard);
    chunks.emplace_back(begin, end);
  });
  std::sort(chunks.begin(), chunks.end());
  return chunks;
}

// What this program, started again with one hidden test, says its number of threads is.
int threads_of_child(const std::string& environment) {
  std::array<char, 4096> path{};
  if (readlink("/proc/self/exe", path.data(), path.size() - 1) < 0) return -1;
  const std::string command = environment + " '" + path.data() + "' '[.threads_of_child]'";
  std::FILE* const out = popen(command.c_str(), "r");
  std::string text;
  for (int c; (c = std::fgetc(out)) != EOF;) text += static_cast<char>(c);
  pclose(out);
  const std::size_t at = text.find("threads: ");
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + 9);
}

}  // namespace

TEST_CASE("parallel_for covers each index once", "[parallel]") {
  const KeepThreads keep;
  for (const int count : {1, 2, 3, 7}) {
    set_threads(count);
    for (const std::int64_t size : {0, 1, 2, 9, 10, 11, 1000})
      for (const std::int64_t grain : {1, 2, 10, 999, 1000, 5000}) {
        std::vector<std::atomic<int>> times(static_cast<std::size_t>(size));
        parallel_for(size, grain, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++times[static_cast<std::size_t>(i)];
        });
        CHECK(std::all_of(times.begin(), times.end(), [](const auto& n) { return n == 1; }));
      }
  }
}

TEST_CASE("chunks are the same for any number of threads", "[parallel]") {
  const KeepThreads keep;
  set_threads(1);
  const Chunks alone = chunks_of(1003, 100);
  CHECK(alone.size() == 11);
  CHECK(alone.back() == std::pair<std::int64_t, std::int64_t>{1000, 1003});
  for (const int count : {2, 3, 16}) {
    set_threads(count);
    CHECK(chunks_of(1003, 100) == alone);
  }
}

TEST_CASE("a loop of one chunk starts no threads", "[parallel]") {
  const KeepThreads keep;
  set_threads(2);
  const std::int64_t before = parallel_regions();
  const std::thread::id self = std::this_thread::get_id();
  parallel_for(100, 100, [&](std::int64_t, std::int64_t) { CHECK(std::this_thread::get_id() == self); });
  CHECK(parallel_regions() == before);
  parallel_for(101, 100, [](std::int64_t, std::int64_t) {});
  CHECK(parallel_regions() == before + 1);
}

TEST_CASE("tasks do run on several threads", "[parallel]") {
  const KeepThreads keep;
  set_threads(3);
  std::vector<std::thread::id> who(3);
  parallel_tasks(3, [&](std::int64_t i) { who[static_cast<std::size_t>(i)] = std::this_thread::get_id(); });
  CHECK(who[0] != who[1]);
  CHECK(who[1] != who[2]);
  CHECK(who[0] != who[2]);
}

TEST_CASE("an exception inside a parallel region comes out as an exception", "[parallel][error]") {
  struct Unusual : std::runtime_error {
    int number;
    explicit Unusual(int n) : std::runtime_error("unusual"), number(n) {}
  };
  const KeepThreads keep;
  for (const int count : {1, 4}) {
    set_threads(count);
    int caught = -1;
    try {
      parallel_tasks(100, [](std::int64_t i) {
        if (i == 37) throw Unusual(static_cast<int>(i));
      });
    } catch (const Unusual& error) {
      caught = error.number;
    }
    CHECK(caught == 37);
    // Where all tasks throw, one of their exceptions comes out.
    CHECK_THROWS_AS(parallel_tasks(100, [](std::int64_t i) { throw Unusual(static_cast<int>(i)); }), Unusual);
    CHECK(message_of([] {
            parallel_for(100, 1, [](std::int64_t, std::int64_t) { fail("op", "it went wrong. Try again?"); });
          }) == "[op] it went wrong. Try again?");
  }
}

TEST_CASE("a call inside a task runs on the task's own thread", "[parallel]") {
  const KeepThreads keep;
  set_threads(2);
  std::atomic<int> done = 0;
  std::atomic<bool> elsewhere = false;
  parallel_tasks(4, [&](std::int64_t) {
    const std::thread::id self = std::this_thread::get_id();
    parallel_for(50, 1, [&](std::int64_t begin, std::int64_t end) {
      done += static_cast<int>(end - begin);
      if (std::this_thread::get_id() != self) elsewhere = true;
    });
  });
  CHECK(done == 200);
  CHECK_FALSE(elsewhere);
}

TEST_CASE("user threads may run parallel loops at once", "[parallel]") {
  const KeepThreads keep;
  set_threads(2);
  std::array<std::atomic<std::int64_t>, 4> sums{};
  std::vector<std::thread> users;
  for (auto& sum : sums)
    users.emplace_back([&sum] {
      for (int repeat = 0; repeat < 20; ++repeat)
        parallel_for(100, 7, [&sum](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) sum += i;
        });
    });
  for (std::thread& user : users) user.join();
  for (const auto& sum : sums) CHECK(sum == 20 * 4950);
}

TEST_CASE("set_threads refuses 0 and less, and changes nothing", "[parallel][error]") {
  const KeepThreads keep;
  set_threads(3);
  CHECK(message_of([] { set_threads(0); }) == "[set_threads] needs at least one thread, not 0.");
  CHECK(message_of([] { set_threads(-2); }) == "[set_threads] needs at least one thread, not -2.");
  CHECK(threads() == 3);
}

TEST_CASE("a container's CPU quota counts, rounded up to whole cores", "[parallel]") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("gradus_quota_" + std::to_string(getpid()));
  fs::create_directories(folder / "cpu");
  const auto write = [&](const char* file, const char* text) { std::ofstream(folder / file) << text; };
  CHECK(detail::cores_by_quota(folder) == 0);  // nothing is said of a quota
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  CHECK(detail::cores_by_quota(folder) == 0);
  write("cpu/cpu.cfs_quota_us", "250000\n");
  CHECK(detail::cores_by_quota(folder) == 3);
  write("cpu.max", "max 100000\n");
  CHECK(detail::cores_by_quota(folder) == 0);
  write("cpu.max", "200000 100000\n");
  CHECK(detail::cores_by_quota(folder) == 2);
  write("cpu.max", "50000 100000\n");
  CHECK(detail::cores_by_quota(folder) == 1);
  fs::remove_all(folder);
}

TEST_CASE("says its number of threads", "[.threads_of_child]") { std::printf("threads: %d\n", threads()); }

TEST_CASE("the thread count is OMP_NUM_THREADS, else the cores this process may use", "[parallel]") {
  CHECK(threads_of_child("OMP_NUM_THREADS=3") == 3);
  CHECK(threads_of_child("OMP_NUM_THREADS=1") == 1);
  cpu_set_t before, one;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  const int on_one_core = threads_of_child("env -u OMP_NUM_THREADS");
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
  CHECK(on_one_core == 1);
  const int on_all_cores = threads_of_child("env -u OMP_NUM_THREADS");
  CHECK(on_all_cores >= 1);
  CHECK(on_all_cores <= CPU_COUNT(&before));
}
