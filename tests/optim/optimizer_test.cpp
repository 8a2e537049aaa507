// What all optimisers share: parameters, groups, gradients, state.
#include <gradus/core/parallel.h>
#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

Tensor weight(const Shape& shape = {3}, DType dtype = f32) { return randn(shape, dtype).requires_grad_(); }

nn::Sequential network() {
  return nn::Sequential(nn::Linear({.in = 2, .out = 8}), nn::Tanh(), nn::Linear({.in = 8, .out = 1}));
}

// One step of least squares on points drawn from the generator.
template <class Model>
double train_once(Model& model, optim::Optimizer& optimiser, Generator& generator) {
  const Tensor x = rand({16, 2}, generator), y = sum(x, -1, keep_dims);
  optimiser.zero_grad();
  const Tensor loss = mean(square(model(x) - y));
  loss.backward();
  optimiser.step();
  return loss.item();
}

bool same(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].name != b[i].name || !equal(a[i].value.detach(), b[i].value.detach())) return false;
  return true;
}

std::vector<NamedTensor> copied(const std::vector<NamedTensor>& state) {
  std::vector<NamedTensor> copy;
  for (const auto& [name, value] : state) copy.push_back({name, value.detach().clone()});
  return copy;
}

}  // namespace

TEST_CASE("a step changes what has a gradient, and zero_grad lets go of all of them", "[optim]") {
  const Tensor used = ones({2}).requires_grad_(), unused = ones({2}).requires_grad_(), frozen = ones({2});
  optim::SGD optimiser({{"used", used}, {"unused", unused}, {"frozen", frozen}}, {.lr = 0.5});
  sum(used * frozen).backward();
  optimiser.step();
  CHECK(equal(used.detach(), full({2}, 0.5)));
  CHECK(equal(unused.detach(), ones({2})));
  CHECK(equal(frozen, ones({2})));
  CHECK(used.grad().defined());
  optimiser.zero_grad();
  CHECK_FALSE(used.grad().defined());
  CHECK(message_of([&] { optimiser.step(); }) ==
        "[step] none of the 3 parameters has a gradient, so none would change. Call backward() "
        "before it, and make the optimiser after model.to()?");
}

TEST_CASE("gradients of several backward passes add up to that of the whole batch", "[optim]") {
  const Tensor x = randn({12, 3}, f64), y = randn({12, 1}, f64);
  const Tensor whole = weight({1, 3}, f64), parts = whole.detach().clone().requires_grad_();
  const auto loss = [](const Tensor& x, const Tensor& w, const Tensor& y) {
    return mean(square(linear(x, w, Tensor()) - y));
  };
  loss(x, whole, y).backward();
  for (std::int64_t i = 0; i < 3; ++i)  // the mean over three parts is a third of the sum of their means
    (loss(x.slice(0, 4 * i, 4 * i + 4), parts, y.slice(0, 4 * i, 4 * i + 4)) / 3.0).backward();
  CHECK(allclose(parts.grad(), whole.grad(), 1e-13, 1e-15));
}

TEST_CASE("a weight that a step changed is refused by a backward pass that saved it", "[optim]") {
  const Tensor w = weight();
  optim::SGD optimiser({{"w", w}}, {.lr = 0.1});
  const Tensor y = sum(square(w));
  sum(w).backward();
  optimiser.step();
  CHECK(message_of([&] { y.backward(); }).find("[square]") == 0);
}

TEST_CASE("groups differ in decay and rate, and keep their ratio whatever the schedule sets", "[optim]") {
  const Tensor slow = ones({2, 2}).requires_grad_(), plain = ones({2, 2}).requires_grad_(),
               bias = ones({2}).requires_grad_();
  optim::SGD optimiser({{"body.weight", slow}, {"head.weight", plain}, {"head.bias", bias}},
                       {.lr = 1, .weight_decay = 0.5},
                       {{.name = "body",
                         .chosen = [](const NamedTensor& p) { return p.name.starts_with("body."); },
                         .lr_ratio = 0.1},
                        optim::no_decay()});
  CHECK(optimiser.lr() == 1);
  optimiser.set_lr(0.2);
  CHECK(optimiser.lr() == 0.2);
  (sum(slow) + sum(plain) + sum(bias)).backward();
  optimiser.step();
  CHECK(allclose(slow.detach(), full({2, 2}, 1 - 0.02 * 1.5)));
  CHECK(allclose(plain.detach(), full({2, 2}, 1 - 0.2 * 1.5)));
  CHECK(allclose(bias.detach(), full({2}, 1 - 0.2)));
}

TEST_CASE("each parameter is in one group at most, and no group is empty", "[optim]") {
  const optim::Parameters parameters{{"a.weight", weight({2, 2})}, {"a.bias", weight({2})}};
  const auto biases = [](const NamedTensor& p) { return p.name.ends_with("bias"); };
  CHECK(message_of([&] {
          optim::SGD(parameters, {}, {optim::no_decay(), {"biases", biases}});
        }) == "[sgd] 'a.bias' is in two groups, 'no decay' and 'biases'. Let one leave it out?");
  const auto typo = [](const NamedTensor& p) { return p.name.ends_with("bais"); };
  CHECK(
      message_of([&] {
        optim::SGD(parameters, {}, {{"biases", typo}});
      }) ==
      "[sgd] the group 'biases' has none of the 2 parameters. Their names are full ones, such as 'a.weight'; "
      "is its .chosen right?");
  CHECK(message_of([&] {
          optim::SGD(parameters, {}, {{"biases", nullptr}});
        }) == "[sgd] the group 'biases' does not say which parameters are its own. Set .chosen?");
  CHECK(message_of([&] {
          optim::SGD(parameters, {}, {{"biases", biases, -1}});
        }) == "[sgd] lr_ratio must be a number from 0 up, not -1. 1?");
}

TEST_CASE("a list that cannot be trained is refused", "[optim]") {
  const Tensor w = weight();
  const auto refused = [](const optim::Parameters& list) {
    return message_of([&] { optim::AdamW(list, {}); });
  };
  CHECK(refused(std::vector<NamedTensor>{}) ==
        "[adamw] has no parameters to work on. Pass a model, or model.parameters()?");
  CHECK(refused(nn::Sequential(nn::Tanh())) ==
        "[adamw] has no parameters to work on. Pass a model, or model.parameters()?");
  CHECK(refused({{"a", w}, {"a", weight()}}) == "[adamw] the name 'a' comes twice. Rename one?");
  CHECK(refused({{"a", w}, {"b", w}}) ==
        "[adamw] 'a' and 'b' are the same tensor, which would be changed twice. Pass it once?");
  CHECK(refused({{"a", w}, {"b", weight({2}, f64)}}) ==
        "[adamw] dtypes do not mix: 'a' is f32, 'b' is f64. Convert the model with to(f64)?");
  CHECK(refused({{"a", w * 2.0}}) ==
        "[adamw] 'a' is computed from other tensors. Pass the leaves that it is made of?");
  CHECK(refused({{"a", Tensor()}}) == "[adamw] 'a' is undefined. Leave it out?");
  CHECK(refused({{"a", arange(3, i64)}}) ==
        "[adamw] needs f32 or f64 elements, not i64. Convert with .to(f32)?");
  CHECK(refused({{"a", weight({1}).detach().expand({4})}}) ==
        "[adamw] 'a' is expanded: it shows the same memory more than once. Pass a clone()?");
}

TEST_CASE("a state that is loaded goes on to the same bits", "[optim]") {
  nn::Sequential model = network();
  optim::AdamW optimiser(model, {.lr = 0.01});
  Generator generator(7);
  for (int step = 0; step < 5; ++step) train_once(model, optimiser, generator);
  optimiser.set_lr(0.003);
  const auto weights = copied(model.state()), state = copied(optimiser.state());
  const RandomState data = generator.state();
  for (int step = 0; step < 5; ++step) train_once(model, optimiser, generator);

  nn::Sequential again = network();
  optim::AdamW resumed(again, {.lr = 0.5});
  again.load_state(weights);
  resumed.load_state(state);
  generator.set_state(data);
  CHECK(resumed.lr() == 0.003);
  for (int step = 0; step < 5; ++step) train_once(again, resumed, generator);
  CHECK(same(again.state(), model.state()));
  CHECK(same(resumed.state(), optimiser.state()));
}

TEST_CASE("what a rule keeps is named after it and the parameter", "[optim]") {
  const optim::Parameters parameters{{"a", weight()}, {"b", weight()}};
  const auto names = [](const optim::Optimizer& optimiser) {
    std::string all;
    for (const NamedTensor& entry : optimiser.state()) all += entry.name + " ";
    return all;
  };
  CHECK(names(optim::SGD(parameters, {})) == "sgd.lr ");
  CHECK(names(optim::SGD(parameters, {.momentum = 0.9})) == "sgd.lr b.a b.b ");
  CHECK(names(optim::Adam(parameters, {})) == "adam.lr steps.a m.a v.a steps.b m.b v.b ");
}

TEST_CASE("a state of another model is refused as a whole, and nothing changes", "[optim]") {
  const Tensor a = weight(), b = weight();
  optim::SGD optimiser({{"a", a}, {"b", b}}, {.lr = 0.1, .momentum = 0.9});
  const auto before = copied(optimiser.state());
  CHECK(message_of([&] {
          optimiser.load_state({{"sgd.lr", full({}, 1, f64)},
                                {"b.a", zeros({4})},
                                {"m.a", zeros({3})},
                                {"sgd.lr", full({}, 2, f64)}});
        }) ==
        "[load_state] the state does not fit this sgd:\n"
        "  twice:      sgd.lr\n"
        "  mis-shaped: b.a is (4,) of f32, wanted (3,) of f32\n"
        "  missing:    b.b\n"
        "  unexpected: m.a\n"
        "Is it of another kind, or of another model?");
  CHECK(same(optimiser.state(), before));
}

TEST_CASE("the state of one rule does not fit another, though its tensors are the same", "[optim][error]") {
  const Tensor a = zeros({3}).requires_grad_();
  const optim::Adam adam({{"a", a}}, {});
  optim::AdamW adamw({{"a", a}}, {});
  CHECK(message_of([&] { adamw.load_state(adam.state()); }) ==
        "[load_state] the state does not fit this adamw:\n"
        "  missing:    adamw.lr\n"
        "  unexpected: adam.lr\n"
        "Is it of another kind, or of another model?");
}

TEST_CASE("one and two threads make the same bits", "[optim]") {
  const int before = threads();
  std::vector<std::vector<NamedTensor>> results;
  for (const int count : {1, 2}) {
    set_threads(count);
    Generator generator(3);
    std::vector<NamedTensor> list;
    for (const Shape& shape : {Shape{5}, Shape{100, 301}, Shape{7}, Shape{20000}})
      list.push_back({"w" + std::to_string(list.size()), randn(shape, generator).requires_grad_()});
    optim::AdamW optimiser(list, {});
    for (int step = 0; step < 3; ++step) {
      optimiser.zero_grad();
      for (const NamedTensor& w : list) sum(w.value * randn(w.value.shape(), generator)).backward();
      const std::int64_t regions = parallel_regions();
      optimiser.step();
      CHECK(parallel_regions() - regions == count - 1);  // one for all weights
    }
    results.push_back(copied(list));
    for (const NamedTensor& entry : copied(optimiser.state())) results.back().push_back(entry);
  }
  set_threads(before);
  CHECK(same(results[0], results[1]));
}

TEST_CASE("a rate is set by a number from 0 up", "[optim]") {
  optim::SGD optimiser({{"w", weight()}}, {.lr = 0.1});
  CHECK(message_of([&] { optimiser.set_lr(-1); }) == "[set_lr] lr must be a number from 0 up, not -1. 1e-3?");
  CHECK(optimiser.lr() == 0.1);
}

TEST_CASE("a network learns a small problem with each rule", "[optim]") {
  const auto learns = [](const auto& make) {
    manual_seed(11);
    Generator generator(5);
    nn::Sequential model = network();
    const auto optimiser = make(model);
    const double first = train_once(model, *optimiser, generator);
    double last = 0;
    for (int step = 0; step < 100; ++step) last = train_once(model, *optimiser, generator);
    return last < 0.05 * first;
  };
  CHECK(learns([](auto& m) { return std::make_unique<optim::SGD>(m, optim::SGD::Options{.lr = 0.2}); }));
  CHECK(learns([](auto& m) {
    return std::make_unique<optim::SGD>(m,
                                        optim::SGD::Options{.lr = 0.05, .momentum = 0.9, .nesterov = true});
  }));
  CHECK(learns(
      [](auto& m) { return std::make_unique<optim::Adagrad>(m, optim::Adagrad::Options{.lr = 0.1}); }));
  CHECK(learns([](auto& m) { return std::make_unique<optim::RMSprop>(m, optim::RMSprop::Options{}); }));
  CHECK(learns([](auto& m) { return std::make_unique<optim::Adam>(m, optim::Adam::Options{.lr = 0.02}); }));
  CHECK(learns([](auto& m) { return std::make_unique<optim::AdamW>(m, optim::AdamW::Options{.lr = 0.02}); }));
}
