// The Transformer against one of PyTorch's layers.
#include <sstream>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/core/create.h>
#include <gradus/models/parallel_translator.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

const std::map<std::string, Shared> shares = {
    {"none", Shared::none}, {"target", Shared::target}, {"all", Shared::all}};

Transformer::Options options_of(const std::string& norm, const std::string& shared,
                                const std::string& positions) {
  return {.source_vocabulary = 7,
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
          .shared = shares.at(shared)};
}

data::Padded source_of(const NamedValues& in) {
  return {in["source"], arange(4, i64) < in["lengths"].unsqueeze(1), in["lengths"]};
}

// The model that a case's name tells.
ParityCase named(const std::string& name) {
  std::istringstream words(name);
  std::string norm, shared, positions;
  words >> norm >> shared >> positions;
  return layer(Transformer(options_of(norm, shared, positions)), [](Transformer& m, const NamedValues& in) {
    const data::Padded source = source_of(in);
    return NamedValues{{"memory", m.encode(source)}, {"logits", m(source, in["input"])}};
  });
}

ParityCase parallel(const std::string& norm) {
  return layer(ParallelTranslator(options_of(norm, "target", "sinusoidal")),
               [](ParallelTranslator& m, const NamedValues& in) {
                 const auto result = m(source_of(in), in["wanted"]);
                 const auto lengths = in["wanted"].to_vector<std::int64_t>();
                 std::vector<Tensor> logits;
                 for (std::size_t row = 0; row < lengths.size(); ++row)
                   logits.push_back(result.logits[static_cast<std::int64_t>(row)].slice(0, 0, lengths[row]));
                 return NamedValues{{"logits", concat(logits, 0)}, {"lengths", result.lengths}};
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
  for (const char* norm : {"pre", "post"}) cases[std::string("parallel ").append(norm)] = parallel(norm);
  check_family("models_transformer", cases);
}
