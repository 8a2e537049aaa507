// The Transformer against one of PyTorch's layers.
#include <sstream>

#include <gradus/autograd/ops/compare.h>
#include <gradus/core/create.h>
#include <gradus/models/transformer.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

const std::map<std::string, Shared> shares = {
    {"none", Shared::none}, {"target", Shared::target}, {"all", Shared::all}};

// The model that a case's name tells.
ParityCase named(const std::string& name) {
  std::istringstream words(name);
  std::string norm, shared, positions;
  words >> norm >> shared >> positions;
  Transformer model({.source_vocabulary = 7,
                     .target_vocabulary = 7,
                     .padding = 0,
                     .width = 4,
                     .heads = 2,
                     .hidden = 5,
                     .encoder_layers = 2,
                     .decoder_layers = 2,
                     .norm = norm == "pre" ? nn::NormPlace::pre : nn::NormPlace::post,
                     .position = positions == "learned" ? nn::Position::learned : nn::Position::sinusoidal,
                     .max_length = 6,
                     .shared = shares.at(shared)});
  return layer(std::move(model), [](Transformer& m, const NamedValues& in) {
    const Tensor real = arange(4, i64) < in["lengths"].unsqueeze(1);
    const data::Padded source{in["source"], real, in["lengths"]};
    return NamedValues{{"memory", m.encode(source)}, {"logits", m(source, in["input"])}};
  });
}

}  // namespace

TEST_CASE("Transformers with norms before and behind, shared or not, agree with PyTorch", "[parity][model]") {
  std::map<std::string, ParityCase> cases;
  for (const char* norm : {"pre", "post"})
    for (const char* more : {" none sinusoidal", " target sinusoidal", " all learned"}) {
      const std::string name = std::string(norm).append(more);
      cases[name] = named(name);
    }
  check_family("models_transformer", cases);
}
