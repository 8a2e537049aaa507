// Batch norm and layer norm: what each normalises, why it helps a deep net, and where batch norm breaks.
// The page beside this file explains it part by part. ./gradus tutorial 04 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <numbers>
#include <string>
#include <vector>

#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One formula, two directions.
Tensor normalised(const Tensor& x, const Axes& axes) {
  const Tensor centred = x - mean(x, axes, keep_dims);
  return centred / sqrt(mean(square(centred), axes, keep_dims) + 1e-5);
}

bool agree(const Tensor& a, const Tensor& b) { return allclose(a, b, 0, 1e-12); }
std::string rounded(const Tensor& x) { return to_string(x, {.precision = 2}); }

template <int places>
void compare(const Shape& shape, const Axes& axes) {
  nn::BatchNorm<places> layer({.channels = shape[1]});
  layer.to(f64);
  const Tensor x = 3.0 * randn(shape, f64) + 5.0;
  std::cout << layer.kind() << " on " << shape << " is the formula over axes "
            << axes.normalised(shape.rank(), "compare") << ": " << agree(layer(x), normalised(x, axes))
            << "\n";
}

void two_directions() {
  const Tensor x = tensor({{1, 20, 300}, {2, 40, 100}, {3, 30, 500}, {6, 10, 300}}, f64);
  std::cout << "each feature over the batch\n" << rounded(normalised(x, 0)) << "\n";
  std::cout << "each sample over its features\n" << rounded(normalised(x, 1)) << "\n";
  const Tensor scale = tensor({2, 2, 2}, f64), shift = tensor({1, 1, 1}, f64);
  std::cout << "the library's, with scale 2 and shift 1, are 2 y + 1: "
            << agree(batch_norm(x, scale, shift).y, 2.0 * normalised(x, 0) + 1.0) << " and "
            << agree(layer_norm(x, scale, shift), 2.0 * normalised(x, 1) + 1.0) << "\n";
  compare<1>({16, 3}, 0);
  compare<1>({16, 3, 7}, {0, 2});
  compare<2>({16, 3, 5, 5}, {0, 2, 3});
  compare<3>({16, 3, 5, 5, 4}, {0, 2, 3, 4});
  const nn::BatchNorm1d layer({.channels = 3});
  std::printf("eps %g, momentum %g, affine %d; it holds", layer.options.eps, layer.options.momentum,
              layer.options.affine);
  for (const NamedTensor& held : layer.state()) std::cout << " " << held.name;
  std::cout << "\n";
}

// 2. By what to divide.
void the_root() {
  const Tensor z = normalised(randn({1000}, f64), 0);
  const auto deviation = [](const Tensor& y) { return std::sqrt(mean(square(y)).item()); };
  std::printf("deviation: of x   divided by var + eps   by its root\n");
  for (const double size : {0.1, 1.0, 10.0, 100.0}) {
    const Tensor centred = size * z, variance = mean(square(centred)) + 1e-5;
    std::printf("%15g   %20.2f   %11.2f\n", size, deviation(centred / variance),
                deviation(centred / sqrt(variance)));
  }
}

// 3. What layer norm takes together, and what it does to a direction.
double cosine(const Tensor& a, const Tensor& b) {
  return sum(a * b).item() / std::sqrt(sum(a * a).item() * sum(b * b).item());
}

void tokens() {
  const Tensor sentence = tensor({{1, 2, 3, 4}, {10, 10, 10, 14}, {0, 5, 0, 5}}, f64);
  Tensor changed = sentence.clone();
  changed[2].mul_(100);
  const Tensor each = layer_norm(sentence), whole = normalised(sentence, {});
  std::cout << "each token by itself\n" << rounded(each) << "\nthe sentence as a whole\n" << rounded(whole);
  const auto moved = [](const Tensor& a, const Tensor& b) { return max(abs(a - b).slice(0, 0, 2)).item(); };
  std::printf(
      "\nthe last token a hundredfold: each by itself, the other two move by %.2f, as a whole by %.2f\n",
      moved(each, layer_norm(changed)), moved(whole, normalised(changed, {})));
  for (const int token : {0, 1, 2})
    std::printf("token %d: cosine with its layer norm %.2f, with its RMS norm %.2f\n", token,
                cosine(sentence[token], each[token]), cosine(sentence[token], rms_norm(sentence)[token]));
}

// 4. Five layers of tanh with weights of one deviation, batch norm before each tanh or not.
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
  for (const double x : {1.0, 20.0}) {
    const double y = std::tanh(0.1 * x);
    std::printf("w = 0.1, x = %2g: tanh(w x) = %.4f, slope %.4f\n", x, y, 1 - y * y);
  }
  std::printf("deviation of w   |tanh| > 0.95: without    with   mean slope: without   with\n");
  const auto saturated = [](const Tensor& y) { return 100 * mean((abs(y) > 0.95).to(f64)).item(); };
  const auto slope = [](const Tensor& y) { return mean(1.0 - square(y)).item(); };
  for (const double deviation : {0.125, 0.5, 1.0}) {
    const Tensor without = five_layers(deviation, false), with = five_layers(deviation, true);
    std::printf("%14g   %20.0f %%   %3.0f %%   %19.2f   %4.2f\n", deviation, saturated(without),
                saturated(with), slope(without), slope(with));
  }
}

void draw_saturation(const std::string& path) {
  std::vector<figure::Panel> panels(2);
  for (const bool with : {false, true}) {
    figure::Series bars{"", std::vector<double>(20), std::vector<double>(20), with};
    for (std::size_t i = 0; i < 20; ++i) bars.x[i] = -0.95 + 0.1 * static_cast<double>(i);
    for (const double y : five_layers(1, with).to_vector<double>())
      bars.y[static_cast<std::size_t>(std::min((y + 1) * 10, 19.0))] += 1 / 16384.0;
    panels[with].title = with ? "with batch norm" : "without";
    panels[with].x = {"output of the fifth tanh", -1, 1}, panels[with].y = {"share", 0, 0.5};
    panels[with].bars = {bars};
  }
  figure::write(path, panels, {.columns = 2, .width = 280, .height = 220});
}

// 5. Training and evaluation.
void running_statistics() {
  manual_seed(1);
  nn::BatchNorm1d layer({.channels = 1});
  layer.to(f64);
  layer(tensor({{1}, {3}}, f64));
  std::printf("after {1, 3}: running mean %.2f, running variance %.2f\n", layer.running_mean.item(),
              layer.running_var.item());
  const Tensor row = tensor({{8}}, f64);
  std::printf("batches   running mean   running variance   8 becomes\n");
  for (int batch = 1; batch <= 100; ++batch) {
    layer(3.0 * randn({32, 1}, f64) + 5.0);
    const nn::EvalMode evaluation(layer);
    if (batch == 1 || batch == 10 || batch == 100)
      std::printf("%7d   %12.2f   %16.2f   %9.2f\n", batch, layer.running_mean.item(),
                  layer.running_var.item(), layer(row).item());
  }
  std::printf("in training, 8 beside 2 and 5 becomes %.2f, beside 9 and 10 %.2f\n",
              layer(tensor({{8}, {2}, {5}}, f64))[0].item(), layer(tensor({{8}, {9}, {10}}, f64))[0].item());
  std::cout << "alone, by the formula: " << normalised(row, 0) << ", by the layer:\n";
  try {
    layer(row);
  } catch (const std::invalid_argument& refused) {
    std::cout << refused.what() << "\n";
  }
}

// 6. A net to train: which of three spiral arms does a point belong to?
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

struct Result {
  double accuracy;  // on new points, in percent
  double steps;     // until the running average of the loss fell below 0.5
};

Result train(Norm norm, double lr, std::int64_t batch, int steps, std::uint64_t seed) {
  manual_seed(seed);
  nn::Sequential net = make_net(norm);
  optim::SGD optimiser(net, {.lr = lr});
  std::vector<Tensor> weights;
  for (const NamedTensor& parameter : net.parameters()) weights.push_back(parameter.value);
  double average = std::log(3), reached = steps;
  for (int step = 0; step < steps; ++step) {
    const Points points = spirals(batch);
    const Tensor loss = cross_entropy(net(points.x), points.arm);
    average = 0.9 * average + 0.1 * loss.item();
    if (average < 0.5) reached = std::min<double>(reached, step);
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
    for (Tensor& weight : weights) no_grad([&] { weight.add_(0x1p36).add_(-0x1p36); });
  }
  net.eval();
  const Points test = spirals(600);
  return {100 * mean((argmax(net(test.x), -1) == test.arm).to(f64)).item(), reached};
}

void print_row(double lr, std::int64_t batch, int steps, double Result::*measured) {
  for (const Norm norm : {Norm::none, Norm::batch, Norm::layer}) {
    if (norm == Norm::batch && batch == 1) {
      std::printf("   refused       ");
      continue;
    }
    std::vector<double> values;
    for (const std::uint64_t seed : {1, 2, 3, 4, 5})
      values.push_back(train(norm, lr, batch, steps, seed).*measured);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    std::printf("   %3.0f (%3.0f..%3.0f)", mean(from_vector(values)).item(), *low, *high);
  }
  std::printf("\n");
}

void learning_rates() {
  std::printf("learning rate   no norm          batch norm       layer norm\n");
  for (const double lr : {0.03, 0.1, 0.3, 1.0, 3.0}) {
    std::printf("%13g", lr);
    print_row(lr, 64, 300, &Result::steps);
  }
}

// 7. Small batches, and sentences of different lengths.
void small_batches() {
  std::printf("batch   no norm          batch norm       layer norm\n");
  for (const std::int64_t batch : {1, 2, 4, 8, 16, 64}) {
    std::printf("%5d", static_cast<int>(batch));
    print_row(0.1, batch, 500, &Result::accuracy);
  }
}

void lengths() {
  manual_seed(1);
  const Tensor sentences = randn({4, 8, 3}, f64) + 2.0;  // 4 sentences, 8 channels, 3 tokens
  std::printf("padded to   batch norm moves   layer norm moves\n");
  for (const std::int64_t length : {3, 6, 12, 24}) {
    const Tensor padded = concat({sentences, zeros({4, 8, length - 3}, f64)}, 2);
    const auto moved = [&](const Axes& axes) {
      return max(abs(normalised(padded, axes).slice(2, 0, 3) - normalised(sentences, axes))).item();
    };
    std::printf("%9d   %16.2f   %16.2f\n", static_cast<int>(length), moved({0, 2}), moved(1));
  }
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  two_directions();
  for (const auto part :
       {the_root, tokens, saturation, running_statistics, learning_rates, small_batches, lengths}) {
    std::cout << std::endl;
    part();
  }
  if (argc == 3 && argv[1] == std::string("--figures"))
    draw_saturation(argv[2] + std::string("/04_saturation.svg"));
}
