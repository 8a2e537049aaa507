// Recurrent nets, convolutions and self-attention: what a layer costs, how many of its steps wait for each
// other, how far it hears. The page beside this file explains it. ./gradus tutorial 22 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;
using Count = std::int64_t;

// 1. A layer of each kind, of B sequences.   x: (B, n, d)
Tensor rnn(const Tensor& x, const Tensor& W) {  // (2, d, d)
  const Tensor Wx = linear(x, W[0]);
  std::vector<Tensor> h{zeros({x.size(0), x.size(2)}, f64)};
  for (Count t = 0; t < x.size(1); ++t) h.push_back(tanh(Wx.select(1, t) + linear(h.back(), W[1])));
  return stack({h.begin() + 1, h.end()}, 1);
}

// Each place hears k places, its own and some before it. The first ones, which would hear fewer, go.
Tensor convolution(const Tensor& x, const Tensor& w, Count dilation = 1) {  // (d, d, k)
  return tanh(conv1d(x.t(), w, {}, {.dilation = dilation})).t();
}

Tensor scores_and_means(const Tensor& q, const Tensor& k, const Tensor& v) {
  return matmul(softmax(matmul(q, k.t()) / std::sqrt(q.size(2)), 2), v);
}
Tensor attention(const Tensor& x, const Tensor& W) {  // (4, d, d)
  return linear(scores_and_means(linear(x, W[0]), linear(x, W[1]), linear(x, W[2])), W[3]);
}

// Numbers that keep the variance at 1 where so many inputs meet them. What they do is recorded.
Tensor random(const Shape& shape, Count inputs = 1) {
  return (randn(shape, f64) / std::sqrt(inputs)).requires_grad_();
}

enum Layer { recurrent, window, picture, scores, attending };  // of a picture: n pixels in rows of 8
Tensor run(Layer layer, Count n, Count d, Count k = 3) {
  const Tensor x = random({1, n, d}), W = random({4, d, d}, d);
  if (layer == recurrent) return rnn(x, W);
  if (layer == window) return convolution(random({1, n + k - 1, d}), random({d, d, k}, d * k));
  if (layer == picture) return conv2d(random({1, d, n / 8 + k - 1, k + 7}), random({d, d, k, k}, d * k * k));
  return layer == attending ? attention(x, W) : scores_and_means(x, random({1, n, d}), random({1, n, d}));
}

// Products, each with the addition that follows it (2 FLOPs); and how many of the ops that make them wait for
// each other: on the longest way through the tape.
std::pair<double, int> cost(const Tensor& y) {
  double products = 0;
  std::vector<int> chains;
  for (const ExplainedOp& op : explain(y).ops) {
    const bool product = op.name == "linear" || op.name == "matmul" || op.name == "conv1d";
    chains.push_back(product);
    for (const std::size_t i : op.inputs) chains.back() = std::max(chains.back(), chains[i] + product);
    products += product * op.flops / 2;
  }
  return {products, chains.back()};
}

// e, where FLOPs grow as size^e: the slope of the line that fits their logarithms best.
double exponent(const std::vector<Count>& sizes, const auto& run) {
  std::vector<double> x, y;
  for (const Count size : sizes) x.push_back(std::log(size)), y.push_back(std::log(explain(run(size)).flops));
  const Tensor u = from_vector(x) - mean(from_vector(x)), v = from_vector(y) - mean(from_vector(y));
  return (sum(u * v) / sum(square(u))).item();
}

figure::Panel print_costs() {
  figure::Panel panel{.title = "products of a layer, d = 64",
                      .x = {"n", 16, 2048, figure::logarithmic},
                      .y = {"", 1e4, 1e9, figure::logarithmic},
                      .legend = figure::top_left};
  const char* const names[] = {"RNN", "convolution", "on a picture", "scores, means", "attention"};
  std::printf("FLOPs grow as       n^     d^     k^\n");
  for (const Layer layer : {recurrent, window, picture, scores, attending}) {
    if (layer != picture) panel.lines.push_back({names[layer], {}, {}});
    std::printf("%-15s   %.2f   %.2f   %.2f\n", names[layer],
                exponent({64, 128, 256, 512}, [&](Count n) { return run(layer, n, 32); }),
                exponent({16, 32, 64, 128}, [&](Count d) { return run(layer, 64, d); }),
                exponent({3, 5, 7, 9}, [&](Count k) { return run(layer, 64, 32, k); }));
  }
  std::printf("\nd = 64       RNN              convolution      scores, means    attention\n");
  std::printf("   n     million  steps   million  steps   million  steps   million  steps\n");
  for (const Count n : {16, 32, 64, 128, 256, 512, 1024, 2048}) {
    std::printf("%4d", static_cast<int>(n));
    for (std::size_t i = 0; const Layer layer : {recurrent, window, scores, attending}) {
      const auto [products, chain] = cost(run(layer, n, 64));
      panel.lines[i].x.push_back(static_cast<double>(n)), panel.lines[i++].y.push_back(products);
      std::printf("     %7.2f  %5d", products / 1e6, chain);
    }
    std::printf("\n");
  }
  return panel;
}

// 2. How many layers until the last place has heard of the first?   x: (1, n, 4), y: x, or with others before
int layers_to_hear(const Tensor& x, Tensor y, const auto& layer) {
  for (int i = 0;; ++i) {
    const Tensor dx = grad({y.select(1, -1)}, {x}, {randn({1, 4}, f64)}, {.retain_graph = true})[0];
    if (any(dx[0][0] != 0.0).item() != 0) return i;
    y = layer(y, i);
  }
}

void print_paths() {
  std::printf("\n  n   RNN's steps   attention   k = 3   k = 9   k = 3, dilated   k = 9, dilated\n");
  for (const Count n : {3, 9, 27, 81, 243}) {
    const Tensor x = random({1, n, 4}), W = random({4, 4, 4}, 4), none = zeros({1, 9 * n, 4}, f64);
    const int looking = layers_to_hear(x, x, [&](const Tensor& y, int) { return attention(y, W); });
    std::printf("%3d   %11d   %9d", static_cast<int>(n), cost(rnn(x, W)).second, looking);
    for (const bool dilated : {false, true})
      for (const Count k : {3, 9}) {
        const auto layer = [&, w = random({4, 4, k}, 4 * k)](const Tensor& y, int i) {
          return convolution(y, w, dilated ? std::llround(std::pow(k, i)) : 1);
        };
        std::printf(dilated ? "   %14d" : "   %5d", layers_to_hear(x, concat({none, x}, 1), layer));
      }
    std::printf("\n");
  }
}

// 3. Nets of layers of one kind, and what the last of n places knows.   x: (B, n, 16), result: (B, 16)
enum { plain, gru_net, lstm_net, deep, dilated, looking };
const char* const kinds[] = {"RNN", "GRU", "LSTM", "convolutions", "dilated", "attention"};
std::vector<Tensor> begin(int kind, Count n) {
  if (kind == looking) return {random({4, 16, 16}, 16)};
  if (kind < deep) return {random({2, kind == plain ? 16 : kind == gru_net ? 48 : 64, 16}, 16)};
  std::vector<Tensor> weights(kind == dilated ? std::lround(std::log(n) / std::log(3)) : (n - 1) / 2);
  for (Tensor& w : weights) w = random({16, 16, 3}, 48);
  return weights;
}
Tensor last(int kind, const std::vector<Tensor>& w, Tensor x) {
  if (kind == plain) return rnn(x, w[0]).select(1, -1);
  if (kind == gru_net) return gru(x, {w[0][0], w[0][1]}).h;
  if (kind == lstm_net) return lstm(x, {w[0][0], w[0][1]}).h;
  if (kind == looking) return attention(x + nn::sinusoids(x.size(1), 16, 10000, f64), w[0]).select(1, -1);
  for (Count d = 1; const Tensor& layer : w) x = convolution(x, layer, d), d *= kind == dilated ? 3 : 1;
  return x.select(1, -1);
}

// How far the last of 81 places moves where the one k before is nudged: the geometric mean of five nets.
figure::Series print_moved(int kind) {
  std::vector<Tensor> nets;
  chapter::over_seeds([&](int) {
    const Tensor ids = randint(0, 8, {1, 81}).expand({16, 81}), x = one_hot(ids, 16, f64).requires_grad_();
    const Tensor J = grad({last(kind, begin(kind, 81), x)}, {x}, {eye(16, f64)})[0];  // row i: of feature i
    return nets.push_back(flip(sqrt(sum(square(J), {0, 2}) / 16.0), 0)), 0;
  });
  const Tensor moved = exp(mean(log(stack(nets, 0)), 0)), far = stack(nets, 0).select(1, 80);
  std::printf("%-12s", kinds[kind]);
  for (const int k : {0, 1, 9, 27, 80}) std::printf("   %5.0e", moved[k].item());
  std::printf(" (%.0e to %.0e)\n", min(far).item(), max(far).item());
  return {kinds[kind], arange(81, f64).to_vector<double>(), moved.to_vector<double>()};
}

// Hears n letters of eight, and says at the end what the first was. How often right, in percent?
double learn(int kind, Count n) {
  const std::vector<Tensor> layers = begin(kind, n);
  const Tensor head = random({8, 16}, 16);
  std::vector<NamedTensor> weights{{"head", head}};
  for (const Tensor& w : layers) weights.push_back({std::to_string(weights.size()), w});
  const auto say = [&](const Tensor& ids) { return linear(last(kind, layers, one_hot(ids, 16, f64)), head); };
  optim::Adam optimiser(weights, {});
  for (int step = 0; step < 300; ++step) {
    const Tensor ids = randint(0, 8, {32, n});
    optimiser.set_lr(0.02 * (1 - step / 300.0));
    optimiser.zero_grad();
    cross_entropy(say(ids), ids.select(1, 0)).backward();
    optim::clip_grad_norm(weights, 1);
    optimiser.step();
    for (const NamedTensor& w : weights) no_grad([&] { Tensor(w.value).add_(0x1p36).add_(-0x1p36); });
  }
  const Tensor ids = randint(0, 8, {1000, n});
  return no_grad([&] { return 100 * mean((argmax(say(ids), 1) == ids.select(1, 0)).to(f64)).item(); });
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the tensors are too small to share out
  const figure::Panel costs = print_costs();
  print_paths();
  const figure::Axis k{"k", 0, 80}, y{"", 1e-18, 10, figure::logarithmic};
  figure::Panel moved{.title = "moved by a nudge k before", .x = k, .y = y, .legend = figure::bottom_left};
  std::printf("\nk                   0       1       9      27      80\n");
  for (int kind = plain; kind <= looking; ++kind) moved.lines.push_back(print_moved(kind));
  std::printf("\nn              3                   9                   27                  81\n");
  for (int kind = plain; kind <= looking; ++kind) {
    std::printf("%-12s", kinds[kind]);
    for (Count n = 3; n <= (kind >= gru_net && kind <= deep ? 27 : 81); n *= 3)
      std::printf("   "), chapter::print(chapter::over_seeds([&](int) { return learn(kind, n); }), 0, 3);
    std::printf("\n");
  }
  if (const std::string folder = chapter::figures_folder(argc, argv); !folder.empty())
    figure::write(folder + "/22_cost_and_reach.svg", {costs, moved}, {.columns = 2, .width = 340});
}
