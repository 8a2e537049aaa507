#include <gradus/optim/fit.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <sstream>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/parallel.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/checkpoint.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/dropout.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/norm.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::optim;
using namespace gradus::test;

namespace {

// y = sin(3 x) at places drawn anew for each batch.
class Waves {
 public:
  struct Batch {
    Tensor x, y;
  };
  explicit Waves(std::uint64_t seed = 5) : generator_(seed) {}
  Batch next() {
    const Tensor x = rand({8, 1}, f32, generator_);
    return {x, sin(x * 3.0)};
  }
  std::vector<NamedTensor> state() { return part("", generator_).state(); }
  void load_state(const std::vector<NamedTensor>& state) { part("", generator_).load(state); }

 private:
  Generator generator_;
};

// A net with everything that has a state: dropout draws, batch norm has buffers.
nn::Sequential net() {
  return nn::Sequential(nn::Linear({.in = 1, .out = 16}), nn::BatchNorm1d({.channels = 16}), nn::Tanh(),
                        nn::Dropout({.p = 0.1}), nn::Linear({.in = 16, .out = 1}));
}

// One training, from its own seed to `steps`, or on from what is in `out`.
struct Training {
  nn::Sequential model;
  AdamW optimiser;
  Waves batches;
  Ema average;

  explicit Training(std::uint64_t seed = 3)
      : model((manual_seed(seed), net())), optimiser(model, {.lr = 1e-2}), average(model, {.decay = 0.9}) {}

  FitResult run(FitOptions options, bool progress = false) {
    options.progress = progress;
    options.average = &average;
    options.evaluate = [this] {
      Waves held_out(77);
      const auto [x, y] = held_out.next();
      return mse_loss(std::as_const(model)(x), y).item();
    };
    return fit(
        model, optimiser, batches,
        [this](const Waves::Batch& batch) { return mse_loss(model(batch.x), batch.y); }, options);
  }
};

void check_same_bits(const nn::Module& a, const nn::Module& b) {
  const std::vector<NamedTensor> ours = a.state(), theirs = b.state();
  REQUIRE(ours.size() == theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) CHECK(equal(ours[i].value, theirs[i].value));
}

}  // namespace

TEST_CASE("fit takes the steps that a loop written by hand takes", "[optim][fit]") {
  manual_seed(1);
  nn::Linear by_fit({.in = 1, .out = 1}), by_hand = by_fit.clone();
  Waves batches, same;
  SGD optimiser(by_fit, {.lr = 0.1}), other(by_hand, {.lr = 0.1});
  const auto loss_of = [](const nn::Linear& model, const Waves::Batch& batch) {
    return mse_loss(model(batch.x), batch.y);
  };
  const FitResult result =
      fit(by_fit, optimiser, batches, [&](const Waves::Batch& batch) { return loss_of(by_fit, batch); },
          {.steps = 20, .progress = false});
  double last = 0;
  for (int step = 0; step < 20; ++step) {
    other.zero_grad();
    const Tensor loss = loss_of(by_hand, same.next());
    loss.backward();
    other.step();
    last = loss.item();
  }
  check_same_bits(by_fit, by_hand);
  CHECK(result.ending == Ending::all_steps);
  CHECK(result.steps == 20);
  CHECK(result.loss == last);
}

TEST_CASE("accumulated batches make the step of one batch as large as all of them", "[optim][fit]") {
  manual_seed(1);
  nn::Linear parts({.in = 1, .out = 1});
  nn::Linear whole = parts.clone();
  parts.to(f64), whole.to(f64);
  SGD optimiser(parts, {.lr = 0.1}), other(whole, {.lr = 0.1});
  Generator generator(9);
  const Tensor x = rand({6, 1}, f64, generator), y = rand({6, 1}, f64, generator);
  std::int64_t next = 0;
  const FitResult result =
      fit(parts, optimiser,
          [&] {
            const std::int64_t from = 2 * next++;
            return mse_loss(parts(x.slice(0, from, from + 2)), y.slice(0, from, from + 2));
          },
          {.steps = 1, .accumulate = 3, .progress = false});
  const Tensor loss = mse_loss(whole(x), y);
  loss.backward();
  other.step();
  CHECK(next == 3);
  CHECK(result.loss == Approx(loss.item()).epsilon(1e-12));
  CHECK(allclose(parts.weight, whole.weight, 1e-12, 1e-12));
}

TEST_CASE("fit clips the gradients that its optimiser steps along, and no others", "[optim][fit]") {
  // The body asks for gradients, too, which nobody zeroes and which grow from step to step.
  manual_seed(1);
  nn::Sequential model(nn::Linear({.in = 1, .out = 8}), nn::Linear({.in = 8, .out = 1}));
  const nn::Module& head = model[1];
  nn::Sequential alone = model.clone();
  alone[0].requires_grad_(false);
  SGD optimiser(head, {.lr = 0.01}), other(alone[1], {.lr = 0.01});
  const Tensor x = rand({4, 1});
  const auto norms_of = [&](nn::Sequential& net, Optimizer& rule, FitOptions options) {
    std::vector<double> norms;
    options.callbacks = {[&](const Step& step) { norms.push_back(*step.grad_norm); }};
    fit(
        net, rule, [&] { return mse_loss(net(x), 3.0 * x); }, options);
    return norms;
  };
  const FitOptions options{
      .steps = 3, .schedule = {}, .clip_norm = 1e-2, .clip_value = 0.1, .progress = false};
  CHECK(norms_of(model, optimiser, options) == norms_of(alone, other, options));
  check_same_bits(model, alone);
}

TEST_CASE("a training that is resumed ends with the bits of one that was never stopped", "[optim][fit]") {
  for (const int threads : {1, 2}) {
    set_threads(threads);
    const TemporaryFolder folder;
    const FitOptions options{.steps = 30, .schedule = {}, .clip_norm = 0.5, .evaluate_every = 10};

    Training straight;
    FitOptions whole = options;
    whole.out = folder / "whole";
    const FitResult expected = straight.run(whole);

    for (const int stop : {10, 20}) {
      const std::string run = folder / std::to_string(stop);
      FitOptions first = options;
      first.steps = stop;
      first.out = run;
      Training().run(first);
      Training resumed(99);  // other weights, another place in the random numbers: all of it is loaded
      FitOptions second = options;
      second.out = run;
      second.resume = true;
      const FitResult result = resumed.run(second);
      check_same_bits(straight.model, resumed.model);
      CHECK(result.loss == expected.loss);
      CHECK(result.best == expected.best);
      CHECK(result.best_step == expected.best_step);
      for (const char* file :
           {"metrics.jsonl", "training.safetensors", "last.safetensors", "best.safetensors"})
        CHECK(read_file(run + "/" + file) == read_file((folder / "whole/") + file));
    }
  }
  set_threads(2);
}

TEST_CASE("best.safetensors holds the weights of the best evaluation, last those of the last step",
          "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  // Each step adds 1 to the weight, so the evaluations are 9, 4, 1, 0, 1, 4, ...
  const FitResult result = fit(model, optimiser, [&] { return sum(model.weight) * -1.0; },
                               {.steps = 10,
                                .evaluate = [&] { return std::pow(model.weight.detach().item() - 4, 2); },
                                .evaluate_every = 1,
                                .patience = 3,
                                .out = folder / "run",
                                .progress = false});
  CHECK(result.ending == Ending::no_better);
  CHECK(result.steps == 7);
  CHECK(result.best == 0);
  CHECK(result.best_step == 4);
  nn::Linear loaded({.in = 1, .out = 1, .bias = false});
  nn::load(loaded, folder / "run/best.safetensors");
  CHECK(loaded.weight.detach().item() == 4);
  nn::load(loaded, folder / "run/last.safetensors");
  CHECK(loaded.weight.detach().item() == 7);
}

TEST_CASE("Ctrl-C finishes the step, saves and says so; resume goes on from there", "[optim][fit]") {
  const TemporaryFolder folder;
  Training straight;
  straight.run({.steps = 20, .evaluate_every = 100});

  Training stopped;
  FitOptions options{.steps = 20, .evaluate_every = 100, .out = folder / "run"};
  options.callbacks = {[](const Step& step) {
    if (step.number == 7) std::raise(SIGINT);
  }};
  std::ostringstream said;
  std::streambuf* const errors = std::cerr.rdbuf(said.rdbuf());
  const FitResult result = stopped.run(options, true);
  std::cerr.rdbuf(errors);
  CHECK(result.ending == Ending::interrupted);
  CHECK(result.steps == 7);
  CHECK(said.str().find("interrupted at step 7, saved in " + (folder / "run") +
                        "; resume goes on from here\n") != std::string::npos);

  Training resumed(50);
  options.callbacks = {};
  options.resume = true;
  CHECK(resumed.run(options).ending == Ending::all_steps);
  check_same_bits(straight.model, resumed.model);
}

TEST_CASE("metrics are a line of JSON for each step, with all that is known of it", "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  fit(model, optimiser, [&] { return sum(model.weight) * -3.0; },
      {.steps = 2,
       .schedule = Linear{.lr = 0.5, .steps = 2},
       .clip_norm = 1.5,
       .evaluate = [&] { return model.weight.item(); },
       .evaluate_every = 2,
       .out = folder / "run",
       .progress = false});
  // Gradients of -3 are halved.
  CHECK(read_file(folder / "run/metrics.jsonl") ==
        "{\"step\":1,\"loss\":0.0,\"lr\":0.5,\"grad_norm\":3.0}\n"
        "{\"step\":2,\"loss\":-2.25,\"lr\":0.25,\"grad_norm\":3.0,\"evaluation\":1.125}\n");
}

TEST_CASE("a rate that falls on a plateau goes on from where it was", "[optim][fit]") {
  const TemporaryFolder folder;
  const auto rates_of = [&](FitOptions options, std::int64_t steps) {
    nn::Linear model({.in = 1, .out = 1});
    SGD optimiser(model, {.lr = 9});  // what the plateau says stands from the first evaluation on
    ReduceOnPlateau plateau({.lr = 1, .factor = 0.5, .patience = 1});
    std::vector<double> rates;
    options.steps = steps;
    options.evaluate = [] { return 1.0; };
    options.evaluate_every = 1;
    options.plateau = &plateau;
    options.progress = false;
    options.callbacks = {[&](const Step& step) { rates.push_back(step.lr); }};
    fit(
        model, optimiser, [&] { return sum(model.weight) * 1e-3; }, options);
    return rates;
  };
  std::vector<double> rates = rates_of({}, 7);
  CHECK(rates == std::vector<double>{9, 1, 1, 0.5, 0.5, 0.25, 0.25});
  FitOptions options;
  options.out = folder / "run";
  const std::vector<double> first = rates_of(options, 4);
  options.resume = true;
  const std::vector<double> rest = rates_of(options, 7);
  CHECK(std::equal(rates.begin(), rates.begin() + 4, first.begin(), first.end()));
  CHECK(std::equal(rates.begin() + 4, rates.end(), rest.begin(), rest.end()));
}

TEST_CASE("a training that has stopped early takes no further step when it is resumed", "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  FitOptions options{.steps = 10,
                     .evaluate = [] { return 1.0; },
                     .evaluate_every = 1,
                     .patience = 2,
                     .out = folder / "run",
                     .progress = false};
  const auto run = [&] {
    return fit(
        model, optimiser, [&] { return sum(model.weight) * -1.0; }, options);
  };
  CHECK(run().steps == 3);
  options.resume = true;
  const FitResult again = run();
  CHECK(again.ending == Ending::no_better);
  CHECK(again.steps == 3);
  CHECK(model.weight.item() == 3);
  options.patience = 4;
  CHECK(run().steps == 5);
}

TEST_CASE("whichever file the last save fails to write, a resumed training ends with both", "[optim][fit]") {
  // Fails to open the file that `name` will be, from the second save on: the first is that of step 0.
  class Failing final : public gradus::detail::FileCalls {
   public:
    explicit Failing(std::string name)
        : name_(std::move(name)), before_(std::exchange(gradus::detail::file_calls, this)) {}
    ~Failing() override { gradus::detail::file_calls = before_; }
    int open(const char* path, int flags, unsigned mode) override {
      if (std::string(path).find(name_) == std::string::npos || ++opened_ == 1)
        return FileCalls::open(path, flags, mode);
      errno = EIO;
      return -1;
    }

   private:
    const std::string name_;
    gradus::detail::FileCalls* const before_;
    int opened_ = 0;
  };
  for (const char* const name : {"training.safetensors.tmp", "last.safetensors.tmp"}) {
    const TemporaryFolder folder;
    nn::Linear model({.in = 1, .out = 1, .bias = false});
    no_grad([&] { model.weight.fill_(0); });
    SGD optimiser(model, {.lr = 1});
    FitOptions options{.steps = 3, .out = folder / "run", .progress = false};
    const auto run = [&] {
      return fit(
          model, optimiser, [&] { return sum(model.weight) * -1.0; }, options);
    };
    {
      const Failing disk(name);
      CHECK_THROWS_AS(run(), Error);
    }
    options.resume = true;
    CHECK(run().steps == 3);
    nn::load(model, folder / "run/last.safetensors");
    CHECK(model.weight.item() == 3);
  }
}

TEST_CASE("evaluation runs in eval mode and without the tape, and training mode comes back", "[optim][fit]") {
  nn::Sequential model = net();
  model[3].eval();
  SGD optimiser(model, {.lr = 0.01});
  Waves batches;
  int evaluations = 0;
  fit(model, optimiser, batches, [&](const Waves::Batch& batch) { return mse_loss(model(batch.x), batch.y); },
      {.steps = 4,
       .evaluate =
           [&] {
             ++evaluations;
             CHECK(!model.training());
             CHECK(!grad_mode());
             return 1.0;
           },
       .evaluate_every = 3,
       .progress = false});
  CHECK(evaluations == 2);  // after step 3, and at the end
  CHECK(model.training());
  CHECK(!model[3].training());
}

TEST_CASE("where weights are averaged, the averages are evaluated and kept as best", "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  Ema average(model, {.decay = 0.5});
  std::vector<double> seen;
  // The weight is 1, 2, 3 after the steps, its average 0.5, 1.25, 2.125.
  fit(model, optimiser, [&] { return sum(model.weight) * -1.0; },
      {.steps = 3,
       .evaluate =
           [&] {
             seen.push_back(model.weight.item());
             return -seen.back();
           },
       .evaluate_every = 1,
       .average = &average,
       .out = folder / "run",
       .progress = false});
  CHECK(seen == std::vector<double>{0.5, 1.25, 2.125});
  CHECK(model.weight.item() == 3);
  nn::load(model, folder / "run/best.safetensors");
  CHECK(model.weight.item() == 2.125);
}

TEST_CASE("without evaluation a training saves as often as it would evaluate", "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false}), saved({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  std::vector<double> last;
  fit(model, optimiser,
      [&] {
        nn::load(saved, folder / "run/last.safetensors");
        last.push_back(saved.weight.item());
        return sum(model.weight) * -1.0;
      },
      {.steps = 5, .evaluate_every = 2, .out = folder / "run", .progress = false});
  CHECK(last == std::vector<double>{0, 0, 2, 2, 4});
}

TEST_CASE("a loss that is no number ends the training, and names the step", "[optim][fit][error]") {
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  const Tensor before = (model.weight.detach() + 0.0).detach();
  CHECK(message_of([&] {
          fit(model, optimiser, [&] { return sum(model.weight) * std::nan(""); }, {.progress = false});
        }) == "[fit] the loss of step 1 is nan. Lower the learning rate, or let AnomalyMode name the op?");
  CHECK(equal(model.weight, before));
}

TEST_CASE("fit refuses options that contradict each other", "[optim][fit][error]") {
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  const auto refusal = [&](const FitOptions& options) {
    return message_of([&] {
      fit(
          model, optimiser, [&] { return sum(model.weight); }, options);
    });
  };
  CHECK(refusal({.steps = 0}) == "[fit] needs a number of steps above 0; got 0. Say how many?");
  CHECK(refusal({.accumulate = 0}) == "[fit] a step takes 1 batch or more, not 0. Use 1?");
  CHECK(refusal({.patience = 2}) ==
        "[fit] patience and plateau go by evaluations, and there is none. Set evaluate?");
  CHECK(refusal({.resume = true}) ==
        "[fit] resume goes on with what is in a folder, and none is named. Set out?");
  CHECK(refusal({.evaluate = [] { return 0.0; }, .evaluate_every = 0}) ==
        "[fit] cannot evaluate every 0 steps. Use a number above 0?");
}
