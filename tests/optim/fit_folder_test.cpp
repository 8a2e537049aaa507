// What fit keeps in its folder, and how it goes on from there.
#include <gradus/optim/fit.h>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <sstream>
#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/io/file.h>
#include <gradus/nn/checkpoint.h>
#include <gradus/nn/linear.h>
#include <gradus/optim/sgd.h>

#include "support/catch.h"
#include "support/temporary_folder.h"

using namespace gradus;
using namespace gradus::optim;
using namespace gradus::test;

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

TEST_CASE("metrics are a line of JSON for each step, with all that is known of it", "[optim][fit]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1, .bias = false});
  no_grad([&] { model.weight.fill_(0); });
  SGD optimiser(model, {.lr = 1});
  fit(model, optimiser, [&] { return sum(model.weight) * -3.0; },
      {.steps = 2,
       .schedule = LinearDecay{.lr = 0.5, .steps = 2},
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
    SGD optimiser(model, {.lr = 9});  // the plateau's rate stands from the first step on
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
  CHECK(rates == std::vector<double>{1, 1, 1, 0.5, 0.5, 0.25, 0.25});
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

TEST_CASE("what else is kept in a folder is written when it is this training's, before the first step",
          "[optim][fit]") {
  const TemporaryFolder folder;
  const std::string config = folder / "run/config";
  nn::Linear model({.in = 1, .out = 1});
  SGD optimiser(model, {.lr = 0.1});
  int calls = 0;
  const auto train = [&](std::int64_t steps, bool resume) {
    fit(model, optimiser,
        [&] {
          CHECK(std::filesystem::exists(config));
          return sum(model.weight);
        },
        {.steps = steps,
         .out = folder / "run",
         .keep =
             [&] {
               ++calls;
               // A kill here leaves nothing that another training would have to go on from.
               if (!resume) CHECK(!std::filesystem::exists(folder / "run/training.safetensors"));
               write_atomically(config, [](const Sink& sink) { sink("x"); });
             },
         .resume = resume,
         .progress = false});
  };
  train(1, false);
  CHECK(calls == 1);
  train(2, true);
  CHECK(calls == 2);
  CHECK_THROWS_AS(train(2, false), Error);  // the folder is another training's
  CHECK(calls == 2);

  // A training that does not fit is not gone on with, and what was kept stays.
  nn::Linear other({.in = 2, .out = 1});
  SGD others(other, {.lr = 0.1});
  CHECK_THROWS_AS(fit(other, others, [&] { return sum(other.weight); },
                      {.steps = 3, .out = folder / "run", .keep = [&] { ++calls; }, .resume = true}),
                  Error);
  CHECK(calls == 2);
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

TEST_CASE("a resumed training keeps the saved rate, and says so where another was asked for",
          "[optim][fit]") {
  const TemporaryFolder folder;
  const auto said_at_rate = [&](double lr, std::int64_t steps) {
    nn::Linear model({.in = 1, .out = 1, .bias = false});
    SGD optimiser(model, {.lr = lr});
    std::ostringstream said;
    std::streambuf* const before = std::cerr.rdbuf(said.rdbuf());
    fit(model, optimiser, [&] { return sum(model.weight); },
        {.steps = steps, .out = folder / "run", .resume = steps > 1});
    std::cerr.rdbuf(before);
    CHECK(optimiser.lr() == 0.5);
    return said.str();
  };
  CHECK(said_at_rate(0.5, 1).find("learning rate") == std::string::npos);
  CHECK(said_at_rate(0.5, 2).find("learning rate") == std::string::npos);
  CHECK(said_at_rate(0.25, 3).find("going on with the learning rate that was saved, 0.5, not with 0.25") !=
        std::string::npos);
}
