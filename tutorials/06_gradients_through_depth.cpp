// Why gradients vanish or explode in deep nets, and six remedies on one net. The page beside this file
// explains it part by part. ./gradus tutorial 06 [--figures DIR]
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One unit in each layer: 100,000 chains of ten, with weights and biases of one deviation.
void chains() {
  Tensor w, z, factor;  // of the last layer
  std::printf("deviation of w   |w| > 1   factor > 0.25   factor >= 1   product of ten > 0.25^10\n");
  for (const double deviation : {0.5, 1.0, 4.0, 16.0}) {
    Tensor a = rand({100000}, f64), product = ones({100000}, f64);
    for (int layer = 0; layer < 10; ++layer) {
      w = deviation * randn({100000}, f64);
      z = w * a + deviation * randn({100000}, f64);
      a = sigmoid(z);
      factor = abs(a * (1.0 - a) * w);  // sigmoid'(z) = a (1 - a)
      product = product * factor;
    }
    const auto share = [](const Tensor& is) { return 100 * mean(is.to(f64)).item(); };
    std::printf("%14g   %5.1f %%   %11.1f %%   %9.1f %%   %23.2f %%\n", deviation, share(abs(w) > 1.0),
                share(factor > 0.25), share(factor >= 1.0), share(product > std::pow(0.25, 10)));
  }
  const double least = min(masked_fill(abs(w), factor < 1.0, 1e9)).item();
  const double largest = max(masked_fill(abs(z), factor < 1.0, 0)).item();
  std::printf("the factors >= 1 of the last row have |w| from %.2f up, |z| up to %.2f\n", least, largest);
}

// 2. One net, eight layers of 32 units, in which one thing is changed.
enum Remedy { plain, pretraining, clipping, l2_penalty, with_relu, with_batch_norm, residual };
const std::string names[] = {"plain", "pre-training", "clipping", "L2 penalty",
                             "ReLU",  "batch norm",   "residual"};
constexpr int depth = 8;
using Net = nn::ModuleList<nn::Residual>;  // residual with the way around on; off, it is f(x) alone

struct Points {
  Tensor x, arm;  // (B, 2), (B,)
};

Points spirals(std::int64_t count) {
  const Tensor arm = randint(0, 3, {count}), radius = 0.1 + 0.9 * rand({count}, f64);
  const Tensor angle = 4.5 * radius + 2 * std::numbers::pi / 3 * arm.to(f64);
  return {stack({radius * cos(angle), radius * sin(angle)}, 1) + 0.05 * randn({count, 2}, f64), arm};
}

// What each layer makes of x, x itself first.
std::vector<Tensor> outputs(Net& net, const Tensor& x) {
  std::vector<Tensor> y{x};
  for (nn::Residual& layer : net) y.push_back(layer(y.back()));
  return y;
}

// Each layer in turn learns to keep what it gets: a decoder, which is then thrown away, must find it again.
void pretrain(Net& net) {
  for (int i = 0; i < depth; ++i) {
    nn::Linear decoder({.in = 32, .out = i == 0 ? 2 : 32});
    decoder.to(f64);
    optim::Adam encoding(net[i], {.lr = 0.01}), decoding(decoder, {.lr = 0.01});
    for (int step = 0; step < 200; ++step) {
      const Tensor x = outputs(net, spirals(64).x)[i].detach();
      const Tensor loss = mse_loss(decoder(net[i](x)), x);
      encoding.zero_grad();
      decoding.zero_grad();
      loss.backward();
      encoding.step();
      decoding.step();
    }
  }
}

Net make_net(Remedy remedy, double spread) {
  Net net;
  for (int i = 0; i < depth; ++i) {
    nn::Linear linear({.in = i == 0 ? 2 : 32, .out = 32});
    no_grad([&] { linear.weight.mul_(spread); });
    nn::Sequential f(std::move(linear));
    if (remedy == with_batch_norm) f.push_back(nn::BatchNorm1d({.channels = 32}));
    if (remedy == with_relu) f.push_back(nn::ReLU());
    if (remedy != with_relu) f.push_back(nn::Sigmoid());
    const bool around = remedy == residual && i > 0;
    net.push_back(nn::Residual(around ? nn::Residual::on : nn::Residual::off, std::move(f)));
  }
  net.push_back(nn::Residual(nn::Residual::off, nn::Linear({.in = 32, .out = 3})));
  net.to(f64);
  if (remedy == pretraining) pretrain(net);
  return net;
}

// |dL/dx| at the output of each layer, before training.
std::vector<double> gradients(Remedy remedy, double spread) {
  manual_seed(1);
  Net net = make_net(remedy, spread);
  const Points points = spirals(64);
  const std::vector<Tensor> y = outputs(net, points.x), hidden(y.begin() + 1, y.end() - 1);
  std::vector<double> norms;
  for (const Tensor& g : grad({cross_entropy(y.back(), points.arm)}, hidden))
    norms.push_back(std::sqrt(sum(square(g)).item()));
  return norms;
}

std::vector<figure::Series> wide_layers() {
  const std::vector<double> layers = linspace(1, depth, depth, f64).to_vector<double>();
  std::vector<figure::Series> lines;
  std::printf("\nweights within   gradient after layer 1 / after layer 8\n");
  for (const double spread : {1, 5, 10, 20, 40}) {
    const std::vector<double> g = gradients(plain, spread);
    std::printf("%14.2f   %34.0e\n", spread / std::sqrt(32), g.front() / g.back());
    lines.push_back({std::to_string(std::lround(spread)) + " / sqrt(32)", layers, g});
  }
  return lines;
}

// The accuracy on new points, in percent.
double train(Remedy remedy, double spread, double lr) {
  Net net = make_net(remedy, spread);
  optim::SGD optimiser(net, {.lr = lr, .momentum = 0.9, .weight_decay = remedy == l2_penalty ? 1e-3 : 0});
  for (int step = 0; step < 300; ++step) {
    const Points points = spirals(64);
    const Tensor loss = cross_entropy(outputs(net, points.x).back(), points.arm);
    optimiser.zero_grad();
    loss.backward();
    if (remedy == clipping) optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  net.eval();
  const Points test = spirals(600);
  return 100 * mean((argmax(outputs(net, test.x).back(), -1) == test.arm).to(f64)).item();
}

chapter::Spread best_of_three_rates(Remedy remedy, double spread) {
  chapter::Spread best;
  for (const double lr : {0.01, 0.1, 1.0}) {
    const chapter::Spread now = chapter::over_seeds([&](int) { return train(remedy, spread, lr); });
    if (now.mean > best.mean) best = now;
  }
  return best;
}

void remedies() {
  std::printf("\n               gradient   small weights      gradient   large weights\n");
  for (int remedy = plain; remedy <= residual; ++remedy) {
    std::printf("%-12s", names[remedy].c_str());
    for (const double spread : {1.0, 40.0}) {
      const std::vector<double> g = gradients(Remedy(remedy), spread);
      std::printf("   %8.0e   ", g.front() / g.back());
      chapter::print(best_of_three_rates(Remedy(remedy), spread), 0, 3);
    }
    std::printf("\n");
  }
  std::printf("ReLU, weights of deviation sqrt(2 / 32): ");
  chapter::print(best_of_three_rates(with_relu, std::sqrt(6)), 0);
  std::printf("\n");
}

// 3. How much of a gradient is left after a number of layers.
double carried(bool pre_norm, int layers, bool path_alone) {
  manual_seed(1);
  const Tensor start = randn({64, 32}, f64).requires_grad_();
  Tensor x = start;
  for (int i = 0; i < layers; ++i) {
    const Tensor w = 0.18 * randn({32, 32}, f64);
    Tensor f = tanh(linear(pre_norm ? layer_norm(x) : x, w));
    if (path_alone) f = f.detach();
    x = pre_norm ? x + f : layer_norm(x + f);
  }
  const Tensor above = randn({64, 32}, f64), below = grad({x}, {start}, {above})[0];
  return std::sqrt(sum(square(below)).item() / sum(square(above)).item());
}

void residual_path() {
  std::printf("\nlayers   x + f(norm(x)): path alone    all   norm(x + f(x)): path alone    all\n");
  for (const int layers : {1, 4, 16, 64})
    std::printf("%6d   %26.2f   %4.1f   %26.0e   %4.1f\n", layers, carried(true, layers, true),
                carried(true, layers, false), carried(false, layers, true), carried(false, layers, false));
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  chains();
  const std::vector<figure::Series> lines = wide_layers();
  remedies();
  residual_path();
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  const figure::Axis layer{"layer", 1, depth}, gradient{"gradient", 1e-8, 1, figure::logarithmic};
  figure::write(folder + "/06_gradients_through_depth.svg",
                {{.x = layer, .y = gradient, .lines = lines, .legend = figure::bottom_right}});
}
