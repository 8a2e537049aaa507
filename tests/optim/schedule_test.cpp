// Schedules at the points where their rates are known.
#include <cmath>

#include <gradus/gradus.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using gradus::test::message_of;

namespace {

std::int64_t highest(const optim::Schedule& schedule, std::int64_t steps) {
  std::int64_t best = 0;
  for (std::int64_t step = 1; step < steps; ++step)
    if (schedule(step) > schedule(best)) best = step;
  return best;
}

}  // namespace

TEST_CASE("constant and stepwise rates", "[optim]") {
  CHECK(optim::Constant{.lr = 0.3}(12345) == 0.3);
  const optim::StepDecay schedule{.lr = 0.8, .every = 10, .factor = 0.5};
  CHECK(schedule(0) == 0.8);
  CHECK(schedule(9) == 0.8);
  CHECK(schedule(10) == 0.4);
  CHECK(schedule(35) == Approx(0.1));
}

TEST_CASE("a cosine is at half in the middle and at its last rate from the end on", "[optim]") {
  const optim::Cosine schedule{.lr = 1, .steps = 100, .last = 0.2};
  CHECK(schedule(0) == 1);
  CHECK(schedule(50) == Approx(0.6));
  CHECK(schedule(25) + schedule(75) == Approx(1.2));
  CHECK(schedule(25) == Approx(0.2 + 0.8 * (0.5 + std::sqrt(0.125))));
  CHECK(schedule(100) == Approx(0.2));
  CHECK(schedule(1000) == Approx(0.2));
}

TEST_CASE("a warm-up rises by equal steps to the rate, and the fall begins there", "[optim]") {
  const optim::LinearDecay line{.lr = 0.4, .steps = 12, .warmup = 4};
  const double rates[] = {0.1, 0.2, 0.3, 0.4, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0, 0};
  for (std::int64_t step = 0; step < 14; ++step) CHECK(line(step) == Approx(rates[step]).margin(1e-15));
  const optim::Cosine cosine{.lr = 0.4, .steps = 12, .warmup = 4};
  CHECK(cosine(1) == Approx(0.2));
  CHECK(cosine(8) == Approx(0.2));
  CHECK(cosine(12) == Approx(0).margin(1e-15));
}

TEST_CASE("Noam's rate is highest at the last step of the warm-up and falls as 1 / sqrt(t)", "[optim]") {
  const optim::Noam schedule{.width = 512, .warmup = 400};
  CHECK(highest(schedule, 3000) == 399);
  CHECK(schedule(399) == Approx(1 / std::sqrt(512.0 * 400)));
  CHECK(schedule(99) == Approx(schedule(399) / 4));
  CHECK(schedule(1599) == Approx(schedule(399) / 2));
  CHECK(optim::Noam{.width = 512, .scale = 3}(3999) == Approx(3 / std::sqrt(512.0 * 4000)));
}

TEST_CASE("one cycle begins at a part of the rate, passes it, and ends at next to nothing", "[optim]") {
  const optim::OneCycle schedule{.lr = 0.5, .steps = 100};
  CHECK(schedule(0) == Approx(0.02));
  CHECK(schedule(29) == Approx(0.5));
  CHECK(highest(schedule, 100) == 29);
  CHECK(schedule(64) == Approx(0.5 * (0.5 + 2e-6)));  // in the middle of the fall
  CHECK(schedule(99) == Approx(2e-6));
  CHECK(schedule(500) == Approx(2e-6));
}

TEST_CASE("the rate falls when the metric has stopped to, and its state goes on from where it was",
          "[optim]") {
  const optim::ReduceOnPlateau::Options options{.lr = 1, .factor = 0.5, .patience = 2, .least = 0.2};
  optim::ReduceOnPlateau schedule(options);
  const std::pair<double, double> reports[] = {
      {5, 1},   {4, 1},   {4, 1},   {3.9999, 1},  // no better by 1e-4
      {4, 0.5}, {4, 0.5}, {3, 0.5}, {NAN, 0.5},  {3, 0.5}, {3.5, 0.25}, {3, 0.25}};
  for (const auto& [metric, lr] : reports) CHECK(schedule(metric) == lr);

  optim::ReduceOnPlateau resumed(options);
  resumed.load_state(schedule.state());
  for (optim::ReduceOnPlateau* each : {&schedule, &resumed}) {
    CHECK((*each)(3) == 0.25);
    CHECK((*each)(3) == 0.2);  // the least
    CHECK((*each)(2) == 0.2);
  }
}

TEST_CASE("a metric below 0 improves by falling further", "[optim]") {
  optim::ReduceOnPlateau schedule({.lr = 1, .factor = 0.5, .patience = 0, .threshold = 0.01});
  CHECK(schedule(-0.90) == 1);
  CHECK(schedule(-0.95) == 1);
  CHECK(schedule(-0.955) == 0.5);  // less than a hundredth better
}

TEST_CASE("schedules refuse what has no rate", "[optim]") {
  CHECK(message_of([] { optim::Constant{.lr = 1}(-1); }) ==
        "[constant] steps count from 0, and this one is -1. Begin at 0?");
  CHECK(message_of([] { optim::StepDecay{.lr = 1, .every = 0}(3); }) ==
        "[step_decay] every must be above 0, not 0. 1000?");
  CHECK(message_of([] { optim::Cosine{.lr = 1, .steps = 10, .warmup = 10}(3); }) ==
        "[cosine] the warm-up must end before the last step; it takes 10 of 10 steps. A tenth of them?");
  CHECK(message_of([] { optim::LinearDecay{.lr = NAN, .steps = 10}(3); }) ==
        "[linear] lr must be a number from 0 up, not nan. 1e-3?");
  CHECK(message_of([] { optim::Noam{.width = 0}(3); }) ==
        "[noam] width and warmup must be above 0, not 0 and 4000. The model's width and 4000?");
  CHECK(message_of([] { optim::OneCycle{.lr = 1, .steps = 3}(0); }) ==
        "[one_cycle] a rise over 0.3 of 3 steps leaves no step to rise or to fall. 0.3 of some tens?");
  CHECK(message_of([] { optim::ReduceOnPlateau({.lr = 1, .factor = 1}); }) ==
        "[reduce_on_plateau] factor must be at least 0 and less than 1, not 1. 0.1?");
}

TEST_CASE("the Transformer of 2017 has its Adam and its schedule by name", "[optim]") {
  const nn::Linear model({.in = 2, .out = 2});
  optim::Adam optimiser(model, optim::vaswani_2017);
  const optim::Noam schedule{.width = 2, .warmup = 10};
  const Tensor before = model.weight.detach().clone();
  optimiser.set_lr(schedule(0));
  sum(model.weight).backward();
  optimiser.step();  // the first step is a whole lr
  CHECK(allclose(model.weight.detach(), before - schedule(0), 1e-6, 1e-7));
}
