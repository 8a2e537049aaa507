// Whole training steps, ours and a peer's:
//   ./gradus bench steps [--against torch] [--threads 1,2] [--filter TEXT] [--json FILE]
//   ./gradus bench steps --table FILE
//
// Each side runs in a process of its own: the peer's, or this program again, as `bench_steps worker MODEL
// THREADS`. Rounds alternate.
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <gradus/core/create.h>
#include <gradus/core/kernels/matmul.h>
#include <gradus/core/parallel.h>

#include "allocations.h"
#include "ceilings.h"
#include "child.h"
#include "report.h"
#include "speed_table.h"
#include "steps_models.h"
#include "worker.h"

namespace gradus::bench {
namespace {

namespace fs = std::filesystem;

// One side of a step: its process, and the ms of every batch it has measured.
class Side {
 public:
  Side(const std::vector<std::string>& command, const std::map<std::string, std::string>& settings)
      : child_(command, settings) {
    std::istringstream hello(child_.line());
    hello >> parameters_ >> fingerprint_ >> products_ >> std::ws;
    std::getline(hello, blas_);
  }

  const std::string& blas() const { return blas_; }
  std::int64_t parameters() const { return parameters_; }
  std::uint64_t fingerprint() const { return fingerprint_; }
  double products() const { return products_; }

  // One round; what it measured is added, and its median returned.
  double play(double seconds) {
    // The other side's idle threads spin for up to 0.1 s (OpenBLAS's pthread build).
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    std::istringstream answer(child_.ask("run " + std::to_string(seconds)));
    std::vector<double> round;
    for (double ms; answer >> ms;) round.push_back(ms);
    ms_.insert(ms_.end(), round.begin(), round.end());
    return bench::median(round);
  }
  void forget() { ms_.clear(); }
  double median() const { return bench::median(ms_); }
  double minimum() const { return *std::min_element(ms_.begin(), ms_.end()); }

  struct End {
    double peak_mb;      // beyond weights, gradients and both moments
    double allocations;  // of a step
  };
  End end() {
    std::istringstream answer(child_.ask("end"));
    End end{};
    answer >> end.peak_mb >> end.allocations;
    end.peak_mb -= 4 * sizeof(float) * static_cast<double>(parameters_) / (1 << 20);
    return end;
  }

 private:
  Child child_;
  std::string blas_;
  std::int64_t parameters_ = 0;
  std::uint64_t fingerprint_ = 0;
  double products_ = 0;
  std::vector<double> ms_;
};

const std::string this_program = fs::read_symlink("/proc/self/exe");
const std::string peer_program = (fs::path(this_program).parent_path() / "bench_steps_torch").string();

using Settings = std::map<std::string, std::string>;  // of the environment

// OpenBLAS's AVX-512 kernels, on a processor that it is too old to know and takes for a lesser one.
const Settings wide_kernels{{"OPENBLAS_CORETYPE", "SkylakeX"}};
bool has_wide_registers() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") > 0;
#else
  return false;
#endif
}

std::unique_ptr<Side> start_ours(const std::string& model, int threads, Settings settings = {}) {
  const std::string count = std::to_string(threads);
  settings["OMP_NUM_THREADS"] = count;
  return std::make_unique<Side>(std::vector<std::string>{this_program, "worker", model, count}, settings);
}

struct PeerSettings {
  int loops, blas;
  bool drowsy = false;  // BLAS's threads fall asleep soon after a product instead of 0.1 s later
  bool wide = false;    // with wide_kernels
};

std::unique_ptr<Side> start_peer(const std::string& model, const PeerSettings& chosen) {
  const std::string loops = std::to_string(chosen.loops);
  Settings settings = chosen.wide ? wide_kernels : Settings{};
  settings["OMP_NUM_THREADS"] = loops;
  settings["OPENBLAS_NUM_THREADS"] = std::to_string(chosen.blas);
  if (chosen.drowsy) settings["OPENBLAS_THREAD_TIMEOUT"] = "16";
  return std::make_unique<Side>(std::vector<std::string>{peer_program, model, loops}, settings);
}

constexpr double round_seconds = 0.25;

// How many operations of matrix products this machine does in a ms: those of a large square one, by OpenBLAS
// with one kind of kernels or another or by the library's own loops, whichever is quickest.
class Ceiling {
 public:
  explicit Ceiling(int threads) {
    sides_.push_back(start_ours("sgemm", threads));
    if (has_wide_registers()) sides_.push_back(start_ours("sgemm", threads, wide_kernels));
    sides_.push_back(start_ours("matmul", threads));
  }
  void play() {
    for (const auto& side : sides_) side->play(0.1);
  }
  void forget() {
    for (const auto& side : sides_) side->forget();
  }
  double products_per_ms() const {
    double most = 0;
    for (const auto& side : sides_) most = std::max(most, side->products() / side->median());
    return most;
  }
  // By OpenBLAS as it is.
  double blas_per_ms() const { return sides_[0]->products() / sides_[0]->median(); }

 private:
  std::vector<std::unique_ptr<Side>> sides_;
};

// The quickest of some settings.
PeerSettings best_of(const std::string& model, const std::vector<PeerSettings>& candidates) {
  if (candidates.size() == 1) return candidates[0];
  PeerSettings best{};
  double best_ms = 0;
  for (const PeerSettings& candidate : candidates) {
    const auto side = start_peer(model, candidate);
    side->play(round_seconds);
    const double ms = std::min(side->play(round_seconds), side->play(round_seconds));
    if (best_ms == 0 || ms < best_ms) best = candidate, best_ms = ms;
    side->end();
  }
  return best;
}

// The peer's best: its BLAS may take the processor for a lesser one; more threads than a small step can use
// slow it down, and its own threads and its BLAS's may stand in each other's way.
PeerSettings best_settings_of_peer(const std::string& model, int threads) {
  std::vector<PeerSettings> candidates{{threads, threads}};
  if (has_wide_registers()) candidates.push_back({threads, threads, false, true});
  const bool wide = best_of(model, candidates).wide;
  if (threads == 1) return {1, 1, false, wide};
  return best_of(model, {{threads, threads, false, wide},
                         {threads, threads, true, wide},
                         {1, threads, false, wide},
                         {threads, 1, false, wide},
                         {1, 1, false, wide}});
}

class StepsBench {
 public:
  explicit StepsBench(bool against_torch) : against_torch_(against_torch) {}

  void measure(const Model& measured, int threads) {
    const std::string model = measured.name;
    std::fprintf(stderr, "[bench] measuring %s, threads: %d\n", model.c_str(), threads);
    const auto ours = start_ours(model, threads);
    check_bits(model, *ours);
    std::unique_ptr<Side> peer;
    if (against_torch_) {
      const PeerSettings best = best_settings_of_peer(model, threads);
      peer = start_peer(model, best);
      if (peer->parameters() != ours->parameters())
        throw std::runtime_error("[bench] " + model + " has " + std::to_string(ours->parameters()) +
                                 " parameters here and " + std::to_string(peer->parameters()) +
                                 " in torch: two different models. Compare steps_*.cpp and peer_*.cpp?");
      if (threads > 1 || best.wide)
        notes_ += model + ", " + std::to_string(threads) + " thr: torch takes " + std::to_string(best.loops) +
                  " for loops, " + std::to_string(best.blas) + " for BLAS" +
                  (best.drowsy ? ", sleeping soon" : "") + (best.wide ? ", AVX-512" : "") + "\n";
    }
    Ceiling ceiling(threads);
    print_header(*ours, peer.get());
    const double slowest = std::max(ours->play(round_seconds), peer ? peer->play(round_seconds) : 0);
    ceiling.play();
    ours->forget();
    if (peer) peer->forget();
    ceiling.forget();
    const int rounds = slowest < 100 ? 10 : 5;
    for (int round = 0; round < rounds; ++round) {
      ours->play(round_seconds);
      if (peer) peer->play(round_seconds);
      ceiling.play();
    }
    report(measured, threads, *ours, peer.get(), ceiling);
  }

  const std::vector<JsonObject>& rows() const { return rows_; }
  std::string notes() const {
    std::string text = notes_;
    for (const auto& [threads, line] : ceilings_) text += line;
    return text;
  }

 private:
  // Any number of threads must make the same weights.
  void check_bits(const std::string& model, const Side& ours) {
    const auto [first, is_first] = fingerprints_.emplace(model, ours.fingerprint());
    if (!is_first && first->second != ours.fingerprint())
      throw std::runtime_error(
          "[bench] " + model +
          " trains to other weights with another number of threads. ./gradus test -R op?");
  }

  void print_header(const Side& ours, const Side* peer) {
    if (!rows_.empty()) return;
    std::printf("ours:  %s\n", ours.blas().c_str());
    if (peer) std::printf("torch: %s\n", peer->blas().c_str());
    const char* const above[] = {"",      "",       "ours", "ours", "torch", "torch",
                                 "torch", "tokens", "of",   "ours", "torch", "ours"};
    const char* const below[] = {"step",  "thr", "ms",    "least", "ms", "least",
                                 "/ours", "/ms", "floor", "MB",    "MB", "alloc"};
    for (const auto& words : {above, below})
      std::printf("%-11s %3s %6s %6s %6s %6s %5s %6s %5s %5s %5s %5s\n", words[0], words[1], words[2],
                  words[3], words[4], words[5], words[6], words[7], words[8], words[9], words[10], words[11]);
  }

  void report(const Model& model, int threads, Side& ours, Side* peer, const Ceiling& ceiling) {
    const Side::End end = ours.end();
    const double floor_share = ours.products() / ceiling.products_per_ms() / ours.median();
    std::optional<double> torch_ms, torch_least, ratio, torch_peak;
    if (peer) {
      torch_ms = peer->median();
      torch_least = peer->minimum();
      ratio = *torch_ms / ours.median();
      torch_peak = peer->end().peak_mb;
    }
    std::printf("%-12s %2d %6s %6s %6s %6s %5s %6s %4.0f%% %5s %5s %5s\n", model.name, threads,
                brief(ours.median(), 3).c_str(), brief(ours.minimum(), 3).c_str(), brief(torch_ms, 3).c_str(),
                brief(torch_least, 3).c_str(), brief(ratio, 3).c_str(),
                brief(static_cast<double>(model.tokens) / ours.median(), 3).c_str(), 100 * floor_share,
                brief(end.peak_mb, 3).c_str(), brief(torch_peak, 3).c_str(),
                brief(end.allocations, 3).c_str());
    std::fflush(stdout);
    ceilings_[threads] = "products of 1024 x 1024, " + std::to_string(threads) +
                         " thr: " + brief(1e-6 * ceiling.products_per_ms(), 3) + " GFLOP/s, by OpenBLAS " +
                         brief(1e-6 * ceiling.blas_per_ms(), 3) + "\n";
    rows_.push_back(JsonObject()
                        .add("name", model.name)
                        .add("threads", threads)
                        .add("ours_ms", ours.median())
                        .add("torch_ms", torch_ms)
                        .add("ratio", ratio)
                        .add("floor_share", floor_share)
                        .add("peak_mb", end.peak_mb)
                        .add("torch_peak_mb", torch_peak)
                        .add("allocations", end.allocations));
  }

  bool against_torch_;
  std::map<std::string, std::uint64_t> fingerprints_;  // of each model's weights
  std::vector<JsonObject> rows_;
  std::string notes_;
  std::map<int, std::string> ceilings_;  // by the number of threads
};

void measure_all(int count, char** words) {
  const Arguments arguments(count, words, "Measures whole training steps, alone or beside libtorch's.",
                            {{"--filter", "TEXT", "only rows whose name holds TEXT"},
                             {"--json", "FILE", "also write the table to FILE, as an array of objects"},
                             {"--against", "torch", "measure libtorch too, by turns"},
                             {"--threads", "LIST", "numbers of threads, such as 1,2"},
                             {"--table", "FILE", "measure nothing; print a FILE of --json as Markdown"}});
  if (const auto file = arguments.value("--table")) {
    std::printf("%s", speed_table(*file).c_str());
    return;
  }
  const auto peer = arguments.value("--against");
  if (peer && *peer != "torch") throw Misuse("there is no peer '" + *peer + "'. --against torch?");
  if (peer && !fs::exists(peer_program))
    throw Misuse("the torch side is not built; it needs libtorch-dev. ./gradus bench steps --against torch?");
  const std::vector<int> thread_counts = thread_counts_in(arguments.value("--threads"));
  const JsonFile json(arguments.value("--json"));

  StepsBench bench(peer.has_value());
  const std::string filter = arguments.value("--filter").value_or("");
  for (const Model& model : models())
    for (const int threads : thread_counts)
      if (std::string(model.name).find(filter) != std::string::npos) {
        bench.measure(model, threads);
        json.write(bench.rows());
      }
  if (bench.rows().empty()) throw Misuse("no step has '" + filter + "' in its name. Leave --filter out?");
  std::printf("%s", bench.notes().c_str());
}

// A square product by OpenBLAS or by the library, as a step.
Step product_step(bool by_blas, int threads) {
  const Product square{1024, 1024, 1024};
  const Tensor a = randn({square.m, square.k}), b = randn({square.k, square.n});
  return {.run = by_blas ? sgemm(square, threads) : Work([=] { kernels::matmul(a, b); }),
          .parameters = 0,
          .fingerprint = {},
          .products = square.flops(),
          .ops = {}};
}

void work(const std::string& name, int threads) {
  set_threads(threads);
  if (name == "sgemm" || name == "matmul")
    Worker(
        blas_description(), [&] { return product_step(name == "sgemm", threads); }, nullptr)
        .serve();
  for (const Model& model : models())
    if (model.name == name) Worker(blas_description(), model.make, system_allocations).serve();
}

void body(int count, char** words) {
  signal(SIGPIPE, SIG_IGN);
  if (count == 4 && words[1] == std::string("worker"))
    work(words[2], std::atoi(words[3]));
  else
    measure_all(count, words);
}

}  // namespace
}  // namespace gradus::bench

int main(int count, char** words) { return gradus::bench::run_program(gradus::bench::body, count, words); }
