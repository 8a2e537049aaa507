// The moving average of weights.
#include <stdexcept>

#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

nn::Linear layer() { return nn::Linear({.in = 3, .out = 2}); }

}  // namespace

TEST_CASE("an average follows its weight by the formula", "[optim]") {
  for (const DType dtype : {f64, f32}) {
    const Tensor w = zeros({40, 1000}, dtype).requires_grad_();
    optim::Ema ema({{"w", w}}, {.decay = 0.9});
    double weight = 0, average = 0;
    for (int step = 1; step <= 10; ++step) {
      weight = step % 3;
      no_grad([&] { Tensor(w).fill_(weight); });
      ema.update();
      average = 0.9 * average + 0.1 * weight;
    }
    CHECK(allclose(ema.state()[0].value, full(w.shape(), average, dtype), dtype == f64 ? 1e-14 : 1e-6, 0));
    CHECK(equal(w.detach(), full(w.shape(), weight, dtype)));
  }
}

TEST_CASE("the averages stand in for the weights and give way again, whatever happens", "[optim]") {
  nn::Linear model = layer();
  const Tensor before = model.weight.detach().clone();
  optim::Ema ema(model, {.decay = 0.5});
  no_grad([&] { model.weight.add_(2.0); });
  ema.update();
  const Tensor x = randn({4, 3});
  nn::Linear expected = layer();
  ema.copy_to(expected);
  CHECK(allclose(expected.weight.detach(), before + 1.0));
  CHECK(equal(ema.with_average([&] { return model(x).detach(); }), expected(x).detach()));
  CHECK(allclose(model.weight.detach(), before + 2.0));
  CHECK(message_of([&] { ema.with_average([&] { ema.update(); }); }) ==
        "[ema] the averages are in the weights' place. Call it after with_average has returned?");
  CHECK(message_of([&] { ema.with_average([&] { ema.copy_to(expected); }); }).find("[ema] the averages") ==
        0);
  CHECK(allclose(model.weight.detach(), before + 2.0));
}

TEST_CASE("a backward pass knows weights that an average stood in for", "[optim]") {
  const nn::Linear model = layer();
  optim::Ema ema(model, {});
  const Tensor y = sum(square(model.weight));
  ema.with_average([] {});
  CHECK(message_of([&] { y.backward(); }).find("[square]") == 0);
}

TEST_CASE("an average that is loaded goes on to the same bits", "[optim]") {
  nn::Linear model = layer();
  optim::Ema ema(model, {.decay = 0.7});
  no_grad([&] { model.weight.mul_(3); });
  ema.update();

  optim::Ema resumed(model, {.decay = 0.7});
  resumed.load_state(ema.state());
  ema.update(), resumed.update();
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(resumed.state()[i].name == ema.state()[i].name);
    CHECK(equal(resumed.state()[i].value, ema.state()[i].value));
  }
  CHECK(message_of([&] {
          resumed.load_state({{"weight", zeros({2, 3})}});
        }) ==
        "[load_state] the state does not fit this ema:\n  missing:    bias\n"
        "Is it of another kind, or of another model?");
}

TEST_CASE("an average refuses a decay of 1 and a model without weights", "[optim]") {
  CHECK(message_of([] { optim::Ema(layer(), {.decay = 1}); }) ==
        "[ema] decay must be at least 0 and less than 1, not 1. 0.999?");
  CHECK(message_of([] { optim::Ema(nn::Tanh(), {}); }) ==
        "[ema] has no parameters to work on. Pass a model, or model.parameters()?");
}
