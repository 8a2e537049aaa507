// What becomes of attention without the order of words, what of it attention can be told, and what sinusoids
// have that other ways lack. The page beside this file explains it. ./gradus tutorial 15 [--figures DIR]
#include <gradus/gradus.h>

#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>

using namespace gradus;
using nn::Position;

std::vector<double> list(const Tensor& x) { return x.to_vector<double>(); }
Tensor from_0_to(std::int64_t end) { return arange(0, static_cast<double>(end), 1, f64); }
const char* yes(bool is) { return is ? "yes" : "no"; }

// 1. Sines and cosines: d / 2 frequencies, and a row for each position.   positions: (n,), rows: (n, d)
Tensor frequencies(std::int64_t d, double base = 10000) {
  return exp(arange(0, static_cast<double>(d), 2, f64) * (-std::log(base) / static_cast<double>(d)));
}

Tensor sinusoids(const Tensor& positions, std::int64_t d, double base = 10000) {
  const Tensor angles = positions.unsqueeze(1) * frequencies(d, base);  // (n, d / 2)
  return stack({sin(angles), cos(angles)}, 2).reshape({positions.size(0), d});
}

// Moves a row by `steps` positions: turns each pair of features by an angle.   (d, d)
Tensor shift(double steps, std::int64_t d) {
  Tensor M = zeros({d, d}, f64);
  const std::vector<double> angles = list(steps * frequencies(d));
  for (std::int64_t i = 0; i < d; i += 2) {
    const double c = std::cos(angles[i / 2]), s = std::sin(angles[i / 2]);
    M.slice(0, i, i + 2).slice(1, i, i + 2).copy_(tensor({{c, s}, {-s, c}}, f64));
  }
  return M;
}

// 2. Without positions.
void compare_orders() {
  manual_seed(1);
  const Tensor words = randn({7, 16}, f64);
  nn::MultiHeadAttention attention({.width = 16, .heads = 2});
  attention.to(f64);
  const Tensor dog = tensor({0, 1, 2, 0, 3}, i64);  // the dog bites the man
  const Tensor he_owes_me = tensor({4, 5, 6}, i64), i_owe_him = tensor({6, 5, 4}, i64);
  const auto compare = [&](const char* name, double sinusoid, const nn::MayAttend& may = {}) {
    const auto y = [&](const Tensor& ids) {
      const Tensor x = embedding(words, ids) + sinusoid * sinusoids(from_0_to(ids.size(0)), 16);
      return attention(x.unsqueeze(0), may)[0];
    };
    std::printf("%-19s   %-11s   %s\n", name, yes(allclose(y(dog)[0], y(dog)[3])),
                yes(allclose(y(he_owes_me), flip(y(i_owe_him), 0))));
  };
  std::printf("                      equal words   he owes me\n");
  compare("words alone", 0);
  compare("words and sinusoids", 1);
  compare("words, causal mask", 0, {.causal = true});
}

// 3. Positions as numbers, and as sines and cosines.
void compare_rows() {
  const Tensor a = randn({1000, 128}, f64), b = randn({1000, 128}, f64);
  const auto cosine = [](const Tensor& x, const Tensor& y) {
    return mean(sum(x * y, 1) / sqrt(sum(square(x), 1) * sum(square(y), 1))).item();
  };
  std::printf("\nposition   index   sinusoids\n");
  for (const double p : {1, 10, 100, 10000}) {
    const Tensor row = sinusoids(full({1}, p, f64), 128);
    std::printf("%8.0f   %5.2f   %9.2f\n", p, cosine(a + p, b + p), cosine(a + row, b + row));
  }
  std::printf("\nwords    step   0.5 is so many words\n");
  for (const int T : {5, 11, 101, 1001}) std::printf("%5d   %5.3f   %20d\n", T, 1.0 / (T - 1), (T - 1) / 2);
  const Tensor positions = from_0_to(10000), rows = sinusoids(positions, 128);
  std::cout << "\nJe suis étudiant\n" << sinusoids(from_0_to(3), 4);
  std::cout << "\nposition 3, exponents 0, 0, 2, 2 and 0, 0, 1, 1 over 128\n"
            << stack({rows[3], sinusoids(positions, 128, 100)[3]}, 0).slice(1, 0, 4) << "\n";
  std::printf("\n  d    least   greatest   length   nearest two   words apart\n");
  for (const int d : {2, 4, 8, 128}) {
    const Tensor r = sinusoids(positions, d), length = sqrt(sum(square(r), 1));
    const Tensor apart = sqrt(sum(square(r - r[0]), 1)).slice(0, 1, 10000);
    std::printf("%3d   %6.3f   %8.3f   %6.2f   %11.5f   %11.0f\n", d, min(r).item(), max(r).item(),
                mean(length).item(), min(apart).item(), 1 + argmin(apart, 0).to(f64).item());
  }
  for (const double s : {1, 10, 1000, -10}) {
    const bool same = allclose(matmul(rows, shift(s, 128).t()), sinusoids(positions + s, 128), 0, 1e-9);
    std::printf("%sone matrix moves all 10000 rows by %4.0f: %s\n", s == 1 ? "\n" : "", s, yes(same));
  }
  std::printf("nn::sinusoids agrees: %s\n", yes(allclose(nn::sinusoids(10000, 128, 10000, f64), rows)));
}

// 4. Nets that are told positions in one way or another.
constexpr std::int64_t symbols = 10, trained = 16, longest = 32;

struct Way {
  const char* name;
  Position position;                         // what is added
  std::int64_t words = 32;                   // features of a word
  Tensor beside = zeros({longest, 0}, f64);  // rows that stand beside the words
};

struct Net : nn::ModuleOf<Net> {
  explicit Net(const Way& way) : way(way) { to(f64); }

  Tensor operator()(const Tensor& ids) const {  // (B, T) to (B, T, symbols)
    const Tensor rows = way.beside.slice(0, 0, ids.size(1)).expand({ids.size(0), -1, -1});
    const Tensor x = concat({positions(words(ids)), rows}, -1);
    return head(x + attention(x));
  }

  Way way;
  std::int64_t width = way.words + way.beside.size(1), turns = longest * (way.position == Position::rotary);
  nn::Embedding words{{.count = symbols, .width = way.words}};
  nn::PositionalEncoding positions{{.width = way.words, .position = way.position, .max_length = longest}};
  nn::MultiHeadAttention attention{{.width = width, .heads = 4, .rotary = turns}};
  nn::Linear head{{.in = width, .out = symbols}};

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("words", self.words);
    visit.module("positions", self.positions);
    visit.module("attention", self.attention);
    visit.module("head", self.head);
  }
};

enum Task { two_back, pairs };
// For each word the one two words before it, or, of each two words, the other one.
Tensor wanted(Task task, const Tensor& ids) {
  const std::int64_t B = ids.size(0), T = ids.size(1);
  if (task == pairs) return flip(ids.reshape({B, T / 2, 2}), 2).reshape({B, T});
  return concat({full({B, 2}, -100, i64), ids.slice(1, 0, T - 2)}, 1);
}

figure::Series learn(const Way& way, Task task) {
  std::vector<Tensor> right[2];  // of 100, by seed, for each word of 16 and of 32
  const auto train = [&](int) {
    Net net(way);
    optim::Adam optimiser(net, {.lr = 0.01});
    for (int step = 0; step < 400; ++step) {
      const Tensor ids = randint(0, symbols, {16, 4 + 2 * (step % 7)});
      optimiser.zero_grad();
      cross_entropy(net(ids), wanted(task, ids)).backward();
      optimiser.step();
      for (const NamedTensor& parameter : optimiser.parameters())
        no_grad([&] { Tensor(parameter.value).add_(0x1p36).add_(-0x1p36); });
    }
    for (const int longer : {0, 1}) {
      const Tensor ids = randint(0, symbols, {200, longer ? longest : trained});
      const Tensor said = argmax(no_grad([&] { return net(ids); }), -1);
      right[longer].push_back(100.0 * mean((said == wanted(task, ids)).to(f64), 0));
    }
    return static_cast<double>(net.parameter_count());
  };
  std::printf("%-16s   %7.0f", way.name, chapter::over_seeds(train).mean);
  for (const int from : {2, 16, 24}) {
    const std::int64_t to = from == 2 ? trained : from + 8;
    const auto share = [&](int seed) { return mean(right[from > 2][seed - 1].slice(0, from, to)).item(); };
    std::printf("   ");
    chapter::print(chapter::over_seeds(share), 1, 5);
  }
  std::printf("\n");
  return {way.name, list(from_0_to(longest) + 1.0), list(mean(stack(right[1], 0), 0))};
}

int main(int argc, char* argv[]) {
  set_threads(1);  // the nets are too small to share out
  compare_orders();
  compare_rows();
  const Tensor p = from_0_to(longest);
  const std::vector<Way> ways{{"none", Position::none},
                              {"index", Position::index},
                              {"index / (T - 1)", Position::normalised},
                              {"index beside", Position::none, 31, p.unsqueeze(1)},
                              {"one-hot beside", Position::none, 32, eye(longest, f64)},
                              {"learned", Position::learned},
                              {"sinusoids", Position::sinusoidal},
                              {"sinusoids, half", Position::none, 16, sinusoids(p, 16)},
                              {"sinusoids beside", Position::none, 32, sinusoids(p, 32)},
                              {"turned", Position::rotary}};
  std::vector<figure::Panel> panels;
  for (const Task task : {two_back, pairs}) {
    panels.push_back({task == two_back ? "two back" : "pairs", {"word", 3, 46}, {"right (%)", 0, 100}});
    std::printf("\n%-16s   weights   3 to 16                 17 to 24                25 to 32\n",
                panels[task].title.c_str());
    for (std::size_t way = task == two_back ? 0 : 4; way < ways.size(); ++way) {
      const figure::Series line = learn(ways[way], task);
      if (way >= 4) panels[task].lines.push_back(line);
    }
  }
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  figure::write(folder + "/15_words.svg", panels, {.columns = 2, .width = 400});
  figure::write(
      folder + "/15_sinusoids.svg",
      {{.x = {"feature", 0, 16}, .y = {"position", 0, 32}, .cells = {list(sinusoids(p, 16)), 32, 16}}});
}
