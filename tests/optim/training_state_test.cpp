#include <gradus/optim/training_state.h>

#include <filesystem>
#include <stdexcept>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/nn/checkpoint.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::optim;
using namespace gradus::test;

TEST_CASE("what was saved is loaded into each part", "[optim]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 3, .out = 2});
  Generator generator(0xFEDCBA9876543210u);
  randn({5}, f32, generator);
  save_training(folder / "run", {part("model", model), part("generator", generator)});

  nn::Linear other({.in = 3, .out = 2});
  Generator fresh(1);
  load_training(folder / "run", {part("generator", fresh), part("model", other)});
  CHECK(equal(other.weight, model.weight));
  CHECK(fresh.state() == generator.state());
  CHECK(equal(randn({4}, f32, fresh), randn({4}, f32, generator)));
}

TEST_CASE("where one part does not fit, none has changed", "[optim][error]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 3, .out = 2}), wide({.in = 4, .out = 2});
  Generator generator(7);
  save_training(folder / "run", {part("generator", generator), part("model", wide)});

  Generator fresh(1);
  const RandomState before = fresh.state();
  const Tensor weight = (model.weight.detach() + 0.0).detach();
  const std::string message = message_of([&] {
    load_training(folder / "run", {part("generator", fresh), part("model", model)});
  });
  CHECK(message == "[load] " + (folder / "run") +
                       " does not fit: [load_state] the state does not fit this Linear:\n"
                       "  mis-shaped: weight is (2, 4) of f32, wanted (2, 3) of f32\n"
                       "Is it another model's, or made with other options?");
  CHECK(fresh.state() == before);
  CHECK(equal(model.weight, weight));
}

TEST_CASE("a file that is no training, or another's, is refused", "[optim][error]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1});
  write_safetensors(folder / "weights", model.state());
  CHECK(message_of([&] { load_training(folder / "weights", {part("model", model)}); }) ==
        "[load] " + (folder / "weights") +
            " holds no training to go on with. Is it a model's weights alone?");
  save_training(folder / "run", {part("net", model)});
  CHECK(message_of([&] { load_training(folder / "run", {part("model", model)}); }) ==
        "[load] " + (folder / "run") +
            " holds 'net.bias', which is no part of this training. Is it another program's?");
  Generator generator(1);
  CHECK(message_of([&] {
          load_training(folder / "run", {part("net", model), part("masks", generator)});
        }) == "[load] " + (folder / "run") +
                  " holds nothing for the part 'masks'. Was the training begun without it?");
  CHECK(message_of([&] { nn::load(model, folder / "run"); }) ==
        "[load] " + (folder / "run") +
            " is a whole training, with more than a model's weights. Take last.safetensors or "
            "best.safetensors beside it?");
}

TEST_CASE("parts that could not be told apart in the file are refused before it is written",
          "[optim][error]") {
  const TemporaryFolder folder;
  nn::Linear model({.in = 1, .out = 1});
  Generator generator(1);
  const auto refusal = [&](const std::vector<Part>& parts) {
    return message_of([&] { save_training(folder / "run", parts); });
  };
  CHECK(refusal({part("net.0", model)}) ==
        "[save] a part cannot be called 'net.0': a dot ends the part's name in the file. Leave it out?");
  CHECK(refusal({part("", model)}) == "[save] a part has no name. Give it one?");
  CHECK(refusal({part("a", model), part("a", generator)}) == "[save] two parts are called 'a'. Rename one?");
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE("whatever a part throws, those before it are put back", "[optim][error]") {
  const TemporaryFolder folder;
  Generator generator(7);
  const auto none = [] { return std::vector<NamedTensor>{}; };
  const Part broken{"broken", none, [](const auto&) { throw std::runtime_error("no network"); }};
  save_training(folder / "run", {part("generator", generator), broken});
  Generator fresh(1);
  const RandomState before = fresh.state();
  CHECK_THROWS_WITH(load_training(folder / "run", {part("generator", fresh), broken}), "no network");
  CHECK(fresh.state() == before);
}
