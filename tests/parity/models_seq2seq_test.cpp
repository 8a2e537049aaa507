// Encoders and decoders against PyTorch, which takes each step by itself.
#include <sstream>

#include <gradus/autograd/ops/compare.h>
#include <gradus/core/create.h>
#include <gradus/models/seq2seq.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

const std::map<std::string, Context> contexts = {{"start", Context::start}, {"fixed", Context::fixed}};
const std::map<std::string, nn::Score> scores = {{"dot", nn::Score::dot},
                                                 {"scaled", nn::Score::scaled},
                                                 {"general", nn::Score::general},
                                                 {"additive", nn::Score::additive},
                                                 {"concat", nn::Score::concat}};
const std::map<std::string, nn::Bidirectional> directions = {
    {"no", nn::Bidirectional::no}, {"concat", nn::Bidirectional::concat}, {"sum", nn::Bidirectional::sum}};

// The model that a case's name tells.
ParityCase named(const std::string& name) {
  std::istringstream words(name);
  std::string cell, context, both;
  std::int64_t layers = 0;
  words >> cell >> context >> layers >> both;
  const bool attends = contexts.count(context) == 0;
  Seq2Seq model({.source_vocabulary = 5,
                 .target_vocabulary = 5,
                 .padding = 0,
                 .cell = cell_of_name(cell),
                 .context = attends ? Context::attention : contexts.at(context),
                 .score = attends ? scores.at(context) : nn::Score::additive,
                 .width = 2,
                 .hidden = 3,
                 .layers = layers,
                 .bidirectional = directions.at(both)});
  return layer(std::move(model), [attends](Seq2Seq& m, const NamedValues& in) {
    const Tensor real = arange(4, i64) < in["lengths"].unsqueeze(1);
    const data::Padded source{in["source"], real, in["lengths"]};
    if (!attends) return NamedValues{{"logits", m(source, in["input"])}};
    const Seq2Seq::Attended found = m.with_weights(source, in["input"]);
    return NamedValues{{"logits", found.logits}, {"weights", found.weights}};
  });
}

}  // namespace

TEST_CASE("encoders and decoders of every cell and context agree with PyTorch", "[parity][model]") {
  std::map<std::string, ParityCase> cases;
  const auto add = [&](const std::string& cell, std::initializer_list<const char*> kinds) {
    for (const char* kind : kinds) {
      const std::string name = cell + " " + kind;
      cases[name] = named(name);
    }
  };
  for (const char* cell : {"rnn", "lstm", "gru"})
    add(cell, {"start 2 concat", "fixed 2 no", "dot 1 no", "scaled 1 sum", "general 1 concat",
               "additive 1 concat", "concat 1 no"});
  add("gru", {"start 1 no", "fixed 1 concat", "additive 2 concat"});
  check_family("models_seq2seq", cases);
}
