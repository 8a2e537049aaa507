#include <gradus/optim/fit.h>

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

TEST_CASE("Ctrl-C without a folder says that the weights are not kept", "[optim][fit]") {
  Training training;
  FitOptions options{.steps = 20, .evaluate_every = 100};
  options.callbacks = {[](const Step& step) {
    if (step.number == 7) std::raise(SIGINT);
  }};
  std::ostringstream said;
  std::streambuf* const errors = std::cerr.rdbuf(said.rdbuf());
  training.run(options, true);
  std::cerr.rdbuf(errors);
  CHECK(said.str().ends_with(
      "interrupted at step 7; its weights are not kept, as the training has no folder\n"));
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
  CHECK(said.str().ends_with("interrupted at step 7, saved in " + (folder / "run") + "\n"));

  Training resumed(50);
  options.callbacks = {};
  options.resume = true;
  CHECK(resumed.run(options).ending == Ending::all_steps);
  check_same_bits(straight.model, resumed.model);
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

TEST_CASE("a sample is said after each evaluation, in eval mode and without the tape, and changes nothing",
          "[optim][fit]") {
  Training plain;
  plain.run({.steps = 4, .evaluate_every = 2});

  Training sampled;
  int samples = 0;
  std::ostringstream said;
  std::streambuf* const errors = std::cerr.rdbuf(said.rdbuf());
  sampled.run({.steps = 4,
               .evaluate_every = 2,
               .sample =
                   [&] {
                     CHECK(!sampled.model.training());
                     CHECK(!grad_mode());
                     return std::string("sample ").append(std::to_string(++samples));
                   }},
              true);
  std::cerr.rdbuf(errors);
  const auto place = [text = said.str()](const char* of) { return text.find(of); };
  CHECK(place("step 2: evaluation ") < place("\nsample 1\n"));
  CHECK(place("\nsample 1\n") < place("\nstep 4: evaluation "));
  CHECK(place("\nstep 4: evaluation ") < place("\nsample 2\n"));
  CHECK(place("\nsample 2\n") != std::string::npos);
  check_same_bits(plain.model, sampled.model);
}

TEST_CASE("a loss that is no number ends the training, and names the step", "[optim][fit][error]") {
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  const Tensor before = (model.weight.detach() + 0.0).detach();
  CHECK(message_of([&] {
          fit(model, optimiser, [&] { return sum(model.weight) * std::nan(""); }, {.progress = false});
        }) ==
        "[fit] the loss of step 1, with learning rate 0.1, is nan. Lower that, or let AnomalyMode name the "
        "op?");
  CHECK(equal(model.weight, before));
}

TEST_CASE("an optimiser made before its model was converted is refused", "[optim][fit][error]") {
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  model.to(f64);
  CHECK(message_of([&] { fit(model, optimiser, [&] { return sum(model.weight); }, {.progress = false}); }) ==
        "[fit] the optimiser was made for a tensor 'weight' that is not a parameter of this model. Make it "
        "after "
        "model.to()?");
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
  CHECK(refusal({.sample = [] { return std::string(); }}) ==
        "[fit] a sample follows an evaluation, and there is none. Set evaluate?");
  CHECK(refusal({.keep = [] {}}) == "[fit] there is no folder to keep anything in. Set out?");
}

TEST_CASE("what is no loss is refused by what it is, and so is a rate that is none", "[optim][fit][error]") {
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  const auto refusal = [&](const std::function<Tensor()>& loss, const Schedule& schedule = {}) {
    return message_of([&] { fit(model, optimiser, loss, {.schedule = schedule, .progress = false}); });
  };
  CHECK(refusal([] { return Tensor(); }) == "[fit] the loss function returned no tensor. Return the loss?");
  CHECK(refusal([&] {
          return model(ones({4, 1}));
        }) == "[fit] the loss must be one number, and is of shape (4, 1). mean(...) of it?");
  CHECK(refusal([&] { return sum(model.weight).detach(); }) ==
        "[fit] the loss depends on no parameter: nothing is recorded of it. Was it detached, or made under "
        "no_grad?");
  CHECK(refusal([&] { return sum(model.weight); }, [](std::int64_t) { return -1.0; }) ==
        "[fit] the schedule gives -1 as the learning rate of step 1. It must be a number from 0 up");
}
