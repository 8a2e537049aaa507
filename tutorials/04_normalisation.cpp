// Batch norm and layer norm: what each normalises, why it helps a deep net, and where batch norm breaks.
// The page beside this file explains it part by part. ./gradus tutorial 04 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <numbers>
#include <stdexcept>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One formula, two directions.
Tensor normalised(const Tensor& x, const Axes& axes) {
  const Tensor centred = x - mean(x, axes, keep_dims);
  return centred / sqrt(mean(square(centred), axes, keep_dims) + 1e-5);
}

std::string rounded(const Tensor& x) { return to_string(x, {.precision = 2}); }

void two_directions(const Tensor& x) {
  std::cout << "each feature over the batch\n" << rounded(normalised(x, 0)) << "\n";
  std::cout << "each sample over its features\n" << rounded(normalised(x, 1)) << "\n";
  const auto compare = [](auto layer, const Shape& shape, const Axes& axes) {
    layer.to(f64);
    layer.requires_grad_(false);
    layer.weight.fill_(2);
    layer.bias.fill_(1);
    const Tensor many = 3.0 * randn(shape, f64) + 5.0, y = normalised(many, axes);
    const char* same = allclose(layer(many), 2.0 * y + 1.0, 0, 1e-12) ? "yes" : "no";
    std::cout << layer.kind() << " on " << shape << " is scale * y + shift: " << same << "\n";
  };
  compare(nn::LayerNorm({.width = 3}), {16, 7, 3}, 2);
  compare(nn::BatchNorm1d({.channels = 3}), {16, 3, 7}, {0, 2});
  compare(nn::BatchNorm2d({.channels = 3}), {16, 3, 5, 5}, {0, 2, 3});
  compare(nn::BatchNorm3d({.channels = 3}), {16, 3, 5, 5, 4}, {0, 2, 3, 4});
}

// 2. What they do not do: divide by the variance, take a sentence as a whole, keep a direction.
void not_so(const Tensor& x) {
  const Tensor centred = x - mean(x, 0, keep_dims), variance = mean(square(centred), 0, keep_dims);
  const auto deviations = [](const Tensor& y) { return rounded(sqrt(mean(square(y), 0))); };
  std::cout << "\ndeviation of each feature " << deviations(centred) << "\ndivided by var + eps      "
            << deviations(centred / (variance + 1e-5)) << "\ndivided by the root of it "
            << deviations(centred / sqrt(variance + 1e-5)) << "\n";
  std::cout << "the four as a whole\n" << rounded(normalised(x, {})) << "\n";
  const Tensor y = layer_norm(x), lengths = sqrt(sum(square(x), 1) * sum(square(y), 1));
  std::cout << "cosine of each with its layer norm: " << rounded(sum(x * y, 1) / lengths) << "\n";
}

// 3. Five layers of tanh with weights of one deviation, batch norm before each tanh or not.
Tensor five_layers(double deviation, bool with_batch_norm) {
  manual_seed(1);
  Tensor x = randn({256, 64}, f64);
  for (int layer = 0; layer < 5; ++layer) {
    const Tensor z = linear(x, deviation * randn({64, 64}, f64));
    x = tanh(with_batch_norm ? normalised(z, 0) : z);
  }
  return x;
}

void saturation() {
  std::printf("\nw = 0.1: tanh(w * 1) = %.2f, tanh(w * 20) = %.2f\n", std::tanh(0.1), std::tanh(2));
  std::printf("deviation of w   |tanh| > 0.95: without   with batch norm\n");
  const auto saturated = [](const Tensor& y) { return 100 * mean((abs(y) > 0.95).to(f64)).item(); };
  for (const double deviation : {0.125, 0.5, 1.0})
    std::printf("%14g   %20.0f %%   %13.0f %%\n", deviation, saturated(five_layers(deviation, false)),
                saturated(five_layers(deviation, true)));
}

void draw_saturation(const std::string& path) {
  std::vector<figure::Panel> panels;
  for (const bool with : {false, true}) {
    const std::vector<double> middles = linspace(-0.95, 0.95, 20, f64).to_vector<double>();
    figure::Series bars{"", middles, std::vector<double>(20), with};
    for (const double y : five_layers(1, with).to_vector<double>())
      bars.y[static_cast<std::size_t>(std::min((y + 1) * 10, 19.0))] += 1 / 16384.0;
    panels.push_back({.title = with ? "with batch norm" : "without",
                      .x = {"output of the fifth tanh", -1, 1},
                      .y = {"share", 0, 0.5},
                      .bars = {bars}});
  }
  figure::write(path, panels, {.columns = 2, .width = 280, .height = 220});
}

// 4. Training and evaluation.
void running_statistics() {
  manual_seed(1);
  nn::BatchNorm1d layer({.channels = 1});
  layer.to(f64);
  const auto& [channels, eps, momentum, affine] = layer.options;
  std::printf("\neps %g, momentum %g, affine %d\n", eps, momentum, affine);
  const Tensor row = tensor({{8}}, f64);
  std::printf("batches   running mean   running variance   8 becomes\n");
  for (int batch = 1; batch <= 100; ++batch) {
    layer(3.0 * randn({32, 1}, f64) + 5.0);
    if (batch != 1 && batch != 10 && batch != 100) continue;
    const nn::EvalMode evaluation(layer);
    const double mean = layer.running_mean.item(), variance = layer.running_var.item();
    std::printf("%7d   %12.2f   %16.2f   %9.2f\n", batch, mean, variance, layer(row).item());
  }
  try {
    layer(row);
  } catch (const std::invalid_argument& refused) {
    std::cout << "8 alone, in training:\n" << refused.what() << "\n";
  }
}

// 5. A net to train: which of three spiral arms does a point belong to?
struct Points {
  Tensor x, arm;  // (B, 2), (B,)
};

Points spirals(std::int64_t count) {
  const Tensor arm = randint(0, 3, {count}), radius = 0.1 + 0.9 * rand({count}, f64);
  const Tensor angle = 4.5 * radius + 2 * std::numbers::pi / 3 * arm.to(f64);
  return {stack({radius * cos(angle), radius * sin(angle)}, 1) + 0.05 * randn({count, 2}, f64), arm};
}

enum class Norm { none, batch, layer };

nn::Sequential make_net(Norm norm) {
  nn::Sequential net;
  for (const std::int64_t in : {2, 32, 32}) {
    net.push_back(nn::Linear({.in = in, .out = 32}));
    if (norm == Norm::batch) net.push_back(nn::BatchNorm1d({.channels = 32}));
    if (norm == Norm::layer) net.push_back(nn::LayerNorm({.width = 32}));
    net.push_back(nn::Tanh());
  }
  net.push_back(nn::Linear({.in = 32, .out = 3}));
  net.to(f64);
  return net;
}

// The accuracy on new points, in percent.
double train(Norm norm, double lr, std::int64_t batch, int steps) {
  nn::Sequential net = make_net(norm);
  optim::SGD optimiser(net, {.lr = lr});
  for (int step = 0; step < steps; ++step) {
    const Points points = spirals(batch);
    const Tensor loss = cross_entropy(net(points.x), points.arm);
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
    for (const NamedTensor& parameter : optimiser.parameters())
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  net.eval();
  const Points test = spirals(600);
  return 100 * mean((argmax(net(test.x), -1) == test.arm).to(f64)).item();
}

// How well five seeds learn, at each rate with each number of points in a batch.
void compare_norms(const std::vector<double>& rates, const std::vector<std::int64_t>& batches, int steps) {
  std::printf("\nlearning rate   batch   no norm            batch norm         layer norm\n");
  for (const double lr : rates)
    for (const std::int64_t batch : batches) {
      std::printf("%13g   %5d", lr, static_cast<int>(batch));
      for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
        std::printf("   ");
        if (norm == Norm::batch && batch == 1)
          std::printf("refused         ");
        else
          chapter::print(chapter::over_seeds([&](int) { return train(norm, lr, batch, steps); }), 0, 3);
      }
      std::printf("\n");
    }
}

// 6. Sentences of different lengths.
void padding() {
  manual_seed(1);
  const Tensor sentences = randn({4, 8, 3}, f64) + 2.0;  // 4 sentences, 8 channels, 3 tokens
  const Tensor padded = concat({sentences, zeros({4, 8, 9}, f64)}, 2);
  const auto moved = [&](const Axes& axes) {
    return max(abs(normalised(padded, axes).slice(2, 0, 3) - normalised(sentences, axes))).item();
  };
  std::printf("\npadded from 3 tokens to 12: moved by up to %.2f by batch norm, by %.2f by layer norm\n",
              moved({0, 2}), moved(1));
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  const Tensor x = tensor({{1, 20, 300}, {2, 40, 100}, {3, 30, 500}, {6, 10, 300}}, f64);
  two_directions(x);
  not_so(x);
  saturation();
  running_statistics();
  compare_norms({0.03, 0.1, 0.3, 1, 3}, {64}, 200);
  compare_norms({0.1}, {1, 2, 4, 8, 16, 64}, 500);
  padding();
  const std::string folder = chapter::figures_folder(argc, argv);
  if (!folder.empty()) draw_saturation(folder + "/04_saturation.svg");
}
