// Convolutions, residual blocks, a small ResNet on drawn pictures, and what of it serves on other pictures.
// The page beside this file explains it part by part. ./gradus tutorial 05 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. Pictures. A figure is a way over the keys 123, 456, 789 of a telephone; at a space the pen is lifted.
// square, triangle, diamond, plus, times, hourglass, arrow, house; C, E, F, H, K, N, T, Z
using Figures = std::vector<std::string>;
const Figures shapes{"13971", "2792", "26842", "28 46", "19 37", "13791", "28 426", "247962"};
const Figures letters{"3179", "3179 46", "317 46", "17 39 46", "17 349", "7193", "13 28", "1379"};
constexpr std::int64_t side = 16;

struct Pictures {
  Tensor x, y;  // (N, 1, side, side); (N,), the number of the figure
};

Pictures draw(const Figures& figures, std::int64_t count) {
  const Tensor ink = zeros({count, 1, side, side}, f64), chance = rand({count, 4}, f64);
  const Tensor y = randint(0, static_cast<std::int64_t>(figures.size()), {count});
  for (std::int64_t n = 0; n < count; ++n) {
    using Point = std::complex<double>;  // how far across, how far down
    const double* u = chance.data<double>() + 4 * n;
    const Point centre(6 + 3 * u[0], 6 + 3 * u[1]), turn = std::polar(3 + 1.5 * u[2], 0.6 * u[3] - 0.3);
    const auto place = [&](int key) { return centre + turn * Point(key % 3 - 1, key / 3 - 1); };
    const std::string& keys = figures[static_cast<std::size_t>(y.data<std::int64_t>()[n])];
    for (std::size_t k = 1; k < keys.size(); ++k) {
      if (keys[k - 1] == ' ' || keys[k] == ' ') continue;
      const Point from = place(keys[k - 1] - '1'), to = place(keys[k] - '1');
      for (double t = 0; t <= 1; t += 1.0 / 32) {
        const Point pen = from + t * (to - from);
        ink.data<double>()[(n * side + std::lround(pen.imag())) * side + std::lround(pen.real())] = 1;
      }
    }
  }
  return {ink + 0.2 * randn({count, 1, side, side}, f64), y};
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
  const bool same = equal(layer(x.reshape({1, 1, 6, 10}))[0][0], y);
  std::printf("Conv2d gives the same: %s\n", same ? "yes" : "no");
}

nn::Conv2d conv3x3(std::int64_t in, std::int64_t out) {
  return nn::Conv2d({.in = in, .out = out, .kernel = {3, 3}, .padding = {1, 1}, .bias = false});
}

// 3. y = relu(x + f(x)), or relu(f(x)) without the way around. x, y: (B, channels, H, W)
struct ResidualBlock : nn::ModuleOf<ResidualBlock> {
  ResidualBlock(std::int64_t channels, bool way_around)
      : around(way_around),
        f{conv3x3(channels, channels), nn::BatchNorm2d({.channels = channels}), nn::ReLU(),
          conv3x3(channels, channels), nn::BatchNorm2d({.channels = channels})} {}
  Tensor operator()(const Tensor& x) {
    const nn::Call call(*this);
    const Tensor fx = f(x);
    return relu(around ? x + fx : fx);
  }
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("f", self.f);
  }

  bool around;
  nn::Sequential f;
};

// Body and head. Each stage halves height and width.
nn::Sequential resnet(const std::vector<std::int64_t>& stages, int blocks, bool around = true) {
  nn::Sequential body;
  std::int64_t in = 1;
  for (const std::int64_t out : stages) {
    body.push_back(
        nn::Sequential(conv3x3(in, out), nn::BatchNorm2d({.channels = out}), nn::ReLU(), nn::MaxPool2d({})));
    for (int i = 0; i < blocks; ++i) body.push_back(ResidualBlock(out, around));
    in = out;
  }
  body.push_back(nn::AvgPool2d({.kernel = {side >> stages.size(), side >> stages.size()}}));
  body.push_back(nn::Flatten());
  nn::Sequential net(std::move(body), nn::Linear({.in = in, .out = 8}));
  net.to(f64);
  return net;
}

// 4. Training. The rate falls along a line, from lr to 0.
void train(nn::Sequential& net, const Pictures& pictures, int steps, double lr) {
  optim::Adam optimiser(net, {.lr = lr});
  for (int step = 0; step < steps; ++step) {
    const Tensor ids = randint(0, pictures.x.size(0), {25});
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

// 5. The same depth with and without the way around.
void depths() {
  std::printf("\nconvolutions   plain                    residual\n");
  for (const int blocks : {1, 2, 4, 8}) {
    std::printf("%12d", 1 + 2 * blocks);
    for (const bool around : {false, true}) {
      const chapter::Spread right = chapter::over_seeds([&](int) {
        const Pictures pictures = draw(shapes, 1000);
        nn::Sequential net = resnet({8}, blocks, around);
        train(net, pictures, 100, 0.01);
        return percent_right(net, pictures);
      });
      std::printf("   ");
      chapter::print(right, 1, 5);
    }
    std::printf("\n");
  }
}

// 6. What was learned on shapes, for letters.
void transfer() {
  enum Way { from_scratch, frozen_body, fine_tuned };
  std::vector<nn::Sequential> nets;
  const chapter::Spread shapes_right = chapter::over_seeds([&](int) {
    nets.push_back(resnet({8, 16}, 1));
    train(nets.back(), draw(shapes, 4000), 400, 0.01);
    return percent_right(nets.back(), draw(shapes, 1000));
  });
  std::printf("\nshapes: ");
  chapter::print(shapes_right, 1);
  std::printf("\nletters   from scratch             frozen body              fine-tuned\n");
  for (const int count : {25, 100}) {
    std::printf("%7d", count);
    for (const Way way : {from_scratch, frozen_body, fine_tuned}) {
      const chapter::Spread right = chapter::over_seeds([&](int seed) {
        const Pictures few = draw(letters, count);
        nn::Sequential net = resnet({8, 16}, 1);
        if (way != from_scratch) net[0].load_state(nets[seed - 1][0].state());
        if (way == frozen_body) net[0].requires_grad_(false);
        if (way == frozen_body) net[0].eval();
        train(net, few, 150, way == frozen_body ? 0.1 : 0.01);
        return percent_right(net, draw(letters, 1000));
      });
      std::printf("   ");
      chapter::print(right, 1, 5);
    }
    std::printf("\n");
  }
}

// Eight pictures side by side, in steps of a quarter.
void draw_sheet(const std::string& path) {
  std::vector<Tensor> pictures;
  for (const char* way : {"13971", "2792", "28 46", "247962", "3179", "3179 46", "17 349", "7193"})
    pictures.push_back(draw({way}, 1).x[0][0]);
  const Tensor sheet = (concat(pictures, 1) * 4.0).to(i64).to(f64) / 4.0;
  const figure::Axis names{.label = "", .names = {"square", "triangle", "plus", "house", "C", "E", "K", "N"}};
  const figure::Cells cells{sheet.to_vector<double>(), side, 8 * side};
  figure::write(path, {{.x = names, .y = {.label = "", .names = {""}}, .cells = cells}},
                {.width = 640, .height = 80});
}

int main(int argc, char* argv[]) {
  convolution();
  depths();
  transfer();
  const std::string folder = chapter::figures_folder(argc, argv);
  if (!folder.empty()) draw_sheet(folder + "/05_pictures.svg");
}
