// ViT and ResNet against PyTorch.
#include <gradus/models/resnet.h>
#include <gradus/models/vit.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

template <class Model>
ParityCase seeing(Model made) {
  return layer(std::move(made), [](Model& m, const NamedValues& in) { return m(in["pictures"]); });
}

}  // namespace

TEST_CASE("ViT and ResNet agree with PyTorch", "[parity][model]") {
  Resnet evaluating({.channels = 1, .classes = 3, .stages = {2, 4}, .blocks = 1});
  evaluating.eval();
  check_family(
      "models_vision",
      {{"vit", seeing(Vit({.size = 6,
                           .channels = 2,
                           .patch = 3,
                           .classes = 3,
                           .width = 4,
                           .layers = 2,
                           .heads = 2,
                           .hidden = 5}))},
       {"resnet in training", seeing(Resnet({.channels = 2, .classes = 3, .stages = {2, 3}, .blocks = 2}))},
       {"resnet in evaluation", seeing(std::move(evaluating))},
       {"resnet without the way around",
        seeing(Resnet(
            {.channels = 1, .classes = 3, .stages = {2, 3}, .blocks = 1, .path = nn::Residual::off}))}});
}
