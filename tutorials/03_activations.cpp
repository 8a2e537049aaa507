// What stands between two linear layers: sigmoid, tanh, ReLU, GELU. Their slopes, their cost, their faults,
// and what each makes of the two moons. The page beside this file explains it part by part.
// ./gradus tutorial 03 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numbers>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/figure.h>

using namespace gradus;

using Function = std::function<Tensor(const Tensor&)>;
struct Activation {
  std::string name;
  Function f;
};

Activation named(nn::Activation which) {
  return {nn::name_of(which), [which](const Tensor& x) { return nn::activate(x, which); }};
}

const std::vector<Activation> four = {named(nn::Activation::sigmoid), named(nn::Activation::tanh),
                                      named(nn::Activation::relu), named(nn::Activation::gelu)};

// 1. Values and slopes, the slopes from the tape.
Tensor slope_of(const Function& f, const Tensor& at) {
  const Tensor x = at.clone().requires_grad_();
  return grad({sum(f(x))}, {x})[0];
}

std::vector<figure::Panel> shapes() {
  const Tensor places = tensor({-3, -2, -1, 0, 1, 2, 3}, f64);
  std::printf("   x");
  for (const auto& [name, f] : four) std::printf("  %7s  slope", name.c_str());
  std::puts("");
  for (std::int64_t i = 0; i < places.size(0); ++i) {
    const Tensor x = places.slice(0, i, i + 1);
    std::printf("%4.0f", x.item());
    for (const auto& [name, f] : four) std::printf("  %7.3f %6.3f", f(x).item(), slope_of(f, x).item());
    std::puts("");
  }
  const Tensor x = arange(-80, 81, 1, f64) / 16.0;  // -5 to 5
  const std::vector<double> at = x.to_vector<double>();
  figure::Panel values = {
      .title = "value", .x = {"x", -5, 5}, .y = {"", -1.5, 3}, .legend = figure::top_left};
  figure::Panel slopes = {
      .title = "slope", .x = {"x", -5, 5}, .y = {"", -0.5, 1.5}, .legend = figure::top_left};
  for (const auto& [name, f] : four) {
    const std::vector<double> slope = slope_of(f, x).to_vector<double>();
    const auto [low, high] = std::minmax_element(slope.begin(), slope.end());
    std::printf("%-7s slopes from %6.3f to %5.3f\n", name.c_str(), *low, *high);
    values.lines.push_back({name, at, f(x).to_vector<double>()});
    slopes.lines.push_back({name, at, slope});
  }
  return {values, slopes};
}

void saturation() {
  std::printf("   x    0.1 x  tanh   slope\n");
  for (const double x : {1.0, 5.0, 20.0, 50.0}) {
    const Tensor z = tensor({0.1 * x}, f64);
    std::printf("%4.0f  %7.1f  %.3f  %.4f\n", x, z.item(), tanh(z).item(), slope_of(four[1].f, z).item());
  }
}

// 2. How many multiplications exp needs: exp(x) is exp(r), |r| <= log(2) / 2, times a power of two, and for
// so small an r the Taylor polynomial of this degree is exact enough.
int degree_of_exp(double precision) {
  int degree = 0;
  const double r = std::numbers::ln2 / 2;
  for (double next = r; next > precision; next *= r / (degree + 1)) ++degree;
  return degree;
}

// 3. The network of chapter 02, with any activation, as a module of its own: it lists its members once,
// and has by that parameters, zero_grad, to and all that modules have.
class Net : public nn::ModuleOf<Net> {
 public:
  explicit Net(Function activation) : f(std::move(activation)) { to(f64); }
  Tensor hidden1(const Tensor& x) const { return f(first(x)); }
  Tensor hidden2(const Tensor& x) const { return f(second(hidden1(x))); }
  Tensor operator()(const Tensor& x) const { return last(hidden2(x)); }

  Function f;
  nn::Linear first{{.in = 2, .out = 16}}, second{{.in = 16, .out = 16}}, last{{.in = 16, .out = 1}};

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("first", self.first);
    visit.module("second", self.second);
    visit.module("last", self.last);
  }
};

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

Tensor loss_of(const Net& net, const Points& points) {
  return binary_cross_entropy_with_logits(net(points.at), points.label);
}

std::vector<double> train(const Net& net, optim::Optimizer&& optimiser, const Points& points) {
  std::vector<double> losses;
  for (int step = 0; step < 100; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of(net, points);
    loss.backward();
    optimiser.step();
    losses.push_back(loss.item());
  }
  losses.push_back(loss_of(net, points).item());
  return losses;
}

constexpr int seeds = 5;

struct Spread {
  double mean, low, high;
};

Spread spread_of(const std::vector<double>& v) {
  return {std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size()),
          *std::min_element(v.begin(), v.end()), *std::max_element(v.begin(), v.end())};
}

// How much smaller the gradient of the first layer's weights is than that of the last one's, before training.
double gradient_ratio(const Net& net, const Points& points) {
  loss_of(net, points).backward();
  const auto size = [](const nn::Linear& layer) {
    return std::sqrt(sum(square(layer.weight.grad())).item());
  };
  return size(net.first) / size(net.last);
}

// 4. Each activation from the same five beginnings, at two learning rates.
figure::Panel train_each(const Points& points) {
  std::vector<Activation> all = four;
  all.push_back(named(nn::Activation::leaky_relu));
  all.push_back(named(nn::Activation::gelu_tanh));
  figure::Panel panel = {
      .x = {"step", 0, 100}, .y = {"loss", 1e-4, 1, figure::logarithmic}, .legend = figure::bottom_left};
  std::printf("              first/last  loss after 100 steps of AdamW\n");
  std::printf("              gradient    rate 0.03                 rate 0.1\n");
  for (const auto& [name, f] : all) {
    std::vector<double> ratios, curve(101);
    std::printf("%-12s  ", name.c_str());
    for (const double rate : {0.03, 0.1}) {
      std::vector<double> last;
      for (int seed = 1; seed <= seeds; ++seed) {
        manual_seed(seed);
        const Net net(f);
        ratios.push_back(gradient_ratio(net, points));
        const std::vector<double> losses = train(net, optim::AdamW(net, {.lr = rate}), points);
        last.push_back(losses.back());
        if (rate == 0.03)
          for (std::size_t i = 0; i < losses.size(); ++i) curve[i] += losses[i] / seeds;
      }
      if (rate == 0.03) std::printf("%-10.2f", spread_of(ratios).mean);
      const auto [mean, low, high] = spread_of(last);
      std::printf("  %.4f (%.4f to %.4f)", mean, low, high);
    }
    std::puts("");
    if (name == "GELUTanh") continue;
    std::vector<double> steps(curve.size());
    std::iota(steps.begin(), steps.end(), 0);
    panel.lines.push_back({name, steps, curve});
  }
  return panel;
}

// 5. Units that give 0 for every point: no gradient reaches their weights.
int dead_units(const Tensor& hidden) { return static_cast<int>(sum((max(hidden, 0) == 0.0).to(f64)).item()); }

void dead(const Points& points) {
  std::printf("             at first          after 100 steps\n");
  std::printf("bias   rate  layer 1  layer 2  layer 1  layer 2  loss\n");
  for (const auto& [bias, rate] : std::vector<std::pair<double, double>>{
           {0, 0.1}, {0, 1}, {0, 3}, {0, 10}, {0.5, 1}, {-0.25, 1}, {-0.5, 1}, {-1, 1}, {-2, 1}}) {
    std::array<int, 4> count{};
    std::vector<double> last;
    for (int seed = 1; seed <= seeds; ++seed) {
      manual_seed(seed);
      Net net([](const Tensor& x) { return relu(x); });
      no_grad([&, by = bias] { net.first.bias.add_(by), net.second.bias.add_(by); });
      count[0] += dead_units(net.hidden1(points.at)), count[1] += dead_units(net.hidden2(points.at));
      last.push_back(train(net, optim::SGD(net, {.lr = rate}), points).back());
      count[2] += dead_units(net.hidden1(points.at)), count[3] += dead_units(net.hidden2(points.at));
    }
    std::printf("%5g  %4g", bias, rate);
    for (const int units : count) std::printf("  %7d", units);
    std::printf("  %.2f\n", spread_of(last).mean);
  }
}

// 6. Outputs that are not centred, and tanh moved up on purpose.
void centred(const Points& points) {
  std::printf("mean output at first  layer 1  layer 2\n");
  for (const auto& [name, f] : four) {
    double one = 0, two = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      manual_seed(seed);
      const Net net(f);
      one += mean(net.hidden1(points.at)).item() / seeds;
      two += mean(net.hidden2(points.at)).item() / seeds;
    }
    std::printf("%-20s  %7.3f  %7.3f\n", name.c_str(), one, two);
  }
  for (const double up : {0.0, 0.25, 0.5, 1.0, 2.0}) {
    std::vector<double> last;
    for (int seed = 1; seed <= seeds; ++seed) {
      manual_seed(seed);
      const Net net([up](const Tensor& x) { return tanh(x) + up; });
      last.push_back(train(net, optim::AdamW(net, {.lr = 0.03}), points).back());
    }
    const auto [mean, low, high] = spread_of(last);
    std::printf("tanh + %-5g loss %.4f (%.4f to %.4f)\n", up, mean, low, high);
  }
}

// 7. GELU, and what is taken for it.
std::vector<figure::Panel> approximations() {
  const Tensor x = arange(0, 301, 1, f64) / 50.0;  // 0 to 6; below 0 all differences are the same
  const Tensor exact = x * 0.5 * (1.0 + erf(x / std::numbers::sqrt2));
  std::printf("gelu(x) is x Phi(x) to 1e-14: %s\n", max(abs(gelu(x) - exact)).item() <= 1e-14 ? "yes" : "no");
  const std::vector<double> at = x.to_vector<double>();
  std::vector<figure::Panel> panels;
  for (const auto& [name, f] : std::vector<Activation>{
           {"by tanh", gelu_tanh},
           {"x sigmoid(1.702 x)", [](const Tensor& v) { return v * sigmoid(1.702 * v); }}}) {
    const std::vector<double> apart = (f(x) - exact).to_vector<double>();
    const auto [low, high] = std::minmax_element(apart.begin(), apart.end());
    std::printf("%-18s  from %8.5f at x = %4.2f to %7.5f at x = %4.2f\n", name.c_str(), *low,
                at[low - apart.begin()], *high, at[high - apart.begin()]);
    const double reach = panels.empty() ? 0.0006 : 0.024;
    panels.push_back({.title = name + ", minus GELU",
                      .x = {"x", 0, 6},
                      .y = {"", -reach, reach},
                      .lines = {{"", at, apart}}});
  }
  return panels;
}

int main(int argc, char* argv[]) {
  const std::vector<figure::Panel> curves = shapes();
  std::puts("");
  saturation();
  std::printf("\nexp is a polynomial of degree %d in f32, of degree %d in f64\n\n", degree_of_exp(0x1p-24),
              degree_of_exp(0x1p-53));
  manual_seed(0);
  const Points points = moons(100, 0.1);
  const figure::Panel training = train_each(points);
  std::puts("");
  dead(points);
  std::puts("");
  centred(points);
  std::puts("");
  const std::vector<figure::Panel> apart = approximations();
  if (argc == 3 && argv[1] == std::string("--figures")) {
    const std::string folder = argv[2];
    figure::write(folder + "/03_curves.svg", curves, {.columns = 2, .width = 300, .height = 240});
    figure::write(folder + "/03_training.svg", {training});
    figure::write(folder + "/03_gelu.svg", apart, {.columns = 2, .width = 300, .height = 200});
  }
}
