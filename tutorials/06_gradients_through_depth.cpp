// Why gradients vanish or explode in deep nets, and six remedies on one net. The page beside this file
// explains it part by part. ./gradus tutorial 06 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One unit in each layer: 100,000 chains of ten, with weights and biases of one deviation.
void chains() {
  std::printf("deviation of w   |w| > 1   factor > 0.25   factor >= 1   product of ten: median   > 1\n");
  for (const double deviation : {0.5, 1.0, 4.0, 16.0}) {
    manual_seed(1);
    Tensor a = rand({100000}, f64), product = ones({100000}, f64), w, factor;
    for (int layer = 0; layer < 10; ++layer) {
      w = deviation * randn({100000}, f64);
      a = sigmoid(w * a + deviation * randn({100000}, f64));
      factor = abs(a * (1.0 - a) * w);  // sigmoid'(z) = a (1 - a)
      product = product * factor;
    }
    const auto share = [](const Tensor& is) { return 100 * mean(is.to(f64)).item(); };
    std::vector<double> sorted = product.to_vector<double>();
    std::sort(sorted.begin(), sorted.end());
    std::printf("%14g   %5.1f %%   %11.1f %%   %9.1f %%   %22.0e   %4.2f %%\n", deviation,
                share(abs(w) > 1.0), share(factor > 0.25), share(factor >= 1.0), sorted[sorted.size() / 2],
                share(product > 1.0));
  }
}

// 2. Where |sigmoid'(z) w| >= 1: for |z| up to z0, so for inputs a from a stretch of length 2 z0 / |w|.
void window() {
  std::printf("|w|   |z| at most   stretch of inputs\n");
  for (const double w : {3.9, 4.0, 5.0, 7.0, 10.0, 20.0, 100.0}) {
    if (w < 4) {
      std::printf("%3g   nowhere\n", w);
      continue;
    }
    const double z0 = std::log(w * (1 + std::sqrt(1 - 4 / w)) / 2 - 1);
    std::printf("%3g   %11.2f   %17.2f\n", w, z0, 2 * z0 / w);
  }
}

// 3. One net, eight layers of 32 units, in which one thing is changed.
enum Remedy { plain, pretraining, clipping, l2_penalty, with_relu, with_batch_norm, residual };
const char* const names[] = {"plain", "pre-training", "clipping", "L2 penalty",
                             "ReLU",  "batch norm",   "residual"};
constexpr std::size_t depth = 8;

struct Net : nn::ModuleOf<Net> {
  Net(Remedy changed, double spread) : remedy(changed), head({.in = 32, .out = 3}) {
    for (std::size_t i = 0; i < depth; ++i) {
      layers.push_back(nn::Linear({.in = i == 0 ? 2 : 32, .out = 32}));
      if (remedy == with_batch_norm) norms.push_back(nn::BatchNorm1d({.channels = 32}));
      no_grad([&] { layers[i].weight.mul_(spread); });
    }
    to(f64);
  }

  Tensor layer(std::size_t i, const Tensor& x) {
    const Tensor z = remedy == with_batch_norm ? norms[i](layers[i](x)) : layers[i](x);
    const Tensor y = remedy == with_relu ? relu(z) : sigmoid(z);
    return remedy == residual && i > 0 ? x + y : y;
  }

  Tensor operator()(Tensor x) {
    for (std::size_t i = 0; i < depth; ++i) x = layer(i, x);
    return head(x);
  }

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("layers", self.layers);
    visit.module("norms", self.norms);
    visit.module("head", self.head);
  }

  Remedy remedy;
  nn::ModuleList<nn::Linear> layers;
  nn::ModuleList<nn::BatchNorm1d> norms;
  nn::Linear head;
};

struct Points {
  Tensor x, arm;  // (B, 2), (B,)
};

Points spirals(std::int64_t count) {
  const Tensor arm = randint(0, 3, {count}), radius = 0.1 + 0.9 * rand({count}, f64);
  const Tensor angle = 4.5 * radius + 2 * std::numbers::pi / 3 * arm.to(f64);
  return {stack({radius * cos(angle), radius * sin(angle)}, 1) + 0.05 * randn({count, 2}, f64), arm};
}

// Each layer in turn learns to keep what it gets: a decoder, which is then thrown away, must find it again.
void pretrain(Net& net) {
  for (std::size_t i = 0; i < depth; ++i) {
    nn::Linear decoder({.in = 32, .out = i == 0 ? 2 : 32});
    decoder.to(f64);
    optim::Adam encoding(net.layers[i], {.lr = 0.01}), decoding(decoder, {.lr = 0.01});
    for (int step = 0; step < 200; ++step) {
      Tensor x = spirals(64).x;
      no_grad([&] {
        for (std::size_t below = 0; below < i; ++below) x = net.layer(below, x);
      });
      const Tensor loss = mse_loss(decoder(net.layer(i, x)), x);
      encoding.zero_grad(), decoding.zero_grad();
      loss.backward();
      encoding.step(), decoding.step();
    }
  }
}

// |dL/dx| at the output of each layer, before training.
std::vector<double> gradients(Remedy remedy, double spread) {
  manual_seed(1);
  Net net(remedy, spread);
  if (remedy == pretraining) pretrain(net);
  const Points points = spirals(64);
  std::vector<Tensor> outputs;
  Tensor x = points.x;
  for (std::size_t i = 0; i < depth; ++i) outputs.push_back(x = net.layer(i, x));
  std::vector<double> norms;
  for (const Tensor& g : grad({cross_entropy(net.head(x), points.arm)}, outputs))
    norms.push_back(std::sqrt(sum(square(g)).item()));
  return norms;
}

void wide_layers() {
  std::printf("weights within   gradient after layer 1 / after layer 8\n");
  for (const double spread : {1, 5, 10, 20, 40}) {
    const std::vector<double> g = gradients(plain, spread);
    std::printf("%14.2f   %34.0e\n", spread / std::sqrt(32), g.front() / g.back());
  }
}

double train(Remedy remedy, double spread, double lr, std::uint64_t seed) {
  manual_seed(seed);
  Net net(remedy, spread);
  if (remedy == pretraining) pretrain(net);
  optim::SGD optimiser(net, {.lr = lr, .momentum = 0.9, .weight_decay = remedy == l2_penalty ? 1e-3 : 0});
  for (int step = 0; step < 300; ++step) {
    const Points points = spirals(64);
    const Tensor loss = cross_entropy(net(points.x), points.arm);
    optimiser.zero_grad();
    loss.backward();
    if (remedy == clipping) optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  net.eval();
  const Points test = spirals(600);
  return 100 * mean((argmax(net(test.x), -1) == test.arm).to(f64)).item();
}

struct Best {
  double mean = 0, low = 0, high = 0, lr = 0;
};

Best best_of_three_rates(Remedy remedy, double spread) {
  Best best;
  for (const double lr : {0.01, 0.1, 1.0}) {
    Best now{.low = 100, .lr = lr};
    for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
      const double accuracy = train(remedy, spread, lr, seed);
      now = {now.mean + accuracy / 5, std::min(now.low, accuracy), std::max(now.high, accuracy), lr};
    }
    if (now.mean > best.mean) best = now;
  }
  return best;
}

void remedies() {
  std::printf("                     weights small               weights large\n");
  std::printf("               gradient   accuracy         gradient   accuracy\n");
  for (const Remedy remedy :
       {plain, pretraining, clipping, l2_penalty, with_relu, with_batch_norm, residual}) {
    std::printf("%-12s", names[remedy]);
    for (const double spread : {1.0, 40.0}) {
      const std::vector<double> g = gradients(remedy, spread);
      const Best best = best_of_three_rates(remedy, spread);
      std::printf("   %8.0e   %3.0f (%3.0f..%3.0f)", g.front() / g.back(), best.mean, best.low, best.high);
    }
    std::printf("\n");
  }
  const Best best = best_of_three_rates(with_relu, std::sqrt(6));
  std::printf("ReLU, weights of deviation sqrt(2 / 32): %.0f (%.0f..%.0f)\n", best.mean, best.low, best.high);
}

// 4. How much of a gradient is left after a number of layers.
enum Around { nothing, pre_norm, post_norm };

double carried(Around around, int layers, bool path_alone) {
  manual_seed(1);
  const Tensor start = randn({64, 32}, f64).requires_grad_();
  Tensor x = start;
  for (int i = 0; i < layers; ++i) {
    const Tensor w = 0.18 * randn({32, 32}, f64);
    Tensor f = tanh(linear(around == pre_norm ? layer_norm(x) : x, w));
    if (path_alone) f = f.detach();
    x = around == nothing ? f : around == pre_norm ? x + f : layer_norm(x + f);
  }
  const Tensor above = randn({64, 32}, f64), below = grad({x}, {start}, {above})[0];
  return std::sqrt(sum(square(below)).item() / sum(square(above)).item());
}

void residual_path() {
  std::printf("layers   f alone   x + f(norm(x)): path alone    all   norm(x + f(x)): path alone    all\n");
  for (const int layers : {1, 4, 16, 64})
    std::printf("%6d   %7.0e   %27.2f   %4.1f   %27.0e   %4.2f\n", layers, carried(nothing, layers, false),
                carried(pre_norm, layers, true), carried(pre_norm, layers, false),
                carried(post_norm, layers, true), carried(post_norm, layers, false));
}

void draw(const std::string& path) {
  std::vector<figure::Panel> panels(2);
  for (std::size_t i = 0; i < 2; ++i) {
    panels[i].title = i == 0 ? "weights small" : "weights large";
    panels[i].x = {"layer", 1, static_cast<double>(depth)};
    panels[i].y = {i == 0 ? "gradient at its output" : "", 1e-8, 1e8, figure::logarithmic};
    for (const Remedy remedy : {plain, pretraining, with_relu, with_batch_norm, residual}) {
      figure::Series line{i == 0 ? names[remedy] : "", {}, gradients(remedy, i == 0 ? 1 : 40)};
      for (std::size_t l = 1; l <= depth; ++l) line.x.push_back(static_cast<double>(l));
      panels[i].lines.push_back(line);
    }
  }
  figure::write(path, panels, {.columns = 2, .width = 290, .height = 300});
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  chains();
  for (const auto part : {window, wide_layers, remedies, residual_path}) {
    std::puts("");
    part();
  }
  if (argc == 3 && argv[1] == std::string("--figures"))
    draw(argv[2] + std::string("/06_gradients_through_depth.svg"));
}
