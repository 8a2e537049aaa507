// Whole training steps, ours and a peer's:
//   ./gradus bench steps [--against torch] [--threads 1,2] [--filter TEXT] [--json FILE]
//
// Each side runs in a process of its own (this program again, or the peer's); rounds alternate.
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <gradus/core/parallel.h>

#include "allocations.h"
#include "ceilings.h"
#include "child.h"
#include "report.h"
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
    hello >> parameters_ >> fingerprint_ >> std::ws;
    std::getline(hello, blas_);
  }

  const std::string& blas() const { return blas_; }
  std::int64_t parameters() const { return parameters_; }
  std::uint64_t fingerprint() const { return fingerprint_; }

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
    double peak_mb, allocations;
  };
  End end() {
    std::istringstream answer(child_.ask("end"));
    End end{};
    answer >> end.peak_mb >> end.allocations;
    return end;
  }

 private:
  Child child_;
  std::string blas_;
  std::int64_t parameters_ = 0;
  std::uint64_t fingerprint_ = 0;
  std::vector<double> ms_;
};

const std::string this_program = fs::read_symlink("/proc/self/exe");
const std::string peer_program = (fs::path(this_program).parent_path() / "bench_steps_torch").string();

std::unique_ptr<Side> start_ours(const std::string& model, int threads) {
  const std::string count = std::to_string(threads);
  return std::make_unique<Side>(std::vector<std::string>{this_program, "worker", model, count},
                                std::map<std::string, std::string>{{"OMP_NUM_THREADS", count}});
}

struct PeerThreads {
  int loops, blas;
  bool drowsy = false;  // BLAS's threads fall asleep soon after a product instead of 0.1 s later
};

std::unique_ptr<Side> start_peer(const std::string& model, const PeerThreads& threads) {
  const std::string loops = std::to_string(threads.loops);
  std::map<std::string, std::string> settings{{"OMP_NUM_THREADS", loops},
                                              {"OPENBLAS_NUM_THREADS", std::to_string(threads.blas)}};
  if (threads.drowsy) settings["OPENBLAS_THREAD_TIMEOUT"] = "16";
  return std::make_unique<Side>(std::vector<std::string>{peer_program, model, loops}, settings);
}

constexpr double round_seconds = 0.25;

// The peer's best: more threads than a small step can use slow it down, and its own threads and its BLAS's
// may stand in each other's way.
PeerThreads best_threads_of_peer(const std::string& model, int threads) {
  std::vector<PeerThreads> candidates{{threads, threads}};
  if (threads > 1)
    candidates.insert(candidates.end(), {{threads, threads, true}, {1, threads}, {threads, 1}, {1, 1}});
  if (candidates.size() == 1) return candidates[0];
  PeerThreads best{};
  double best_ms = 0;
  for (const PeerThreads& candidate : candidates) {
    const auto side = start_peer(model, candidate);
    side->play(round_seconds);
    const double ms = std::min(side->play(round_seconds), side->play(round_seconds));
    if (best_ms == 0 || ms < best_ms) best = candidate, best_ms = ms;
    side->end();
  }
  return best;
}

class StepsBench {
 public:
  explicit StepsBench(bool against_torch) : against_torch_(against_torch) {}

  void measure(const std::string& model, int threads) {
    std::fprintf(stderr, "[bench] measuring %s, threads: %d\n", model.c_str(), threads);
    const auto ours = start_ours(model, threads);
    check_bits(model, *ours);
    std::unique_ptr<Side> peer;
    if (against_torch_) {
      const PeerThreads best = best_threads_of_peer(model, threads);
      peer = start_peer(model, best);
      if (peer->parameters() != ours->parameters())
        throw std::runtime_error("[bench] " + model + " has " + std::to_string(ours->parameters()) +
                                 " parameters here and " + std::to_string(peer->parameters()) +
                                 " in torch: two different models. Make them alike?");
      if (threads > 1)
        notes_ += model + ", " + std::to_string(threads) + " threads: torch is quickest with " +
                  std::to_string(best.loops) + " for its loops and " + std::to_string(best.blas) +
                  " for its BLAS" + (best.drowsy ? ", which sleep soon\n" : "\n");
    }
    print_header(*ours, peer.get());
    const double slowest = std::max(ours->play(round_seconds), peer ? peer->play(round_seconds) : 0);
    ours->forget();
    if (peer) peer->forget();
    const int rounds = slowest < 100 ? 10 : 5;
    for (int round = 0; round < rounds; ++round) {
      ours->play(round_seconds);
      if (peer) peer->play(round_seconds);
    }
    report(model, threads, *ours, peer.get());
  }

  const std::vector<JsonObject>& rows() const { return rows_; }
  const std::string& notes() const { return notes_; }

 private:
  // Any number of threads must make the same weights.
  void check_bits(const std::string& model, const Side& ours) {
    const auto [first, is_first] = fingerprints_.emplace(model, ours.fingerprint());
    if (!is_first && first->second != ours.fingerprint())
      throw std::runtime_error("[bench] " + model +
                               " trains to other weights with another number of threads. Which op?");
  }

  void print_header(const Side& ours, const Side* peer) {
    if (!rows_.empty()) return;
    std::printf("ours:  %s\n", ours.blas().c_str());
    if (peer) std::printf("torch: %s\n", peer->blas().c_str());
    std::printf("%-13s %3s %8s %8s %8s %8s %6s %6s %6s %5s\n", "", "", "ours", "ours", "torch", "torch",
                "torch", "ours", "torch", "ours");
    std::printf("%-13s %3s %8s %8s %8s %8s %6s %6s %6s %5s\n", "step", "thr", "ms", "least", "ms", "least",
                "/ours", "MB", "MB", "alloc");
  }

  void report(const std::string& model, int threads, Side& ours, Side* peer) {
    const Side::End end = ours.end();
    std::optional<double> torch_ms, torch_least, ratio, torch_peak;
    if (peer) {
      torch_ms = peer->median();
      torch_least = peer->minimum();
      ratio = *torch_ms / ours.median();
      torch_peak = peer->end().peak_mb;
    }
    std::printf("%-13s %3d %8s %8s %8s %8s %6s %6s %6s %5s\n", model.c_str(), threads,
                brief(ours.median()).c_str(), brief(ours.minimum()).c_str(), brief(torch_ms).c_str(),
                brief(torch_least).c_str(), brief(ratio).c_str(), brief(end.peak_mb).c_str(),
                brief(torch_peak).c_str(), brief(end.allocations).c_str());
    std::fflush(stdout);
    rows_.push_back(JsonObject()
                        .add("name", model)
                        .add("threads", threads)
                        .add("ours_ms", ours.median())
                        .add("torch_ms", torch_ms)
                        .add("ratio", ratio)
                        .add("floor_share", std::nullopt)
                        .add("peak_mb", end.peak_mb)
                        .add("torch_peak_mb", torch_peak)
                        .add("allocations", end.allocations));
  }

  bool against_torch_;
  std::map<std::string, std::uint64_t> fingerprints_;  // of each model's weights
  std::vector<JsonObject> rows_;
  std::string notes_;
};

// "1,2" as numbers.
std::vector<int> thread_counts_in(const std::string& text) {
  std::vector<int> counts;
  std::istringstream words(text);
  for (std::string word; std::getline(words, word, ',');) {
    if (word.empty() || word.size() > 4 || word.find_first_not_of("0123456789") != std::string::npos ||
        word.find_first_not_of('0') == std::string::npos)
      throw Misuse("--threads takes numbers above 0 such as 1,2 and not '" + text + "'.");
    counts.push_back(std::stoi(word));
  }
  return counts;
}

void measure_all(int count, char** words) {
  const Arguments arguments(count, words, "Measures whole training steps, alone or beside libtorch's.",
                            {{"--filter", "TEXT", "only rows whose name holds TEXT"},
                             {"--json", "FILE", "also write the table to FILE, as an array of objects"},
                             {"--against", "torch", "measure libtorch too, by turns"},
                             {"--threads", "LIST", "numbers of threads, such as 1,2"}});
  const auto json = arguments.value("--json");
  const auto peer = arguments.value("--against");
  if (peer && *peer != "torch") throw Misuse("there is no peer '" + *peer + "'. --against torch?");
  if (peer && !fs::exists(peer_program))
    throw Misuse("the torch side is not built; it needs libtorch-dev. ./gradus bench steps --against torch?");
  const std::string usual = threads() > 1 ? "1,2" : "1";
  const std::vector<int> thread_counts = thread_counts_in(arguments.value("--threads").value_or(usual));
  if (json) check_writable(*json);

  StepsBench bench(peer.has_value());
  const std::string filter = arguments.value("--filter").value_or("");
  for (const Model& model : models())
    for (const int threads : thread_counts)
      if (std::string(model.name).find(filter) != std::string::npos) bench.measure(model.name, threads);
  if (bench.rows().empty()) throw Misuse("no step has '" + filter + "' in its name. Leave --filter out?");
  std::printf("%s", bench.notes().c_str());
  if (json) write_json(*json, bench.rows());
}

void work(const std::string& name, int threads) {
  set_threads(threads);
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
