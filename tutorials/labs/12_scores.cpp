// Dot products, scaled ones and additive scores, by the width of vectors and by the number of keys
//
// The last part of chapter 12, whole: three scores learn to find the key that a query asks for, each with
// three learning rates. Printed is the error of what is looked up.
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>

#include <gradus/tutorials/chapter.h>

using namespace gradus;

enum Score { dot, scaled, additive };

struct Task {
  std::int64_t d, keys;
};

// Keys with a value each, and a query that is one of the keys, in noise and read backwards. The error is that
// of the value which comes back.   1: a feature without which an additive score is odd
Tensor error(const nn::Attention& attention, Score score, const Task& task, std::int64_t batch) {
  const Tensor keys = randn({batch, task.keys, task.d}, f64), values = randn({batch, task.keys, 4}, f64);
  const Tensor right = one_hot(randint(0, task.keys, {batch, 1}), task.keys, f64);
  Tensor queries = flip(matmul(right, keys) + 0.5 * randn({batch, 1, task.d}, f64), -1);
  if (score == scaled) queries = queries / std::sqrt(task.d);
  const auto with_1 = [&](const Tensor& x) {
    return score == additive ? concat({x, ones({batch, x.size(1), 1}, f64)}, -1) : x;
  };
  return mse_loss(attention(with_1(queries), attention.memory(with_1(keys), values)), matmul(right, values));
}

double learn(Score score, const Task& task, double lr) {
  const std::int64_t width = score == additive ? task.d + 1 : task.d;
  nn::Attention attention({.score = score == additive ? nn::Score::additive : nn::Score::general,
                           .query = width,
                           .key = width,
                           .hidden = 32});
  attention.to(f64);
  optim::Adam optimiser(attention, {.lr = lr});
  for (int step = 0; step < 300; ++step) {
    const Tensor loss = error(attention, score, task, 32);
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
  }
  return error(attention, score, task, 500).item();
}

int main() {
  set_threads(1);  // the tensors are too small to share out
  std::printf(
      "seeds: 1 to %d\n\n  d   keys    rate   dot                      scaled                   additive\n",
      chapter::seeds);
  const Task tasks[] = {{16, 8}, {64, 8}, {256, 8}, {64, 32}, {64, 128}};
  optim::Progress progress(0, 5 * 3 * 3);
  int done = 0;
  for (const Task& task : tasks)
    for (const double rate : {0.003, 0.01, 0.03}) {
      std::printf("%3d   %4d   %5g", static_cast<int>(task.d), static_cast<int>(task.keys), rate);
      for (const Score score : {dot, scaled, additive}) {
        const chapter::Spread spread = chapter::over_seeds([&](int) { return learn(score, task, rate); });
        std::printf("   ");
        chapter::print(spread, 3);
        progress.show(++done, spread.mean);
      }
      std::printf("\n");
    }
}
