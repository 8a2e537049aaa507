// GPT against PyTorch, one position and one head at a time.
#include <gradus/models/gpt.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

GptConfig small(nn::NormPlace norm) {
  return {.vocabulary = 7, .context = 6, .width = 4, .layers = 2, .heads = 2, .norm = norm};
}

ParityCase attended(const GptConfig& config) {
  return layer(Gpt(config), [](Gpt& m, const NamedValues& in) {
    const Gpt::Attended found = m.with_weights(in["ids"]);
    return NamedValues{{"logits", found.logits}, {"layer0", found.layers[0]}, {"layer1", found.layers[1]}};
  });
}

ParityCase padded(const GptConfig& config) {
  return layer(Gpt(config), [](Gpt& m, const NamedValues& in) { return m(in["ids"], in["real"]); });
}

}  // namespace

TEST_CASE("GPT-1 and GPT-2 agree with PyTorch", "[parity][model]") {
  const GptConfig post = small(nn::NormPlace::post), pre = small(nn::NormPlace::pre);
  GptConfig untied = pre, plain = pre;
  untied.tied = false;
  plain.position = nn::Position::sinusoidal, plain.activation = nn::Activation::relu;
  check_family("models_gpt", {{"post", attended(post)},
                              {"post padded", padded(post)},
                              {"pre", attended(pre)},
                              {"pre padded", padded(pre)},
                              {"pre untied", attended(untied)},
                              {"pre sinusoidal relu", attended(plain)}});
}
