#include <gradus/nn/checkpoint.h>

#include <gradus/core/create.h>
#include <gradus/core/io/file.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/nn/activation.h>
#include <gradus/nn/containers.h>
#include <gradus/nn/linear.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::nn;
using namespace gradus::test;

namespace {

Sequential network(std::int64_t width) {
  return Sequential(Linear({.in = 3, .out = width}), Linear({.in = width, .out = 2, .bias = false}));
}

}  // namespace

TEST_CASE("a module that is saved and loaded computes the same bits", "[nn][io]") {
  const TemporaryFolder folder;
  const Tensor x = randn({5, 3});
  const Sequential saved = network(4);
  save(saved, folder / "model.safetensors");
  Sequential loaded = network(4);
  REQUIRE_FALSE(equal(loaded(x), saved(x)));
  load(loaded, folder / "model.safetensors");
  CHECK(equal(loaded(x), saved(x)));
  for (const NamedTensor& parameter : loaded.parameters()) CHECK(parameter.value.requires_grad());
  save(loaded, folder / "again.safetensors");
  CHECK(read_file(folder / "again.safetensors") == read_file(folder / "model.safetensors"));
}

TEST_CASE("a checkpoint has the module's names, and says how its weights are laid out", "[nn][io]") {
  const TemporaryFolder folder;
  save(network(4), folder / "model.safetensors");
  const Safetensors file = read_safetensors(folder / "model.safetensors");
  CHECK(file.metadata == Metadata{{"format", "pt"}});
  std::vector<std::string> names;
  for (const NamedTensor& entry : file.tensors) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"0.bias", "0.weight", "1.weight"});
}

TEST_CASE("a half-precision checkpoint of another program is loaded", "[nn][io]") {
  Linear layer({.in = 3, .out = 2});
  load(layer, GRADUS_SOURCE_DIR "/tests/core/io/golden/linear.safetensors");
  // 0.1 as the nearest f16.
  CHECK(layer.weight.to_vector<float>() == std::vector<float>{0, 1, 0.5f, -2, 0.0999755859375f, 65504});
  CHECK(layer.bias.to_vector<float>() == std::vector<float>{1, -2});
}

TEST_CASE("a checkpoint that does not fit is refused in full, and nothing has changed", "[nn][io][error]") {
  const TemporaryFolder folder;
  save(network(4), folder / "model.safetensors");
  Sequential wider = network(5);
  const Tensor before = wider(ones({1, 3}));
  CHECK(message_of([&] { load(wider, folder / "model.safetensors"); }) ==
        "[load] " + (folder / "model.safetensors") +
            " does not fit: [load_state] the state does not fit this Sequential:"
            "\n  mis-shaped: 0.weight is (4, 3) of f32, wanted (5, 3) of f32"
            "\n  mis-shaped: 0.bias is (4,) of f32, wanted (5,) of f32"
            "\n  mis-shaped: 1.weight is (2, 4) of f32, wanted (2, 5) of f32"
            "\nIs it another model's, or made with other options?");
  Linear other({.in = 3, .out = 4});
  CHECK(message_of([&] { load(other, folder / "model.safetensors"); }) ==
        "[load] " + (folder / "model.safetensors") +
            " does not fit: [load_state] the state does not fit this Linear:"
            "\n  missing:    weight\n  missing:    bias"
            "\n  unexpected: 0.bias\n  unexpected: 0.weight\n  unexpected: 1.weight"
            "\nIs it another model's, or made with other options?");
  CHECK(message_of([&] { load(wider, folder / "none"); }) ==
        "[load] cannot read " + (folder / "none") + ": No such file or directory. Is the path right?");
  CHECK(equal(wider(ones({1, 3})), before));
}
