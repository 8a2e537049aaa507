// Convolutions, residual blocks, a small ResNet on pictures that this program draws, and what of it serves on
// pictures of another kind. The page beside this file explains it part by part.
// ./gradus tutorial 05 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. Pictures. A figure is a way over the keys 123, 456, 789 of a telephone; at a space the pen is lifted.
// square, triangle, diamond, plus, times, hourglass, arrow, house; C, E, F, H, K, N, T, Z
const std::vector<std::string> shapes{"13971", "2792",  "26842",  "28 46",
                                      "19 37", "13791", "28 426", "247962"};
const std::vector<std::string> letters{"3179",   "3179 46", "317 46", "17 39 46",
                                       "17 349", "7193",    "13 28",  "1379"};
constexpr std::int64_t side = 16;

struct Pictures {
  Tensor x;  // (N, 1, side, side)
  Tensor y;  // (N,), the number of the figure
};
using Point = std::complex<double>;  // how far across, how far down

// The square of the distance from p to the line from a to b, where it is nearest.
double distance(Point p, Point a, Point b) {
  const double t = std::real((p - a) * std::conj(b - a)) / std::norm(b - a);
  return std::norm(p - a - std::clamp(t, 0.0, 1.0) * (b - a));
}

Pictures draw(const std::vector<std::string>& figures, std::int64_t count) {
  const Tensor x = 0.2 * randn({count, 1, side, side}, f64), chance = rand({count, 4}, f64);
  const Tensor y = randint(0, static_cast<std::int64_t>(figures.size()), {count});
  for (std::int64_t n = 0; n < count; ++n) {
    const double* u = chance.data<double>() + 4 * n;
    const Point centre(5.5 + 4 * u[0], 5.5 + 4 * u[1]), turn = std::polar(3.5 + 2 * u[2], 0.6 * u[3] - 0.3);
    const auto place = [&](char key) {
      return centre + turn * Point((key - '1') % 3 - 1, (key - '1') / 3 - 1);
    };
    const std::string& keys = figures[static_cast<std::size_t>(y.data<std::int64_t>()[n])];
    for (std::int64_t i = 0; i < side * side; ++i) {
      const Point here(static_cast<double>(i % side), static_cast<double>(i / side));
      double nearest = side * side;
      for (std::size_t k = 1; k < keys.size(); ++k)
        if (keys[k - 1] != ' ' && keys[k] != ' ')
          nearest = std::min(nearest, distance(here, place(keys[k - 1]), place(keys[k])));
      x.data<double>()[n * side * side + i] += std::exp(-nearest);
    }
  }
  return {x, y};
}

// 2. A convolution by hand: y[p, q] = sum over i, j of w[i, j] x[p + i, q + j].
Tensor convolve(const Tensor& x, const Tensor& w) {
  const Tensor y = zeros({x.size(0) - w.size(0) + 1, x.size(1) - w.size(1) + 1}, f64);
  for (std::int64_t p = 0; p < y.size(0); ++p)
    for (std::int64_t q = 0; q < y.size(1); ++q)
      for (std::int64_t i = 0; i < w.size(0); ++i)
        for (std::int64_t j = 0; j < w.size(1); ++j) y[p][q].add_(w[i][j] * x[p + i][q + j]);
  return y;
}

void convolution() {
  const Tensor x = zeros({6, 10}, f64), edge = tensor({{-1, 0, 1}, {-1, 0, 1}, {-1, 0, 1}}, f64);
  x.slice(0, 1, 5).slice(1, 3, 6).fill_(1);
  const Tensor y = convolve(x, edge);
  std::cout << "a picture, a bar of ones:\n" << x << "\nwhere its edges are:\n" << y << "\n";

  nn::Conv2d layer({.in = 1, .out = 1, .kernel = {3, 3}, .bias = false});
  layer.to(f64);
  no_grad([&] { layer.weight.copy_(edge); });
  const auto with_layer = [&](const Tensor& picture) { return layer(picture.reshape({1, 1, 6, 10}))[0][0]; };
  std::printf("Conv2d gives the same: %s\n", equal(with_layer(x), y) ? "yes" : "no");

  const Tensor moved = zeros({6, 10}, f64);
  moved.slice(1, 1, 10).copy_(x.slice(1, 0, 9));
  const bool follows = equal(with_layer(moved).slice(1, 1, 8), y.slice(1, 0, 7));
  std::printf("of the picture moved by one, the same moved by one: %s\n", follows ? "yes" : "no");
  std::cout << "the largest of each 2 x 2:\n" << max_pool2d(y.reshape({1, 1, 4, 8}))[0][0] << "\n";

  const nn::Linear dense({.in = side * side, .out = 8 * side * side});
  const nn::Conv2d filters({.in = 1, .out = 8, .kernel = {3, 3}, .padding = {1, 1}});
  std::cout << "parameters from 16 x 16 to 8 x 16 x 16: dense " << dense.parameter_count()
            << ", convolutional " << filters.parameter_count() << "\n";
}

nn::Conv2d conv3x3(std::int64_t in, std::int64_t out) {
  return nn::Conv2d({.in = in, .out = out, .kernel = {3, 3}, .padding = {1, 1}, .bias = false});
}

// 3. y = relu(x + f(x)), or relu(f(x)) without the way around. x, y: (B, channels, H, W)
class ResidualBlock : public nn::ModuleOf<ResidualBlock> {
 public:
  ResidualBlock(std::int64_t channels, bool way_around)
      : around(way_around),
        f{conv3x3(channels, channels), nn::BatchNorm2d({.channels = channels}), nn::ReLU(),
          conv3x3(channels, channels), nn::BatchNorm2d({.channels = channels})} {}
  Tensor operator()(const Tensor& x) {
    const nn::Call call(*this);
    const Tensor fx = f(x);
    return relu(around ? x + fx : fx);
  }

  bool around;
  nn::Sequential f;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("f", self.f);
  }
};

// Body and head. Each stage halves height and width, and has twice the channels of the one before.
nn::Sequential resnet(std::int64_t stages, int blocks, bool around = true) {
  nn::Sequential body;
  std::int64_t channels = 1;
  for (std::int64_t stage = 0, out = 8; stage < stages; ++stage, channels = out, out *= 2) {
    body.push_back(nn::Sequential(conv3x3(channels, out), nn::BatchNorm2d({.channels = out}), nn::ReLU(),
                                  nn::MaxPool2d({})));
    for (int i = 0; i < blocks; ++i) body.push_back(ResidualBlock(out, around));
  }
  body.push_back(nn::AvgPool2d({.kernel = {side >> stages, side >> stages}}));
  body.push_back(nn::Flatten());
  nn::Sequential net(std::move(body), nn::Linear({.in = channels, .out = 8}));
  net.to(f64);
  return net;
}

// 4. Training. The rate falls along a line, from lr to 0.
void train(nn::Sequential& net, const Pictures& pictures, int steps, double lr) {
  const std::int64_t count = pictures.x.size(0), batch = 25;
  optim::Adam optimiser(net, {.lr = lr});
  Tensor order;
  for (std::int64_t step = 0, used = count; step < steps; ++step, used += batch) {
    if (used + batch > count) order = randperm(count), used = 0;
    const Tensor ids = order.slice(0, used, used + batch);
    optimiser.set_lr(lr * (1 - static_cast<double>(step) / steps));
    optimiser.zero_grad();
    cross_entropy(net(index_select(pictures.x, 0, ids)), index_select(pictures.y, 0, ids)).backward();
    optimiser.step();
  }
}

double percent_right(nn::Sequential& net, const Pictures& pictures) {
  const nn::EvalMode mode(net);
  return no_grad([&] { return 100 * mean((argmax(net(pictures.x), 1) == pictures.y).to(f64)).item(); });
}

// Prints mean, lowest and highest of what `run` gives for five seeds; the mean becomes a point of the curve.
void measure(figure::Series& curve, double x, const std::function<double(std::uint64_t seed)>& run) {
  std::vector<double> percents;
  for (const std::uint64_t seed : {0, 1, 2, 3, 4}) percents.push_back((manual_seed(seed), run(seed)));
  const auto [low, high] = std::minmax_element(percents.begin(), percents.end());
  curve.x.push_back(x), curve.y.push_back(std::reduce(percents.begin(), percents.end()) / 5);
  std::printf("  %5.1f (%5.1f to %5.1f)", curve.y.back(), *low, *high);
}

// 5. The same depth with and without the way around.
std::vector<figure::Series> depths() {
  std::vector<figure::Series> curves{{"plain", {}, {}, 1}, {"residual", {}, {}, 0}};
  std::printf("\nconvolutions  plain                    residual\n");
  for (const int blocks : {1, 2, 4, 8}) {
    std::printf("%12d", 1 + 2 * blocks);
    for (const bool around : {false, true})
      measure(curves[around], 1 + 2 * blocks, [&](std::uint64_t) {
        const Pictures pictures = draw(shapes, 1000);
        nn::Sequential net = resnet(1, blocks, around);
        train(net, pictures, 100, 0.01);
        return percent_right(net, pictures);
      });
    std::printf("\n");
  }
  return curves;
}

// 6. What was learned on shapes, for letters.
std::vector<figure::Series> transfer(std::vector<nn::Sequential>& nets) {
  figure::Series held_out;
  std::printf("\nshapes:");
  measure(held_out, 0, [&](std::uint64_t) {
    nets.push_back(resnet(2, 1));
    train(nets.back(), draw(shapes, 4000), 400, 0.01);
    return percent_right(nets.back(), draw(shapes, 1000));
  });
  std::vector<figure::Series> curves{
      {"from scratch", {}, {}}, {"frozen body", {}, {}}, {"fine-tuned", {}, {}}};
  std::printf("\nletters  from scratch             frozen body              fine-tuned\n");
  for (const std::int64_t count : {25, 100, 400}) {
    std::printf("%7d", static_cast<int>(count));
    for (const std::size_t way : {0, 1, 2})
      measure(curves[way], static_cast<double>(count), [&](std::uint64_t seed) {
        const Pictures few = draw(letters, count);
        nn::Sequential net = resnet(2, 1);
        if (way > 0) net[0].load_state(nets[seed][0].state());
        if (way == 1) net[0].requires_grad_(false), net[0].eval();
        train(net, few, 150, way == 1 ? 0.1 : 0.01);
        return percent_right(net, draw(letters, 1000));
      });
    std::printf("\n");
  }
  return curves;
}

// Pictures (N, H, W) side by side, in steps of a quarter, with their names below.
void draw_sheet(const std::string& path, const Tensor& x, const std::vector<std::string>& names) {
  const Tensor cells = zeros({x.size(1), x.size(0), x.size(2) + 1}, f64);  // with gaps
  cells.slice(2, 0, -1).copy_((x.transpose(0, 1) * 4.0).to(i64).to(f64) / 4.0);
  const auto rows = static_cast<int>(x.size(1)), columns = static_cast<int>(cells.numel()) / rows;
  const figure::Axis across{.label = "", .names = names}, up{.label = "", .names = {""}};
  figure::write(path, {{.x = across, .y = up, .cells = {cells.to_vector<double>(), rows, columns}}},
                {.width = 640, .height = 640.0 * rows / columns});
}

int main(int argc, char* argv[]) {
  convolution();
  const std::vector<figure::Series> by_depth = depths();
  std::vector<nn::Sequential> nets;
  const std::vector<figure::Series> by_count = transfer(nets);
  if (argc != 3 || argv[1] != std::string("--figures")) return 0;
  const std::string folder = argv[2];
  std::vector<Tensor> examples;
  for (const std::size_t i : {0, 1, 3, 7}) examples.push_back(draw({shapes[i]}, 1).x[0][0]);
  for (const std::size_t i : {0, 1, 4, 5}) examples.push_back(draw({letters[i]}, 1).x[0][0]);
  draw_sheet(folder + "/05_pictures.svg", stack(examples, 0),
             {"square", "triangle", "plus", "house", "C", "E", "K", "N"});
  const Tensor filters = nets[0].parameters()[0].value.detach().squeeze(1);
  draw_sheet(folder + "/05_filters.svg", filters / max(sqrt(square(filters))), {""});
  const std::string percent = "named rightly, %";
  figure::write(folder + "/05_depth.svg", {{.x = {"convolutions", 0, 18},
                                            .y = {percent, 40, 100},
                                            .lines = by_depth,
                                            .legend = figure::bottom_left}});
  const figure::Axis counts{"letters to learn from", 10, 1000, figure::logarithmic};
  figure::write(folder + "/05_transfer.svg",
                {{.x = counts, .y = {percent, 40, 100}, .lines = by_count, .legend = figure::bottom_right}});
}
