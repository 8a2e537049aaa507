// LSTM and GRU: what each gate does, the adding problem, and how much of a gradient comes back through time.
// The page beside this file explains it part by part. ./gradus tutorial 09 [--figures DIR]
#include <gradus/gradus.h>

#include <cstdio>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One step of each. x: (B, in), h and c: (B, H); an RNN and a GRU have no c.
LstmState next(const nn::RNN& net, const Tensor& x, const LstmState& s) {
  const RecurrentWeights& w = net.weights[0];
  return {tanh(linear(x, w.weight_ih, w.bias_ih) + linear(s.h, w.weight_hh, w.bias_hh)), {}};
}

LstmState next(const nn::LSTM& net, const Tensor& x, const LstmState& s) {
  const RecurrentWeights& w = net.weights[0];
  const Tensor all = linear(x, w.weight_ih, w.bias_ih) + linear(s.h, w.weight_hh, w.bias_hh);
  const std::vector<Tensor> a = split(all, s.h.size(1), 1);
  const Tensor input = sigmoid(a[0]), forget = sigmoid(a[1]), output = sigmoid(a[3]);
  const Tensor c = forget * s.c + input * tanh(a[2]);
  return {output * tanh(c), c};
}

LstmState next(const nn::GRU& net, const Tensor& x, const LstmState& s) {
  const RecurrentWeights& w = net.weights[0];
  const std::vector<Tensor> a = split(linear(x, w.weight_ih, w.bias_ih), s.h.size(1), 1);
  const std::vector<Tensor> b = split(linear(s.h, w.weight_hh, w.bias_hh), s.h.size(1), 1);
  const Tensor reset = sigmoid(a[0] + b[0]), update = sigmoid(a[1] + b[1]);
  return {(1.0 - update) * tanh(a[2] + reset * b[2]) + update * s.h, {}};
}

template <class Recurrent>
void compare(const char* name) {
  Recurrent net({.in = 256, .hidden = 256});
  net.to(f64);
  const Tensor x = randn({2, 2, 256}, f64), zero = zeros({2, 256}, f64);
  const LstmState s = next(net, x.select(1, 1), next(net, x.select(1, 0), {zero, zero}));
  const bool same = allclose(s.h, net(x).h[0]);
  std::printf("nn::%-4s   %-3s %12d\n", name, same ? "yes" : "no", static_cast<int>(net.parameter_count()));
}

// 2. One unit with weights by hand: a row for each gate and one for what is new.
template <class Recurrent>
Recurrent unit(const Tensor& weight_ih, const Tensor& weight_hh, const Tensor& bias) {
  Recurrent net({.in = weight_ih.size(1), .hidden = 1});
  net.weights = {{weight_ih.to(f64), weight_hh.to(f64), bias.to(f64), zeros_like(bias).to(f64)}};
  return net;
}

template <class Recurrent>
void run(const char* gates, const Recurrent& net) {
  LstmState s{full({1, 1}, 0.5, f64), full({1, 1}, 0.5, f64)};
  std::printf("%-22s", gates);
  for (const double x : {1, 0, 0, 1, 0, 0}) {
    s = next(net, full({1, 1}, x, f64), s);
    std::printf("  %.2f", (s.c.defined() ? s.c : s.h).item());
  }
  std::printf("    %.2f\n", s.h.item());
}

void gates() {
  constexpr double open = 20, shut = -20;
  const auto lstm = [](double forget, double input, double output) {
    return unit<nn::LSTM>(tensor({{0}, {0}, {2}, {0}}), zeros({4, 1}), tensor({input, forget, 0.0, output}));
  };
  std::printf("\nforget  input   output  c, where x is 1, 0, 0, 1, 0, 0        last h\n");
  run("open    shut    open", lstm(open, shut, open));
  run("shut    open    open", lstm(shut, open, open));
  run("open    open    open", lstm(open, open, open));
  run("open    open    shut", lstm(open, open, shut));
  const auto gru = [](double update, double reset) {
    return unit<nn::GRU>(tensor({{0}, {0}, {2}}), tensor({{0}, {0}, {2}}), tensor({reset, update, 0.0}));
  };
  std::printf("\nupdate  reset           h, where x is 1, 0, 0, 1, 0, 0        last h\n");
  run("open    open", gru(open, open));
  run("shut    shut", gru(shut, shut));
  run("shut    open", gru(shut, open));
  run("half    shut", gru(0, shut));
}

// 3. The adding problem. x: (B, T, 2), numbers and marks; y: (B, 1), the sum of the two that are marked.
data::Adding adding(int seed, std::int64_t first, std::int64_t count, std::int64_t length) {
  const data::Adding problem = data::adding_problem(seed, first, count, length);
  return {problem.x.to(f64), problem.y.to(f64)};
}

void adding_by_hand() {
  const Tensor weight = tensor({{0.0, 40.0}, {0.0, 0.0}, {0.01, 0.0}, {0.0, 0.0}});
  const nn::LSTM lstm = unit<nn::LSTM>(weight, zeros({4, 1}), tensor({-20, 20, 0, 20}));
  const auto [x, y] = adding(1, 0, 1000, 1000);
  std::printf("\none LSTM unit by hand, 1000 steps: %.0e\n", mse_loss(100.0 * lstm(x).h[0], y).item());
}

template <class Recurrent>
std::vector<Recurrent> begun() {
  std::vector<Recurrent> nets;
  chapter::over_seeds([&](int) { return nets.emplace_back(Recurrent({.in = 2, .hidden = 16})).to(f64), 0; });
  return nets;
}

template <class Recurrent>
double train(const Recurrent& net, int seed, std::int64_t length) {
  nn::Linear head({.in = 16, .out = 1});
  head.to(f64);
  std::vector<NamedTensor> both = net.parameters();
  for (const NamedTensor& parameter : head.parameters()) both.push_back(parameter);
  const auto loss = [&](std::int64_t first, std::int64_t count) {
    const auto [x, y] = adding(seed, first, count, length);
    return mse_loss(head(net(x).h[0]), y);
  };
  optim::Adam optimiser(both, {.lr = 0.01});
  for (int step = 0; step < 1500; ++step) {
    optimiser.zero_grad();
    loss(32 * step, 32).backward();
    optim::clip_grad_norm(both, 1);
    optimiser.step();
    for (const NamedTensor& parameter : both)
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  return no_grad([&] { return loss(1'000'000, 1000).item(); });  // on others
}

template <class Recurrent>
std::vector<Recurrent> learn(const char* name) {
  std::vector<Recurrent> nets;
  std::printf("%-4s", name);
  for (const std::int64_t length : {10, 50}) {
    nets = begun<Recurrent>();
    std::printf("   ");
    chapter::print(chapter::over_seeds([&](int seed) { return train(nets[seed - 1], seed, length); }), 4);
  }
  std::printf("\n");
  return nets;
}

// 4. How far the last of 50 states moves where the one k steps before, h and c, is nudged; k = 0 to 49.
template <class Recurrent>
Tensor through_time(const Recurrent& net) {
  const Tensor x = adding(6, 0, 1, 50).x.expand({16, 50, 2});  // a row for each unit of the last state
  LstmState s{zeros({16, 16}, f64).requires_grad_(), zeros({16, 16}, f64).requires_grad_()};
  std::vector<Tensor> states;
  for (std::int64_t t = 0; t < 50; ++t) {
    s = next(net, x.select(1, t), s);
    states.push_back(s.c.defined() ? concat({s.h, s.c}, 1) : s.h);
    s.h = states.back().slice(1, 0, 16), s.c = s.c.defined() ? states.back().slice(1, 16, 32) : s.c;
  }
  return sqrt(flip(sum(square(stack(grad({s.h}, states, {eye(16, f64)}), 0)), {1, 2}), 0) / 16.0);
}

// The last of 50 places gets a mean of all, weighted by how well each fits it. h: (50, 16)
Tensor through_time(const Tensor& h) {
  const Tensor all = h.expand({16, 50, 16}).clone().requires_grad_(), last = all.slice(1, 49, 50);
  const Tensor y = matmul(softmax(matmul(last, all.t()) / 4.0, 2), all);
  const Tensor d = grad({y}, {all}, {eye(16, f64).unsqueeze(1)})[0];
  return sqrt(flip(sum(square(d), {0, 2}), 0) / 16.0);
}

// The geometric mean of five, and for k = 40 the range.
template <class Net>
figure::Series row(const char* name, const std::vector<Net>& nets) {
  std::vector<Tensor> norms;
  for (const Net& net : nets) norms.push_back(through_time(net));
  const Tensor mean = exp(gradus::mean(log(stack(norms, 0)), 0)), far = stack(norms, 0).select(1, 40);
  std::printf("%-20s", name);
  for (const int k : {1, 5, 10, 20, 40}) std::printf("   %5.0e", mean[k].item());
  std::printf(" (%.0e to %.0e)\n", min(far).item(), max(far).item());
  return {name, arange(50, f64).to_vector<double>(), mean.to_vector<double>()};
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  std::printf("           same   parameters\n");
  compare<nn::RNN>("RNN"), compare<nn::GRU>("GRU"), compare<nn::LSTM>("LSTM");
  gates();
  adding_by_hand();
  std::printf("\n       10 steps                    50 steps\n");
  const std::vector<nn::RNN> rnns = learn<nn::RNN>("RNN");
  const std::vector<nn::GRU> grus = learn<nn::GRU>("GRU");
  const std::vector<nn::LSTM> lstms = learn<nn::LSTM>("LSTM");
  std::vector<Tensor> places(chapter::seeds);
  for (Tensor& h : places) h = randn({50, 16}, f64);
  std::vector<nn::RNN> orthogonal = begun<nn::RNN>();
  for (nn::RNN& net : orthogonal) net.weights[0].weight_hh = nn::orthogonal({16, 16}).to(f64);
  std::vector<nn::LSTM> open = begun<nn::LSTM>();
  for (nn::LSTM& net : open) no_grad([&] { net.weights[0].bias_ih.slice(0, 16, 32).fill_(4); });
  std::printf("\nk                        1       5      10      20      40\n");
  std::vector<figure::Series> lines{row("RNN", begun<nn::RNN>()),   row("GRU", begun<nn::GRU>()),
                                    row("LSTM", begun<nn::LSTM>()), row("attention", places),
                                    row("GRU, trained", grus),      row("LSTM, trained", lstms)};
  row("RNN, trained", rnns), row("RNN, orthogonal", orthogonal), row("LSTM, forget 4", open);
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  const figure::Axis k{"k", 0, 49}, y{"moved", 1e-12, 10, figure::logarithmic};
  figure::write(folder + "/09_decay.svg", {{.x = k, .y = y, .lines = lines, .legend = figure::bottom_left}});
}
