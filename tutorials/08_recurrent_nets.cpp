// Recurrent nets: their state, the shapes of their use, what they learn, how far they see. The page beside
// this file explains it part by part. ./gradus tutorial 08 [--figures DIR]
#include <gradus/gradus.h>

#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;

// 1. One step, and an adder of binary numbers whose weights are set by hand. x: (B, 2), h: (B, 3)
Tensor step(const Tensor& x, const Tensor& h, const RecurrentWeights& w) {
  return tanh(linear(x, w.weight_ih, w.bias_ih) + linear(h, w.weight_hh, w.bias_hh));
}

void adder_by_hand() {
  nn::RNN rnn({.in = 2, .hidden = 3});
  const Tensor carry = tensor({{0, 10, 0}, {0, 10, 0}, {0, 10, 0}}, f64), least = tensor({0, -20, -40}, f64);
  rnn.weights[0] = {.weight_ih = full({3, 2}, 20, f64), .weight_hh = carry, .bias_ih = least};
  const Tensor start = tensor({{-1, -1, -1}}, f64), read = tensor({{0.5, -0.5, 0.5}}, f64);

  const Tensor x = tensor({{{1, 1}, {0, 1}, {1, 0}, {1, 1}, {0, 0}}}, f64);  // 13 and 11, low bits first
  Tensor h = start;
  std::printf("bits   state       digit\n");
  for (std::int64_t t = 0; t < x.size(1); ++t) {
    h = step(x.select(1, t), h, rnn.weights[0]);
    const double *bit = x[0][t].data<double>(), *unit = h.data<double>();
    const bool digit = linear(h, read).item() > 0;
    std::printf("%.0f %.0f    %+.0f %+.0f %+.0f    %d\n", bit[0], bit[1], unit[0], unit[1], unit[2], digit);
  }
  const bool same = allclose(rnn(x, {.h0 = start.unsqueeze(0)}).h[0], h);
  std::printf("nn::RNN comes to the same state: %s\n", same ? "yes" : "no");

  // Of 1000 pasts of 20 steps, how many differ in what comes of the same next 10 bits?
  const Tensor past = randint(0, 2, {1000, 20, 2}), next = randint(0, 2, {1, 10, 2}).expand({1000, 10, 2});
  const Tensor states = rnn(concat({past, next}, 1).to(f64), {.h0 = start.expand({1, 1000, 3})}).output;
  const Tensor digits = (linear(states.slice(1, 20, 30), read) > 0.0).to(f64).squeeze(2);
  const std::vector<double> futures = sum(digits * exp(arange(10, f64)), 1).to_vector<double>();
  std::printf("1000 pasts have %zu futures\n", std::set(futures.begin(), futures.end()).size());
}

// 2. What is trained: states, and from each of them logits. x: (B, T, in), h0: (1, B, 32) or zeros
struct Net : nn::ModuleOf<Net> {
  Net(std::int64_t in, std::int64_t out) : rnn({.in = in, .hidden = 32}), head({.in = 32, .out = out}) {
    to(f64);
  }
  Tensor operator()(const Tensor& x, const Tensor& h0 = {}) const { return head(rnn(x, {.h0 = h0}).output); }
  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("rnn", self.rnn);
    visit.module("head", self.head);
  }
  nn::RNN rnn;
  nn::Linear head;
};

using Examples = std::pair<Tensor, Tensor>;  // x, y

// Of how many sequences of `test` all that is asked is right after so many steps, in percent.
template <class Model, class Draw>
double learn(const Model& model, const optim::Parameters& parameters, int steps, const Examples& test,
             const Draw& draw) {
  optim::Adam optimiser(parameters, {});
  for (int step = 0; step < steps; ++step) {
    const auto [x, y] = draw();
    optimiser.set_lr(0.01 * (1 - static_cast<double>(step) / steps));  // along a line, to 0
    optimiser.zero_grad();
    cross_entropy(model(x), y).backward();
    optim::clip_grad_norm(parameters, 1);
    optimiser.step();
    for (const NamedTensor& parameter : parameters)
      no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
  }
  const auto [x, y] = test;
  const Tensor wrong = logical_and(argmax(model(x), 2) != y, y >= 0.0);  // below 0: not asked
  return 100 * (1 - mean(any(wrong, 1).to(f64)).item());
}

double one_to_one() {  // are two bits different?
  const Tensor x = tensor({{{0, 0}}, {{0, 1}}, {{1, 0}}, {{1, 1}}}, f64);
  const Examples all{x, tensor({{0}, {1}, {1}, {0}}, i64)};
  const Net net(2, 2);
  return learn(net, net, 300, all, [&] { return all; });
}

// Many to one: what does a number leave if divided by 3, what is its first bit? Asked of its first bits, as
// many as `shortest`, of one more, and so on.
enum Question { rest_by_3, first_bit };

double many_to_one(Question question, std::int64_t shortest, std::int64_t longest, std::int64_t tested) {
  const auto draw = [=](std::int64_t count, std::int64_t from, std::int64_t to) {
    const Tensor bits = randint(0, 2, {count, to}), y = full({count, to}, data::ignore_index, i64);
    for (std::int64_t n = 0; n < count; ++n)
      for (std::int64_t t = 0, rest = 0, *bit = bits[n].data<std::int64_t>(); t < to; ++t) {
        rest = (2 * rest + bit[t]) % 3;
        if (t >= from - 1) y[n].data<std::int64_t>()[t] = question == rest_by_3 ? rest : bit[0];
      }
    return Examples{2.0 * bits.unsqueeze(2).to(f64) - 1.0, y};
  };
  const Net net(1, 3);
  return learn(net, net, 1000, draw(1000, tested, tested), [&] { return draw(64, shortest, longest); });
}

double one_to_many() {  // a number's Roman numeral: ids 0 to 4 are I, V, X, L, C, and 5 is the end
  static const char* numerals[] = {"", "0", "00", "000", "01", "1", "10", "100", "1000", "02"};
  const Tensor numbers = randperm(100), x = zeros({100, 9, 20}, f64), y = full({100, 9}, 5, i64);
  for (std::int64_t n = 0; n < 100; ++n) {
    const std::int64_t number = numbers.data<std::int64_t>()[n], tens = number / 10, ones = number % 10;
    x[n][0][tens].fill_(1), x[n][0][10 + ones].fill_(1);
    std::int64_t* id = y[n].data<std::int64_t>();
    for (const char* letter = numerals[tens]; *letter; ++letter) *id++ = *letter - '0' + 2;
    for (const char* letter = numerals[ones]; *letter; ++letter) *id++ = *letter - '0';
  }
  const Net net(20, 6);
  const Examples seen{x.slice(0, 0, 80), y.slice(0, 0, 80)}, unseen{x.slice(0, 80, 100), y.slice(0, 80, 100)};
  return learn(net, net, 500, unseen, [&] { return seen; });
}

double many_to_many() {  // the sum of two binary numbers, low bits first
  const auto draw = [](std::int64_t count, std::int64_t length) {
    const Tensor x = randint(0, 2, {count, length, 2}), y = sum(x, 2);
    for (std::int64_t n = 0; n < count; ++n)
      for (std::int64_t t = 0, carry = 0, *digit = y[n].data<std::int64_t>(); t < length; ++t)
        carry += digit[t], digit[t] = carry % 2, carry /= 2;
    return Examples{2.0 * x.to(f64) - 1.0, y};
  };
  const Net net(2, 2);
  return learn(net, net, 1000, draw(1000, 100), [&] { return draw(32, 8); });
}

double encoder_decoder() {  // one net reads a word; the other begins where it ended, and writes it backwards
  nn::RNN encoder({.in = 10, .hidden = 32});
  encoder.to(f64);
  const Net decoder(1, 10);
  std::vector<NamedTensor> both = decoder.parameters();
  for (const NamedTensor& parameter : encoder.parameters()) both.push_back(parameter);
  const auto backwards = [&](const Tensor& word) {
    return decoder(zeros({word.size(0), 6, 1}, f64), encoder(one_hot(word, 10, f64)).h);
  };
  const auto draw = [](std::int64_t count) {
    const Tensor word = randint(0, 10, {count, 6});
    return Examples{word, flip(word, 1)};
  };
  return learn(backwards, both, 1000, draw(1000), [&] { return draw(64); });
}

// 3. How much of the gradient of output 16 goes to each input. x: (1, 33, 8)
template <class Layer>
figure::Series heard(const std::string& name, const Layer& layer) {
  const Tensor x = randn({1, 33, 8}, f64).requires_grad_(), y = layer(x).select(1, 16);
  const Tensor norms = sqrt(sum(square(grad({y}, {x}, {randn({1, 8}, f64)})[0]), 2))[0];
  const double inputs = sum((norms > 0.0).to(f64)).item();
  std::printf("%-15s   %6.0f   %8.0e   %8.0e\n", name.c_str(), inputs, norms[0].item(), norms[16].item());
  return {name, arange(33, f64).to_vector<double>(), norms.to_vector<double>()};
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  adder_by_hand();
  const auto row = [](const char* task, const auto& measure) {
    std::printf("%-50s", task);
    chapter::print(chapter::over_seeds([&](int) { return measure(); }), 0, 3);
    std::printf("\n");
  };
  std::printf("\n%-50sright, %%\n", "");
  row("one to one: two bits, are they different?", one_to_one);
  row("many to one: a number of 20 bits, its rest by 3", [] { return many_to_one(rest_by_3, 1, 20, 20); });
  row("one to many: a number, its Roman numeral", one_to_many);
  row("many to many: two numbers of 100 bits, their sum", many_to_many);
  row("many to many, two nets: a word, and it backwards", encoder_decoder);
  std::printf("\n%-50sright, %%\n", "asked       trained on     tested on");
  row("rest by 3         5 bits        5 bits", [] { return many_to_one(rest_by_3, 5, 5, 5); });
  row("rest by 3        10 bits       10 bits", [] { return many_to_one(rest_by_3, 10, 10, 10); });
  row("rest by 3    1 - 20 bits      200 bits", [] { return many_to_one(rest_by_3, 1, 20, 200); });
  row("first bit        10 bits       10 bits", [] { return many_to_one(first_bit, 10, 10, 10); });
  row("first bit        20 bits       20 bits", [] { return many_to_one(first_bit, 20, 20, 20); });
  row("first bit    1 - 20 bits      200 bits", [] { return many_to_one(first_bit, 1, 20, 200); });

  std::vector<figure::Series> lines;
  std::printf("\n                  inputs   input 0   input 16\n");
  for (const int depth : {1, 2, 4, 16})
    lines.push_back(heard("convolution x" + std::to_string(depth), [=](const Tensor& x) {
      Tensor y = x.t();  // (1, 8, 33)
      for (int i = 0; i < depth; ++i) y = tanh(conv1d(y, 0.2 * randn({8, 8, 3}, f64), {}, {.padding = 1}));
      return y.t();
    }));
  lines.push_back(heard("RNN", Net(8, 8)));
  const auto attention = [](const Tensor& x) { return matmul(softmax(matmul(x, x.t()), 2), x); };
  lines.push_back(heard("attention", attention));
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  const figure::Axis x{"input", 0, 32}, y{"gradient", 1e-10, 10, figure::logarithmic};
  figure::write(folder + "/08_reach.svg", {{.x = x, .y = y, .lines = lines, .legend = figure::bottom_left}});
}
