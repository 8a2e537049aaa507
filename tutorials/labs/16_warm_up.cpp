// What warm-up is for: norms, learning rates and Adam's averages
//
// The nets of chapter 16, which write digits as they were read: six layers on each side, 200 batches of 16.
// First, how far off Adam's average of squares is after few batches. Then four ways to begin, each with five
// rates: the loss of the last 20 batches.
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>

using namespace gradus;
using models::Transformer, nn::NormPlace;

constexpr int steps = 200, window = 20;
constexpr data::DecoderIds special{.begin = 1, .end = 2, .padding = 0};

std::vector<data::IdsPair> digits() {
  const data::Probe probe = data::copying(10, 3, 8);
  std::vector<data::IdsPair> pairs;
  for (int i = 0; i < 16 * (steps + 50); ++i) {
    data::Ids ids = probe.example(1, i, data::Split::train).input;
    for (std::int64_t& id : ids) id += 3;
    pairs.push_back({ids, ids});
  }
  return pairs;
}

data::Source<data::PairBatch> batches(std::uint64_t seed) {
  return data::pair_batches(digits(), {.size = {.sequences = 16}, .ids = special, .seed = seed});
}

Transformer make(NormPlace norm, std::uint64_t seed) {
  manual_seed(seed);
  return Transformer({.source_vocabulary = 13,
                      .target_vocabulary = 13,
                      .padding = special.padding,
                      .width = 32,
                      .hidden = 64,
                      .encoder_layers = 6,
                      .decoder_layers = 6,
                      .norm = norm});
}

const char* name(NormPlace place) { return place == NormPlace::post ? "post" : "pre"; }

Tensor loss_of(const Transformer& model, const data::PairBatch& batch) {
  return cross_entropy(model(batch.source, batch.target.input), batch.target.target);
}

template <class Value>
void print(const Value& value, int digits, int width) {
  chapter::Spread spread;
  for (int seed = 1; seed <= chapter::seeds; ++seed) {
    const double x = value(seed);
    spread = {spread.mean + x / chapter::seeds, std::min(spread.low, x), std::max(spread.high, x)};
  }
  std::printf("   ");
  chapter::print(spread, digits, width);
}

// 1. The mean of g^2 over so many batches, of all weights in matrices, while no weight moves.
constexpr int counts[] = {1, 2, 5, 10, 50, 200};

std::vector<Tensor> means_of_squares(NormPlace norm, std::uint64_t seed) {
  const Transformer model = make(norm, seed);
  std::vector<Tensor> matrices, means;
  for (const NamedTensor& parameter : model.parameters())
    if (parameter.value.shape().rank() == 2) matrices.push_back(parameter.value);
  Tensor sum = tensor(0.0);
  data::Source<data::PairBatch> source = batches(seed);
  for (int n = 1; n <= counts[5]; ++n) {
    std::vector<Tensor> gradients = grad({loss_of(model, source.next())}, matrices);
    for (Tensor& g : gradients) g = square(g).flatten();
    sum = sum + concat(gradients, 0);
    if (std::ranges::count(counts, n) > 0) means.push_back(sum / n);
  }
  return means;
}

// Adam divides by the root. So where the mean is less than a quarter of that of 200 batches, its step is more
// than twice as large as it would be with that.
void compare_averages() {
  std::printf("\nbatches   post              pre\n");
  std::vector<std::vector<Tensor>> means[2];  // by norm, seed and count
  for (int place = 0; place < 2; ++place)
    for (int seed = 1; seed <= chapter::seeds; ++seed)
      means[place].push_back(means_of_squares(place == 0 ? NormPlace::post : NormPlace::pre, seed));
  for (int k = 0; k < 5; ++k) {
    std::printf("%7d", counts[k]);
    for (const auto& by_seed : means)
      print(
          [&](int seed) {
            const std::vector<Tensor>& of = by_seed[seed - 1];
            return 100 * mean((4.0 * of[k] < of.back()).to(f64)).item();
          },
          0, 2);
    std::printf("\n");
  }
}

// 2. The rate rises for `rise` steps. Before that it is 0 for `still` steps, in which Adam averages and no
// weight moves. After it, `forget` sets all averages back to zero.
struct Start {
  const char* name;
  int still = 0, rise = 0;
  bool forget = false;
};

struct Run {
  NormPlace norm;
  Start start;
  double lr;
  std::uint64_t seed;
  Transformer model = make(norm, seed);
  double loss = 0;
};

void learn(Run& run) {
  data::Source<data::PairBatch> source = batches(run.seed);
  optim::Adam optimiser(run.model, {.lr = run.lr, .beta2 = 0.98});
  const optim::Cosine schedule{.lr = run.lr, .steps = steps, .warmup = run.start.rise};
  std::vector<double> losses;
  for (int step = -run.start.still; step < steps; ++step) {
    if (run.start.forget && step == run.start.rise)
      for (const NamedTensor& state : optimiser.state()) Tensor(state.value).zero_();
    const Tensor loss = loss_of(run.model, source.next());
    optimiser.set_lr(step < 0 ? 0 : schedule(step));
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
    losses.push_back(loss.item());
  }
  run.loss = std::accumulate(losses.end() - window, losses.end(), 0.0) / window;
}

void compare_starts() {
  std::vector<Run> runs;
  for (const NormPlace norm : {NormPlace::post, NormPlace::pre})
    for (const Start& start : {Start{"at once"}, Start{"warm-up", 0, 50}, Start{"averages first", 50},
                               Start{"forgotten", 0, 50, true}})
      for (const double lr : {0.001, 0.002, 0.005, 0.01, 0.02})
        for (std::uint64_t seed = 1; seed <= chapter::seeds; ++seed)
          runs.push_back({.norm = norm, .start = start, .lr = lr, .seed = seed});
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < runs.size(); i += 2) {
      learn(runs[i]);
      if (runs[i].seed == 1)
        std::fprintf(stderr, "%zu of %zu: %s, %.2f\n", i + 1, runs.size(), runs[i].start.name, runs[i].loss);
    }
  };
  {
    const std::jthread odd([&] { every_second(1); });
    every_second(0);
  }
  for (std::size_t i = 0; i < runs.size(); i += chapter::seeds) {
    if (i == 0 || runs[i].norm != runs[i - 1].norm)
      std::printf(
          "\n%-4s             0.001                 0.002                 0.005                 0.01"
          "                  0.02",
          name(runs[i].norm));
    if (runs[i].lr == 0.001) std::printf("\n%-14s", runs[i].start.name);
    print([&](int seed) { return runs[i + seed - 1].loss; }, 2, 4);
  }
  std::printf("\n");
}

int main() {
  set_threads(1);  // each of two nets at a time has a thread
  std::printf("seeds: 1 to %d\n", chapter::seeds);
  compare_averages();
  compare_starts();
}
