// A network that learns to tell two classes of points apart, four rules to train it by, and what it knows of
// points that it has not seen. The page beside this file explains it part by part. ./gradus tutorial 02
// [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

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
  nn::Sequential net(nn::Linear({.in = 2, .out = 16}), nn::Tanh(), nn::Linear({.in = 16, .out = 16}),
                     nn::Tanh(), nn::Linear({.in = 16, .out = 1}));
  net.to(f64);
  return net;
}

// Returns the loss before each step.
std::vector<double> train(const nn::Sequential& net, optim::Optimizer& optimiser, const Points& points,
                          int steps) {
  std::vector<double> losses;
  for (int step = 0; step < steps; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of(net(points.at), points);
    loss.backward();
    optimiser.step();
    losses.push_back(loss.item());
  }
  return losses;
}

// What the model says of each place in a grid of cells, in quarters: the paler two are near one half.
figure::Panel regions(const std::string& title, const Points& points,
                      const std::function<Tensor(Tensor)>& model) {
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

// 5. Four rules, each with several learning rates, from five beginnings.
std::unique_ptr<optim::Optimizer> make(const std::string& rule, const nn::Sequential& net, double rate) {
  if (rule == "SGD") return std::make_unique<optim::SGD>(net, optim::SGD::Options{.lr = rate});
  if (rule == "momentum")
    return std::make_unique<optim::SGD>(net, optim::SGD::Options{.lr = rate, .momentum = 0.9});
  if (rule == "Adam") return std::make_unique<optim::Adam>(net, optim::Adam::Options{.lr = rate});
  return std::make_unique<optim::AdamW>(net, optim::AdamW::Options{.lr = rate});
}

std::array<double, 4> rates_for(const std::string& rule) {
  if (rule == "SGD") return {0.03, 0.3, 3, 30};
  if (rule == "momentum") return {0.01, 0.1, 1, 10};
  return {0.001, 0.01, 0.1, 0.3};
}

// Prints the table; returns, of each rule at its best rate, the loss at each step, a mean over the
// beginnings.
std::vector<figure::Series> compare_rules(const Points& points) {
  constexpr int seeds = 5, steps = 100;
  constexpr double coin = std::numbers::ln2;  // the loss of saying "one half" to every point
  std::vector<double> count(steps);
  std::iota(count.begin(), count.end(), 0);
  std::vector<figure::Series> curves;
  std::printf("rule      rate  loss after 100 steps       all right\n");
  for (const std::string rule : {"SGD", "momentum", "Adam", "AdamW"}) {
    double least = coin;
    curves.push_back({rule, count, {}});
    for (const double rate : rates_for(rule)) {
      std::vector<double> last, curve(steps);
      int all_right = 0;
      for (int seed = 1; seed <= seeds; ++seed) {
        manual_seed(seed);
        const nn::Sequential net = network();
        const std::vector<double> losses = train(net, *make(rule, net, rate), points, steps);
        last.push_back(loss_on(net, points));
        all_right += right(net(points.at), points) == 100;
        for (int i = 0; i < steps; ++i) curve[i] += losses[i] / seeds;
      }
      const double mean = std::accumulate(last.begin(), last.end(), 0.0) / seeds;
      const auto [low, high] = std::minmax_element(last.begin(), last.end());
      std::printf("%-8s %5g  ", rule.c_str(), rate);
      if (mean > coin)
        std::printf("more than a coin's       ");
      else
        std::printf("%.4f (%.4f to %.4f)", mean, *low, *high);
      std::printf("  %d of %d\n", all_right, seeds);
      if (mean < least) least = mean, curves.back().y = curve;
    }
  }
  return curves;
}

// 6. The same with more noise, and 500 points that the training never sees.
struct Fit {
  std::vector<double> seen, unseen;  // the loss on either, every ten steps: a mean over five draws
};

template <class Rule>
Fit fit_noisy(double decay) {
  constexpr int seeds = 5, evaluations = 101;
  Fit fit = {std::vector<double>(evaluations), std::vector<double>(evaluations)};
  for (int seed = 1; seed <= seeds; ++seed) {
    manual_seed(seed);
    const Points seen = moons(100, 0.25), unseen = moons(500, 0.25);
    const nn::Sequential net = network();
    Rule optimiser(net, {.lr = 0.003, .weight_decay = decay});
    for (int i = 0; i < evaluations; ++i) {
      fit.seen[i] += loss_on(net, seen) / seeds;
      fit.unseen[i] += loss_on(net, unseen) / seeds;
      train(net, optimiser, seen, 10);
    }
  }
  return fit;
}

figure::Panel curves_of(const Fit& fit, const std::string& title) {
  std::vector<double> steps(fit.seen.size());
  for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = 10.0 * static_cast<double>(i);
  return {.title = title,
          .x = {"step", 0, 1000},
          .y = {"loss", 1e-2, 1, figure::logarithmic},
          .lines = {{"seen", steps, fit.seen}, {"unseen", steps, fit.unseen}},
          .legend = figure::bottom_left};
}

std::vector<figure::Panel> compare_decays() {
  std::printf("             Adam             AdamW\ndecay     seen  unseen      seen  unseen\n");
  std::vector<figure::Panel> panels;
  for (const double decay : {0.0, 0.001, 0.003, 0.01, 0.1, 1.0}) {
    const Fit adam = fit_noisy<optim::Adam>(decay), adamw = fit_noisy<optim::AdamW>(decay);
    std::printf("%5g    %5.3f   %5.3f     %5.3f   %5.3f\n", decay, adam.seen.back(), adam.unseen.back(),
                adamw.seen.back(), adamw.unseen.back());
    if (decay == 0) panels.push_back(curves_of(adamw, "no decay"));
    if (decay == 1) panels.push_back(curves_of(adamw, "AdamW, decay 1"));
  }
  const std::vector<double>& unseen = panels[0].lines[1].y;
  const auto least = std::min_element(unseen.begin(), unseen.end());
  std::printf("without decay, the loss on unseen points was %.3f after %d steps, its least\n", *least,
              10 * static_cast<int>(least - unseen.begin()));
  return panels;
}

int main(int argc, char* argv[]) {
  const Points points = moons(100, 0.1);
  const nn::Linear line = train_line(points);
  std::vector<figure::Panel> pictures = {regions("a line", points, [&](const Tensor& x) { return line(x); })};

  const nn::Sequential net = network();
  std::cout << "\n" << net << "\n";
  optim::SGD optimiser(net, {.lr = 1, .momentum = 0.9});
  int steps = 0;
  for (const int until : {0, 10, 20, 100}) {
    train(net, optimiser, points, until - steps);
    steps = until;
    std::printf("after %3d steps: loss %.4f, %3d of 100 right\n", steps, loss_on(net, points),
                right(net(points.at), points));
    if (steps > 0)
      pictures.push_back(regions("the network, " + std::to_string(steps) + " steps", points,
                                 [&](const Tensor& x) { return net(x); }));
  }

  std::puts("");
  const std::vector<figure::Series> curves = compare_rules(points);
  std::puts("");
  const std::vector<figure::Panel> decays = compare_decays();
  if (argc == 3 && argv[1] == std::string("--figures")) {
    const std::string folder = argv[2];
    figure::write(folder + "/02_moons.svg", pictures, {.columns = 2, .width = 300, .height = 225});
    figure::write(folder + "/02_rules.svg", {{.x = {"step", 0, 100},
                                              .y = {"loss", 1e-4, 1, figure::logarithmic},
                                              .lines = curves,
                                              .legend = figure::bottom_left}});
    figure::write(folder + "/02_unseen.svg", decays, {.columns = 2, .width = 300, .height = 220});
  }
}
