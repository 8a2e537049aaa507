// Each update rule against a loop over plain numbers, against what is known of it, and its pass over memory
// against its definition.
#include <cmath>
#include <functional>

#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

// Weight, gradient, what the rule remembers, and t from 1: one update of one number.
struct Scalar {
  double w, g, a = 0, b = 0;
};
struct Rule {
  const char* name;
  std::function<std::unique_ptr<optim::Optimizer>(const optim::Parameters&)> make;
  std::function<void(Scalar&, int)> scalar;
  std::function<Tensor(const Tensor& w, const Tensor& g, Tensor& a, Tensor& b, int)> definition;
};

template <class Optimizer>
auto maker(typename Optimizer::Options options) {
  return [options](const optim::Parameters& p) { return std::make_unique<Optimizer>(p, options); };
}

Rule sgd_rule(const char* name, optim::SGD::Options o) {
  return {name, maker<optim::SGD>(o),
          [o](Scalar& s, int) {
            const double g = s.g + o.weight_decay * s.w;
            s.a = o.momentum * s.a + g;
            s.w -= o.lr * (o.nesterov ? g + o.momentum * s.a : s.a);
          },
          [o](const Tensor& w, const Tensor& g, Tensor& b, Tensor&, int) {
            return optim::definition::sgd(w, g, b, o);
          }};
}

std::vector<Rule> rules() {
  const optim::Adagrad::Options adagrad{.lr = 0.1, .weight_decay = 0.03};
  const optim::RMSprop::Options rmsprop{.lr = 0.02, .alpha = 0.9, .weight_decay = 0.03};
  const optim::Adam::Options adam{.lr = 0.05, .beta2 = 0.98, .weight_decay = 0.03};
  const optim::AdamW::Options adamw{.lr = 0.05, .beta1 = 0.8, .eps = 1e-3, .weight_decay = 0.1};
  const auto moments = [](Scalar& s, double g, double b1, double b2) {
    s.a = b1 * s.a + (1 - b1) * g;
    s.b = b2 * s.b + (1 - b2) * g * g;
  };
  return {
      sgd_rule("plain", {.lr = 0.1, .weight_decay = 0.03}),
      sgd_rule("momentum", {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.03}),
      sgd_rule("Nesterov", {.lr = 0.1, .momentum = 0.7, .nesterov = true}),
      {"Adagrad", maker<optim::Adagrad>(adagrad),
       [o = adagrad](Scalar& s, int) {
         const double g = s.g + o.weight_decay * s.w;
         s.a += g * g;
         s.w -= o.lr * g / (std::sqrt(s.a) + o.eps);
       },
       [o = adagrad](const Tensor& w, const Tensor& g, Tensor& a, Tensor&, int) {
         return optim::definition::adagrad(w, g, a, o);
       }},
      {"RMSprop", maker<optim::RMSprop>(rmsprop),
       [o = rmsprop](Scalar& s, int) {
         const double g = s.g + o.weight_decay * s.w;
         s.a = o.alpha * s.a + (1 - o.alpha) * g * g;
         s.w -= o.lr * g / (std::sqrt(s.a) + o.eps);
       },
       [o = rmsprop](const Tensor& w, const Tensor& g, Tensor& a, Tensor&, int) {
         return optim::definition::rmsprop(w, g, a, o);
       }},
      {"Adam", maker<optim::Adam>(adam),
       [o = adam, moments](Scalar& s, int t) {
         moments(s, s.g + o.weight_decay * s.w, o.beta1, o.beta2);
         const double v = s.b / (1 - std::pow(o.beta2, t));
         s.w -= o.lr * s.a / (1 - std::pow(o.beta1, t)) / (std::sqrt(v) + o.eps);
       },
       [o = adam](const Tensor& w, const Tensor& g, Tensor& a, Tensor& b, int t) {
         return optim::definition::adam(w, g, a, b, t, o);
       }},
      {"AdamW", maker<optim::AdamW>(adamw),
       [o = adamw, moments](Scalar& s, int t) {
         s.w *= 1 - o.lr * o.weight_decay;
         moments(s, s.g, o.beta1, o.beta2);
         const double v = s.b / (1 - std::pow(o.beta2, t));
         s.w -= o.lr * s.a / (1 - std::pow(o.beta1, t)) / (std::sqrt(v) + o.eps);
       },
       [o = adamw](const Tensor& w, const Tensor& g, Tensor& a, Tensor& b, int t) {
         return optim::definition::adamw(w, g, a, b, t, o);
       }},
  };
}

// Makes g the gradient of w.
void set_gradient(const Tensor& w, const Tensor& g) {
  w.zero_grad();
  sum(w * g).backward();
}

double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(a.detach().to(f64) - b.detach().to(f64))).item();
}

}  // namespace

TEST_CASE("ten updates are those of a loop over plain numbers", "[optim]") {
  for (const Rule& rule : rules()) {
    CAPTURE(rule.name);
    const Tensor w = randn({7, 3}, f64).requires_grad_();
    std::vector<Scalar> expected;
    for (const double x : w.to_vector<double>()) expected.push_back({x, 0});
    const auto optimiser = rule.make({{"w", w}});
    for (int t = 1; t <= 10; ++t) {
      const Tensor g = randn({7, 3}, f64);
      set_gradient(w, g);
      optimiser->step();
      for (std::size_t i = 0; i < expected.size(); ++i) {
        expected[i].g = g.data<double>()[i];
        rule.scalar(expected[i], t);
        REQUIRE(w.data<double>()[i] == Approx(expected[i].w).epsilon(1e-13).margin(1e-14));
      }
    }
  }
}

TEST_CASE("the pass over memory is the definition, in f64 to rounding and in f32 against f64", "[optim]") {
  for (const Rule& rule : rules())
    for (const DType dtype : {f64, f32}) {
      CAPTURE(rule.name, dtype);
      // Three weights, one of them transposed memory and one of them empty.
      const std::vector<Tensor> weights{randn({5, 4}, dtype), randn({6, 33}, dtype).t().detach(),
                                        zeros({0, 3}, dtype)};
      std::vector<NamedTensor> named;
      std::vector<Tensor> w, a, b;  // the definition's
      for (const Tensor& x : weights) {
        w.push_back(x.to(f64).clone());
        a.push_back(zeros(x.shape(), f64));
        b.push_back(zeros(x.shape(), f64));
        named.push_back({"w" + std::to_string(named.size()), Tensor(x).requires_grad_()});
      }
      const auto optimiser = rule.make(named);
      for (int t = 1; t <= 10; ++t) {
        for (std::size_t k = 0; k < weights.size(); ++k) {
          const Tensor g = randn(weights[k].shape(), dtype);
          set_gradient(named[k].value, g);
          w[k] = rule.definition(w[k], g.to(f64), a[k], b[k], t);
        }
        optimiser->step();
      }
      for (std::size_t k = 0; k < 2; ++k)
        CHECK(largest_difference(named[k].value, w[k]) < (dtype == f64 ? 2e-14 : 5e-6));
    }
}

TEST_CASE("momentum on a quadratic follows its linear recurrence", "[optim]") {
  // Loss h w^2 / 2 has gradient h w: with lr a and momentum m, w(t+1) = (1 + m - a h) w(t) - m w(t-1).
  const double a = 0.1, m = 0.5, h = 3;
  const Tensor w = full({1}, 2, f64).requires_grad_();
  optim::SGD optimiser({{"w", w}}, {.lr = a, .momentum = m});
  double before = 2, now = 2;  // at rest
  for (int t = 0; t < 20; ++t) {
    optimiser.zero_grad();
    (0.5 * h * square(w)).backward(ones({1}, f64));
    optimiser.step();
    const double next = (1 + m - a * h) * now - m * before;
    before = now, now = next;
    CHECK(w.item() == Approx(now).epsilon(1e-12));
  }
}

TEST_CASE("Adam's first step is lr in the direction of the gradient's sign", "[optim]") {
  const Tensor w = zeros({4}, f64).requires_grad_();
  optim::Adam optimiser({{"w", w}}, {.lr = 0.01, .eps = 0});
  set_gradient(w, tensor({-3, 1e-6, 100, -0.5}, f64));
  optimiser.step();
  CHECK(allclose(w.detach(), tensor({0.01, -0.01, -0.01, 0.01}, f64), 1e-12, 0));
}

TEST_CASE("AdamW's decay shrinks by lr * decay where there is no gradient, Adam's moves by a whole lr",
          "[optim]") {
  const Tensor apart = full({3}, 2, f64).requires_grad_(), within = full({3}, 2, f64).requires_grad_();
  optim::AdamW adamw({{"w", apart}}, {.lr = 0.1, .weight_decay = 0.5});
  optim::Adam adam({{"w", within}}, {.lr = 0.1, .weight_decay = 0.5});
  set_gradient(apart, zeros({3}, f64));
  set_gradient(within, zeros({3}, f64));
  adamw.step(), adam.step();
  CHECK(allclose(apart.detach(), full({3}, 2 * (1 - 0.1 * 0.5), f64), 1e-14, 0));
  CHECK(allclose(within.detach(), full({3}, 2 - 0.1, f64), 1e-8, 0));
}

TEST_CASE("Adagrad's steps on a constant gradient fall as 1 / sqrt(t)", "[optim]") {
  const Tensor w = zeros({1}, f64).requires_grad_();
  optim::Adagrad optimiser({{"w", w}}, {.lr = 1, .eps = 0});
  double expected = 0;
  for (int t = 1; t <= 10; ++t) {
    set_gradient(w, full({1}, 5, f64));
    optimiser.step();
    expected -= 1 / std::sqrt(t);
    CHECK(w.item() == Approx(expected).epsilon(1e-13));
  }
}

TEST_CASE("RMSprop's steps on a constant gradient settle at lr", "[optim]") {
  const Tensor w = zeros({1}, f64).requires_grad_();
  optim::RMSprop optimiser({{"w", w}}, {.lr = 0.1, .alpha = 0.5});
  double before = 0;
  for (int t = 1; t <= 40; ++t) {
    before = w.item();
    set_gradient(w, full({1}, -7, f64));
    optimiser.step();
  }
  CHECK(w.item() - before == Approx(0.1).epsilon(1e-8));
}

TEST_CASE("a weight that skips updates keeps its own count of them", "[optim]") {
  // The second one's first update is a whole lr, as Adam's first one is.
  const Tensor early = zeros({1}, f64).requires_grad_(), late = zeros({1}, f64).requires_grad_();
  optim::Adam optimiser({{"early", early}, {"late", late}}, {.lr = 0.01, .eps = 0});
  for (int t = 0; t < 5; ++t) {
    set_gradient(early, ones({1}, f64));
    optimiser.step();
  }
  CHECK(late.item() == 0);
  set_gradient(late, ones({1}, f64));
  optimiser.step();
  CHECK(late.item() == Approx(-0.01).epsilon(1e-12));
}

TEST_CASE("rules refuse settings that are no such numbers", "[optim]") {
  const optim::Parameters w{{"w", zeros({2}).requires_grad_()}};
  CHECK(message_of([&] { optim::SGD(w, {.lr = -0.1}); }) ==
        "[sgd] lr must be a number from 0 up, not -0.1. 1e-3?");
  CHECK(message_of([&] { optim::AdamW(w, {.lr = NAN}); }) ==
        "[adamw] lr must be a number from 0 up, not nan. 1e-3?");
  CHECK(message_of([&] { optim::Adam(w, {.eps = INFINITY}); }) ==
        "[adam] eps must be a number from 0 up, not inf. 1e-8?");
  CHECK(message_of([&] { optim::AdamW(w, {.weight_decay = -1}); }) ==
        "[adamw] weight_decay must be a number from 0 up, not -1. 0?");
  CHECK(message_of([&] { optim::Adam(w, {.beta2 = 1}); }) ==
        "[adam] beta2 must be at least 0 and less than 1, not 1. 0.999?");
  CHECK(message_of([&] { optim::RMSprop(w, {.alpha = -0.5}); }) ==
        "[rmsprop] alpha must be at least 0 and less than 1, not -0.5. 0.99?");
  CHECK(message_of([&] { optim::SGD(w, {.momentum = NAN}); }) ==
        "[sgd] momentum must be at least 0 and less than 1, not nan. 0.9?");
  CHECK(message_of([&] { optim::SGD(w, {.nesterov = true}); }) ==
        "[sgd] nesterov looks ahead along the momentum, which is 0. Set .momentum = 0.9?");
}

TEST_CASE("Adam's bias corrections are the formula's over hundreds of steps", "[optim]") {
  // With beta1 = 0.9 the correction becomes 1 after 400 steps.
  const optim::Adam::Options options{.lr = 0.01, .beta2 = 0.95};
  const Tensor w = zeros({3}, f64).requires_grad_();
  Tensor expected = zeros({3}, f64), m = zeros({3}, f64), v = zeros({3}, f64);
  optim::Adam optimiser({{"w", w}}, options);
  for (int t = 1; t <= 900; ++t) {
    const Tensor g = randn({3}, f64);
    set_gradient(w, g);
    optimiser.step();
    expected = optim::definition::adam(expected, g, m, v, t, options);
  }
  CHECK(largest_difference(w, expected) < 1e-14);
}
