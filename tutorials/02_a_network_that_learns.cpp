// A network that learns to tell two classes of points apart, four rules to train it by, and what it knows of
// points that it has not seen. The page beside this file explains it part by part. ./gradus tutorial 02
// [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. The data: two half circles, one upside down in the other's arms, and noise.
struct Points {
  Tensor at;     // (n, 2)
  Tensor label;  // (n, 1): 0 or 1
};

Points moons(std::int64_t n, double noise) {
  const Tensor angle = linspace(0, std::numbers::pi, n / 2, f64);
  const Tensor upper = stack({cos(angle), sin(angle)}, 1),
               lower = stack({1.0 - cos(angle), 0.5 - sin(angle)}, 1);
  return {concat({upper, lower}, 0) + noise * randn({n, 2}, f64),
          concat({zeros({n / 2, 1}, f64), ones({n / 2, 1}, f64)}, 0)};
}

// 2. The score of a model: how surprised it is, and how many points it has right.
Tensor loss_of(const Tensor& logits, const Points& points) {
  return binary_cross_entropy_with_logits(logits, points.label);
}

double loss_on(const nn::Sequential& net, const Points& points) {
  return no_grad([&] { return loss_of(net(points.at), points).item(); });
}

int right(const Tensor& logits, const Points& points) {
  return static_cast<int>(sum(((logits > 0.0) == (points.label > 0.5)).to(f64)).item());
}

// 3. A straight line, and gradient descent by hand.
nn::Linear train_line(const Points& points) {
  nn::Linear line({.in = 2, .out = 1});
  line.to(f64);
  for (int step = 0; step < 1000; ++step) {
    line.zero_grad();
    loss_of(line(points.at), points).backward();
    no_grad([&] {
      line.weight.sub_(1.0 * line.weight.grad());
      line.bias.sub_(1.0 * line.bias.grad());
    });
  }
  const Tensor logits = line(points.at);
  std::printf("a line: loss %.3f, %d of 100 right\n", loss_of(logits, points).item(), right(logits, points));
  return line;
}

// 4. Two bends on the way: the network.
nn::Sequential network() {
  nn::Sequential net{nn::Linear({.in = 2, .out = 16}), nn::Tanh(), nn::Linear({.in = 16, .out = 16}),
                     nn::Tanh(), nn::Linear({.in = 16, .out = 1})};
  net.to(f64);
  return net;
}

void train(const nn::Sequential& net, optim::Optimizer& optimiser, const Points& points, int steps) {
  for (int step = 0; step < steps; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of(net(points.at), points);
    loss.backward();
    optimiser.step();
  }
}

// What the model says of each place in a grid of cells, in quarters: the paler two are near one half.
template <class Model>
figure::Panel regions(const std::string& title, const Points& points, const Model& model) {
  constexpr int columns = 48, rows = 36;
  const figure::Axis x = {"", -1.5, 2.5}, y = {"", -1.25, 1.75};
  figure::Cells cells = {{}, rows, columns};
  std::vector<double> places;
  for (int i = 0; i < rows * columns; ++i) {
    places.push_back(x.from + (x.to - x.from) * (i % columns + 0.5) / columns);
    places.push_back(y.from + (y.to - y.from) * (i / columns + 0.5) / rows);
  }
  const Tensor p = no_grad([&] { return sigmoid(model(from_vector(places, {rows * columns, 2}))); });
  for (const double share : p.to_vector<double>())
    cells.values.push_back(share < 0.25 ? -0.3 : share < 0.5 ? -0.1 : share < 0.75 ? 0.1 : 0.3);
  std::array<figure::Series, 2> classes;
  const std::vector<double> at = points.at.to_vector<double>(), label = points.label.to_vector<double>();
  for (std::size_t i = 0; i < label.size(); ++i) {
    classes[label[i] == 1].x.push_back(at[2 * i]);
    classes[label[i] == 1].y.push_back(at[2 * i + 1]);
  }
  return {.title = title, .x = x, .y = y, .points = {classes[0], classes[1]}, .cells = cells};
}

// 5. A rule with several learning rates, from five beginnings. Returns its mean losses.
template <class Rule>
figure::Series try_rates(const std::string& name, typename Rule::Options options,
                         const std::vector<double>& rates, const Points& points) {
  constexpr double coin = std::numbers::ln2;  // the loss of saying "one half" to every point
  figure::Series curve = {name, rates, {}};
  for (const double rate : rates) {
    options.lr = rate;
    const chapter::Spread loss = chapter::over_seeds([&](int) {
      const nn::Sequential net = network();
      Rule optimiser(net, options);
      train(net, optimiser, points, 100);
      return loss_on(net, points);
    });
    std::printf("%-8s %5g  ", name.c_str(), rate);
    if (loss.mean > coin)
      std::printf("more than a coin's");
    else
      chapter::print(loss, 4);
    std::puts("");
    curve.y.push_back(std::min(loss.mean, coin));
  }
  return curve;
}

// 6. The same with more noise, and 500 points that the training never sees. Prints the table; returns the
// losses on both every ten steps, means over five draws, without decay and with one of 1.
std::vector<figure::Series> compare_decays() {
  const std::vector<double> steps = arange(0, 1001, 10, f64).to_vector<double>(), none(steps.size());
  std::vector<figure::Series> curves;
  std::printf("decay  loss on unseen points  least on the way\n");
  for (const double decay : {0.0, 0.01, 0.1, 1.0, 10.0}) {
    const std::string name = decay == 0 ? "no decay" : "decay 1";
    figure::Series on_seen = {name + ", seen", steps, none}, on_unseen = {name + ", unseen", steps, none};
    const chapter::Spread last = chapter::over_seeds([&](int) {
      const Points seen = moons(100, 0.25), unseen = moons(500, 0.25);
      const nn::Sequential net = network();
      optim::AdamW optimiser(net, {.lr = 0.003, .weight_decay = decay});
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i > 0) train(net, optimiser, seen, 10);
        on_seen.y[i] += loss_on(net, seen) / chapter::seeds;
        on_unseen.y[i] += loss_on(net, unseen) / chapter::seeds;
      }
      return loss_on(net, unseen);
    });
    std::printf("%5g  ", decay);
    chapter::print(last, 3);
    std::printf("  %.3f\n", *std::min_element(on_unseen.y.begin(), on_unseen.y.end()));
    if (decay == 0 || decay == 1) curves.insert(curves.end(), {on_seen, on_unseen});
  }
  return curves;
}

int main(int argc, char* argv[]) {
  const Points points = moons(100, 0.1);
  std::vector<figure::Panel> pictures = {regions("a line", points, train_line(points))};

  const nn::Sequential net = network();
  std::cout << "\n" << net << "\n";
  optim::SGD optimiser(net, {.lr = 1, .momentum = 0.9});
  int steps = 0;
  for (const int until : {0, 10, 20, 100}) {
    train(net, optimiser, points, until - steps);
    steps = until;
    std::printf("after %3d steps: loss %.4f, %3d of 100 right\n", steps, loss_on(net, points),
                right(net(points.at), points));
    if (steps > 0) pictures.push_back(regions(std::to_string(steps) + " steps", points, net));
  }
  std::puts("");
  std::printf("rule      rate  loss after 100 steps\n");
  const std::vector<figure::Series> rules = {
      try_rates<optim::SGD>("SGD", {}, {0.03, 0.3, 3, 30}, points),
      try_rates<optim::SGD>("momentum", {.momentum = 0.9}, {0.01, 0.1, 1, 10}, points),
      try_rates<optim::Adam>("Adam", {}, {0.001, 0.01, 0.1, 0.3}, points),
      try_rates<optim::AdamW>("AdamW", {}, {0.001, 0.01, 0.1, 0.3}, points)};
  std::puts("");
  const std::vector<figure::Series> decays = compare_decays();

  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  figure::write(folder + "/02_moons.svg", pictures, {.columns = 2, .width = 300, .height = 225});
  figure::write(folder + "/02_rules.svg", {{.x = {"learning rate", 1e-3, 100, figure::logarithmic},
                                            .y = {"loss", 1e-4, 1, figure::logarithmic},
                                            .lines = rules,
                                            .legend = figure::bottom_left}});
  figure::write(folder + "/02_unseen.svg", {{.x = {"step", 0, 1000},
                                             .y = {"loss", 1e-2, 1, figure::logarithmic},
                                             .lines = decays,
                                             .legend = figure::bottom_left}});
}
