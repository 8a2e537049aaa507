// Ways to tell attention where a word stands, by learning rate and by the length of what is learned from
//
// The nets of chapter 15, trained five times as long: first from sequences of up to 16 words, with three
// learning rates, then from up to 64 with the middle one. Printed is how many words in a hundred are right.
// Words 1 and 2, of which one task asks nothing, are left out.
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>

using namespace gradus;
using nn::Position;

constexpr std::int64_t symbols = 10;
constexpr int steps = 2000;

// 1. Nets that are told positions in one way or another.
struct Way {
  const char* name;
  Position position;                  // what is added
  std::int64_t words = 32;            // features of a word
  Tensor beside = {};                 // rows that stand beside the words
  std::int64_t heads = 4, first = 0;  // first: the position of the first word
};

std::vector<Way> all_ways(std::int64_t longest) {
  const Tensor p = arange(0, static_cast<double>(longest)).unsqueeze(1);
  return {{"none", Position::none},
          {"index", Position::index},
          {"index from 10000", Position::index, 32, {}, 4, 10000},
          {"index / (T - 1)", Position::normalised},
          {"index beside", Position::none, 31, p},
          {"one-hot beside", Position::none, 32, eye(longest)},
          {"learned", Position::learned},
          {"sinusoids", Position::sinusoidal},
          {"sinusoids, half", Position::none, 16, nn::sinusoids(longest, 16)},
          {"sinusoids beside", Position::none, 32, nn::sinusoids(longest, 32)},
          {"turned", Position::rotary},
          {"turned, one head", Position::rotary, 32, {}, 1}};
}

struct Net : nn::ModuleOf<Net> {
  Net(const Way& way, std::int64_t longest) : way(way), longest(longest) {}

  Tensor operator()(const Tensor& ids) const {  // (B, T) to (B, T, symbols)
    Tensor x = positions(words(ids), way.first);
    if (way.beside.defined())
      x = concat({x, way.beside.slice(0, 0, ids.size(1)).expand({ids.size(0), -1, -1})}, -1);
    return head(x + attention(x));
  }

  Way way;
  std::int64_t longest;
  std::int64_t width = way.words + (way.beside.defined() ? way.beside.size(1) : 0);
  std::int64_t turns = longest * (way.position == Position::rotary);
  nn::Embedding words{{.count = symbols, .width = way.words}};
  nn::PositionalEncoding positions{{.width = way.words, .position = way.position, .max_length = longest}};
  nn::MultiHeadAttention attention{{.width = width, .heads = way.heads, .rotary = turns}};
  nn::Linear head{{.in = width, .out = symbols}};

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("words", self.words);
    visit.module("positions", self.positions);
    visit.module("attention", self.attention);
    visit.module("head", self.head);
  }
};

// 2. What they learn.
enum Task { two_back, pairs };

// For each word the one two words before it, or, of each two words, the other one.
Tensor wanted(Task task, const Tensor& ids) {
  const std::int64_t B = ids.size(0), T = ids.size(1);
  if (task == pairs) return flip(ids.reshape({B, T / 2, 2}), 2).reshape({B, T});
  return concat({full({B, 2}, -100, i64), ids.slice(1, 0, T - 2)}, 1);
}

// Up to the length in training, up to half as far again, and up to twice as far.
using Right = std::array<double, 3>;

struct Run {
  Task task;
  double lr;
  std::uint64_t seed;
  std::int64_t trained;
  Net net;
  Right right = {};
};

void learn(Run& run) {
  Generator draws(run.seed);
  optim::Adam optimiser(run.net, {.lr = run.lr});
  const optim::Cosine schedule{.lr = run.lr, .steps = steps, .warmup = 50};
  for (int step = 0; step < steps; ++step) {
    const Tensor ids = randint(0, symbols, {16, 4 + 2 * (step % (run.trained / 2 - 1))}, draws);
    optimiser.set_lr(schedule(step));
    optimiser.zero_grad();
    cross_entropy(run.net(ids), wanted(run.task, ids)).backward();
    optimiser.step();
  }
  const auto test = [&](std::int64_t T, std::int64_t from, std::int64_t to) {
    const Tensor ids = randint(0, symbols, {200, T}, draws),
                 said = argmax(no_grad([&] { return run.net(ids); }), -1);
    return 100 * mean((said == wanted(run.task, ids)).slice(1, from, to).to(f64)).item();
  };
  const std::int64_t T = run.trained;
  run.right = {test(T, 2, T), test(2 * T, T, T + T / 2), test(2 * T, T + T / 2, 2 * T)};
}

// 3. All of them, two at a time; then mean and range over the seeds.
void print_columns(const std::vector<Run>& runs, std::size_t first) {
  for (std::size_t column = 0; column < 3; ++column) {
    chapter::Spread spread;
    for (std::size_t i = first; i < first + chapter::seeds; ++i) {
      const double x = runs[i].right[column];
      spread = {spread.mean + x / chapter::seeds, std::min(spread.low, x), std::max(spread.high, x)};
    }
    std::printf("   ");
    chapter::print(spread, 1, 5);
  }
  std::printf("\n");
}

void compare(std::int64_t trained, std::size_t first_way, const std::vector<double>& rates) {
  const std::vector<Way> ways = all_ways(2 * trained);
  std::vector<Run> runs;
  for (const Task task : {two_back, pairs})
    for (std::size_t way = first_way; way < ways.size(); ++way)
      for (const double lr : rates)
        for (std::uint64_t seed = 1; seed <= chapter::seeds; ++seed) {
          manual_seed(seed);
          runs.push_back({task, lr, seed, trained, Net(ways[way], 2 * trained)});
        }
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < runs.size(); i += 2) {
      learn(runs[i]);
      if (runs[i].seed == 1)
        std::fprintf(stderr, "%zu of %zu: %s, %.1f %%\n", i + 1, runs.size(), runs[i].net.way.name,
                     runs[i].right[0]);
    }
  };
  {
    const std::jthread odd([&] { every_second(1); });
    every_second(0);
  }
  for (std::size_t i = 0; i < runs.size(); i += chapter::seeds) {
    if (i == 0 || runs[i].task != runs[i - 1].task) {
      const int n = static_cast<int>(trained);
      std::printf("\n%-16s    rate   3 to %-17d   %2d to %-16d   %2d to %d\n",
                  runs[i].task == two_back ? "two back" : "pairs", n, n + 1, n + n / 2, n + n / 2 + 1, 2 * n);
    }
    std::printf("%-16s   %5g", runs[i].net.way.name, runs[i].lr);
    print_columns(runs, i);
  }
}

int main() {
  set_threads(1);  // each of two nets at a time has a thread
  std::printf("seeds: 1 to %d\n%d steps of 16 sequences\n", chapter::seeds, steps);
  compare(16, 0, {0.003, 0.01, 0.03});
  compare(64, 6, {0.01});
}
