// Attention is a mean whose weights depend on what is asked: kernels, scores, and why scores are divided by
// a root. The page beside this file explains it part by part. ./gradus tutorial 12 [--figures DIR]
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. Pooling: at each place that is asked for, a mean of what was measured at other places.
struct Points {
  Tensor x, y;  // (n,)
};

Tensor truth(const Tensor& x) { return 2.0 * sin(x) + pow(x, 0.8); }

Points measure(std::int64_t n) {
  const Tensor x = sort(5.0 * rand({n}, f64)).values;
  return {x, truth(x) + 0.5 * randn({n}, f64)};
}

// How well n keys fit m queries: (m,) and (n,) to (m, n).
Tensor kernel_scores(const Tensor& queries, const Tensor& keys, const Tensor& width) {
  return -0.5 * square((queries.unsqueeze(1) - keys) / width);
}

enum Pooling { average, width_1, learned, learned_with_itself };
const char* const poolings[] = {"average", "width 1", "learned", "learned, with itself"};

Tensor width_of(Pooling pooling, const Points& points) {
  if (pooling < learned) return full({}, pooling == average ? 1e9 : 1, f64);
  const Tensor some = randperm(points.x.size(0)).slice(0, 0, 50), log_width = zeros({}, f64).requires_grad_();
  const Tensor queries = index_select(points.x, 0, some), target = index_select(points.y, 0, some);
  const Tensor itself = queries.unsqueeze(1) == points.x;
  optim::Adam optimiser({{"log width", log_width}}, {.lr = 0.2});
  for (int step = 0; step < 50; ++step) {
    Tensor scores = kernel_scores(queries, points.x, exp(log_width));
    if (pooling == learned) scores = masked_fill(scores, itself, -INFINITY);
    const Tensor loss = mse_loss(matmul(softmax(scores, 1), points.y), target);
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
  }
  return exp(log_width.detach());
}

void compare_poolings() {
  std::printf("points   pooling                error                mean width\n");
  const Tensor x = linspace(0, 5, 101, f64);
  for (const int n : {50, 500, 5000})
    for (int pooling = average; pooling <= (n == 50 ? learned_with_itself : learned); ++pooling) {
      double width_sum = 0;
      const auto error = [&](int) {
        const Points points = measure(n);
        const Tensor width = width_of(Pooling(pooling), points);
        width_sum += width.item();
        const Tensor y = matmul(softmax(kernel_scores(x, points.x, width), 1), points.y);
        return std::sqrt(mse_loss(y, truth(x)).item());
      };
      std::printf("%6d   %-20s   ", n, poolings[pooling]);
      chapter::print(chapter::over_seeds(error), 2);
      pooling == average ? std::printf("\n") : std::printf("   %10.2f\n", width_sum / chapter::seeds);
    }
}

// 2. Scores: how well a key fits a query, where both are vectors.
enum Score { dot, scaled, cosine, gaussian, general, additive_without_b, additive, general_scaled };
const char* const names[] = {"dot",     "scaled",         "cosine",   "Gaussian",
                             "general", "additive, no b", "additive", "general / root"};

Tensor weight(std::int64_t out, std::int64_t in) {
  return (randn({out, in}, f64) / std::sqrt(in)).requires_grad_();
}

struct Fit {
  Score score;
  std::int64_t d;
  Tensor W = weight(d, d), W_q = weight(32, d), W_k = weight(32, d), v = weight(1, 32);
  Tensor b = zeros({32}, f64).requires_grad_(), log_width = zeros({}, f64).requires_grad_();
  std::vector<NamedTensor> parameters = {{"W", W}, {"W_q", W_q}, {"W_k", W_k},
                                         {"v", v}, {"b", b},     {"log width", log_width}};

  // q: (B, m, d), k: (B, n, d) to (B, m, n)
  Tensor operator()(const Tensor& q, const Tensor& k) const {
    const auto product = [](const Tensor& q, const Tensor& k) { return matmul(q, k.transpose(1, 2)); };
    const auto direction = [](const Tensor& x) { return x / sqrt(sum(square(x), -1, keep_dims)); };
    const Tensor every_q = q.unsqueeze(2), every_k = k.unsqueeze(1);  // their difference: (B, m, n, d)
    if (score == dot) return product(q, k);
    if (score == scaled) return product(q, k) / std::sqrt(d);
    if (score == cosine) return product(direction(q), direction(k));
    if (score == gaussian) return -0.5 * sum(square((every_q - every_k) / exp(log_width)), -1);
    if (score == general) return product(q, linear(k, W));
    if (score == general_scaled) return product(q, linear(k, W)) / std::sqrt(d);
    const Tensor z = linear(every_q, W_q) + linear(every_k, W_k);  // (B, m, n, 32)
    return linear(tanh(score == additive ? z + b : z), v).squeeze(-1);
  }
};

enum Task { copies, lengths, other_order, nearest };
const char* const tasks[] = {"copies", "lengths", "other order", "nearest"};

struct Lookup {
  Tensor q, k, v;        // (B, 1, d), (B, 8, d), (B, 8, 4)
  Tensor right, wanted;  // (B, 1, 8): 1 at the key that q asks for; and its v, (B, 1, 4)
};

Lookup draw(Task task, std::int64_t batch, std::int64_t d) {
  Tensor q = randn({batch, 1, d}, f64), k = randn({batch, 8, d}, f64), v = randn({batch, 8, 4}, f64);
  const Tensor right = one_hot(task == nearest ? argmin(abs(q - k), 1) : randint(0, 8, {batch, 1}), 8, f64);
  if (task != nearest) q = matmul(right, k) + 0.5 * q;
  if (task == lengths) k = k * exp(3.0 * rand({batch, 8, 1}, f64) - 1.5);
  if (task == other_order) q = flip(q, -1);
  return {q, k, v, right, matmul(right, v)};
}

// The error of what is looked up, over five seeds, and how often the right key has the largest weight.
void learn(Score score, Task task, std::int64_t d, int steps) {
  double found = 0;
  const auto error = [&](int) {
    const Fit fit{score, d};
    optim::Adam optimiser(fit.parameters, {.lr = 0.01});
    for (int step = 0; score >= gaussian && step < steps; ++step) {
      const Lookup batch = draw(task, 32, d);
      const Tensor loss = mse_loss(matmul(softmax(fit(batch.q, batch.k), -1), batch.v), batch.wanted);
      optimiser.zero_grad();
      loss.backward();
      optimiser.step();
    }
    const Lookup test = draw(task, 1000, d);
    const Tensor weights = softmax(fit(test.q, test.k), -1);
    found += mean((argmax(weights, -1) == argmax(test.right, -1)).to(f64)).item() / chapter::seeds;
    return mse_loss(matmul(weights, test.v), test.wanted).item();
  };
  std::printf("%-14s   ", names[score]);
  chapter::print(chapter::over_seeds(error), 2);
  std::printf("   %3.0f %%\n", 100 * found);
}

// 3. The root: what softmax makes of the scores of random queries and keys.
void print_softmax(const char* form, std::int64_t d, double inside, double outside = 1) {
  manual_seed(1);
  const Tensor q = randn({600, 1, d}, f64), k = randn({600, 16, d}, f64), v = randn({600, 16, 4}, f64);
  const Tensor scores = (matmul(q, k.transpose(1, 2)) / inside).requires_grad_(), p = softmax(scores, -1);
  const Tensor dy = randn({600, 1, 4}, f64), w = p / outside, entropy = -1.0 * sum(p * log(p + 1e-300), -1);
  const Tensor g = sort(sqrt(sum(square(grad({matmul(w, v)}, {scores}, {dy})[0]), {1, 2}))).values;
  const auto average_of = [](const Tensor& x) { return mean(x.to(f64)).item(); };
  std::printf("%4d  %-17s  %4.1f  %6.1f  %5.1f %%  %7.2f  %7.2f  %5.3f  %8.2f  %6.0e\n", static_cast<int>(d),
              form, std::round(10 * average_of(scores)) / 10 + 0.0, average_of(square(scores)),
              100 * average_of(abs(scores - 1.0) < 0.1), average_of(entropy), average_of(max(w, -1)),
              average_of(sum(w, -1)), average_of(g), g[300].item());
}

std::vector<double> list(const Tensor& x) { return x.to_vector<double>(); }

void draw_poolings(const std::string& folder) {
  manual_seed(1);
  const Points points = measure(50);
  const Tensor x = linspace(0, 5, 51, f64);
  std::vector<figure::Panel> maps;
  figure::Panel curves{.x = {"x", 0, 5},
                       .y = {"y", -1, 5},
                       .lines = {{"truth", list(x), list(truth(x))}},
                       .points = {{"measured", list(points.x), list(points.y), 4}}};
  for (const Pooling pooling : {average, width_1, learned}) {
    const Tensor w = softmax(kernel_scores(x, points.x, width_of(pooling, points)), 1);
    curves.lines.push_back({poolings[pooling], list(x), list(matmul(w, points.y))});
    if (pooling == average) continue;
    maps.push_back({.title = poolings[pooling],
                    .x = {"key, in the order of x", 0, 50},
                    .y = {"query", 0, 5},
                    .cells = {list((w / max(w, 1, keep_dims)).slice(0, 0, 51, 3)), 17, 50}});
  }
  figure::write(folder + "/12_pooling.svg", {curves});
  figure::write(folder + "/12_weights.svg", maps, {.columns = 2, .width = 280, .height = 220});
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the tensors are too small to share out
  compare_poolings();
  for (const Task task : {copies, lengths, other_order, nearest}) {
    std::printf("\n%-14s   error                 found\n", tasks[task]);
    for (int score = dot; score <= additive; ++score)
      learn(Score(score), task, task == nearest ? 1 : 16, 300);
  }
  std::printf(
      "\n   d  weights            mean     var  1 +- 0.1  entropy  largest    sum  gradient  median\n");
  for (const int d : {1, 4, 16, 64, 256, 1024}) print_softmax("softmax(s)", d, 1);
  for (const int d : {1, 4, 16, 64, 256, 1024}) print_softmax("softmax(s / root)", d, std::sqrt(d));
  print_softmax("softmax(s) / root", 64, 1, 8);
  for (const int d : {16, 64, 256}) {
    std::printf("\nd = %-10d   error                 found\n", d);
    for (const Score score : {general, general_scaled}) learn(score, other_order, d, 100);
  }
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty()) draw_poolings(folder);
}
