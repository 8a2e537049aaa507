// What stands between two linear layers: sigmoid, tanh, ReLU, GELU. Their slopes, their cost, their faults,
// and what each makes of the two moons. The page beside this file explains it part by part.
// ./gradus tutorial 03 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <gradus/tutorials/chapter.h>
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

void train(const Net& net, optim::Optimizer&& optimiser, const Points& points) {
  for (int step = 0; step < 100; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of(net, points);
    loss.backward();
    optimiser.step();
  }
}

// 4. Each activation from the same five beginnings; tanh also moved up on purpose.
void train_each(const Points& points) {
  const auto raised = [](double up) -> Function { return [up](const Tensor& x) { return tanh(x) + up; }; };
  std::vector<Activation> all = four;
  all.push_back(named(nn::Activation::leaky_relu));
  all.push_back(named(nn::Activation::gelu_tanh));
  all.push_back({"Tanh + 0.25", raised(0.25)});
  all.push_back({"Tanh + 1", raised(1)});
  all.push_back({"Tanh + 2", raised(2)});
  std::printf("             mean output  loss after 100 steps\n");
  for (const Activation& activation : all) {
    double output = 0;  // of the first layer, before training
    const chapter::Spread loss = chapter::over_seeds([&](int) {
      const Net net(activation.f);
      output += mean(net.hidden1(points.at)).item() / chapter::seeds;
      train(net, optim::AdamW(net, {.lr = 0.03}), points);
      return loss_of(net, points).item();
    });
    std::printf("%-11s  %11.3f  ", activation.name.c_str(), output);
    chapter::print(loss, 4);
    std::puts("");
  }
}

// 5. Units that give 0 for every point: no gradient reaches their weights.
int dead_units(const Tensor& hidden) { return static_cast<int>(sum((max(hidden, 0) == 0.0).to(f64)).item()); }

void dead(const Points& points) {
  std::printf("             at first          after 100 steps\n");
  std::printf("bias   rate  layer 1  layer 2  layer 1  layer 2  loss\n");
  for (const auto& [bias, rate] :
       std::vector<std::pair<double, double>>{{0, 1}, {0, 3}, {0, 10}, {0.5, 1}, {-0.25, 1}, {-0.5, 1}}) {
    std::array<int, 4> count{};
    const chapter::Spread loss = chapter::over_seeds([&, bias = bias, rate = rate](int) {
      Net net([](const Tensor& x) { return relu(x); });
      no_grad([&] {
        net.first.bias.add_(bias);
        net.second.bias.add_(bias);
      });
      count[0] += dead_units(net.hidden1(points.at));
      count[1] += dead_units(net.hidden2(points.at));
      train(net, optim::SGD(net, {.lr = rate}), points);
      count[2] += dead_units(net.hidden1(points.at));
      count[3] += dead_units(net.hidden2(points.at));
      return loss_of(net, points).item();
    });
    std::printf("%5g  %4g", bias, rate);
    for (const int units : count) std::printf("  %7d", units);
    std::printf("  %.2f\n", loss.mean);
  }
}

// 6. GELU, and what is taken for it.
void approximation() {
  const Tensor x = arange(0, 301, 1, f64) / 50.0;  // 0 to 6; below 0 all differences are the same
  const Tensor exact = x * 0.5 * (1.0 + erf(x / std::numbers::sqrt2));
  std::printf("gelu(x) is x Phi(x) to 1e-14: %s\n", max(abs(gelu(x) - exact)).item() <= 1e-14 ? "yes" : "no");
  const std::vector<double> at = x.to_vector<double>(), apart = (gelu_tanh(x) - exact).to_vector<double>();
  const auto [low, high] = std::minmax_element(apart.begin(), apart.end());
  std::printf("by tanh: from %.5f at x = %.2f to %.5f at x = %.2f\n", *low, at[low - apart.begin()], *high,
              at[high - apart.begin()]);
}

int main(int argc, char* argv[]) {
  const std::vector<figure::Panel> curves = shapes();
  std::printf("\nexp is a polynomial of degree %d in f32, of degree %d in f64\n\n", degree_of_exp(0x1p-24),
              degree_of_exp(0x1p-53));
  manual_seed(0);
  const Points points = moons(100, 0.1);
  train_each(points);
  std::puts("");
  dead(points);
  std::puts("");
  approximation();
  const std::string folder = chapter::figures_folder(argc, argv);
  if (folder.empty()) return 0;
  figure::write(folder + "/03_curves.svg", curves, {.columns = 2, .width = 300, .height = 240});
}
