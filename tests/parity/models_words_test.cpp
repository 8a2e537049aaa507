// word2vec and ELMo against PyTorch.
#include <gradus/models/elmo.h>
#include <gradus/models/word2vec.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

data::ContextBatch batch_of(const NamedValues& in) {
  static const std::vector<data::Ids> known = {{1, 2, 2, 5}, {3}, {5, 1}};
  return {.known = data::pad({known.begin(), known.end()}, 0),
          .target = in["target"],
          .negatives = in["negatives"]};
}

ParityCase elmo(std::int64_t layers) {
  return layer(Elmo({.vocabulary = 7, .width = 3, .layers = layers}), [](Elmo& m, const NamedValues& in) {
    std::vector<NamedTensor> all = {{"loss", m.loss(in["ids"], in["lengths"])}};
    for (const Tensor& h : m.features(in["ids"], in["lengths"]))
      all.push_back({std::string("layer").append(std::to_string(all.size() - 1)), h});
    return NamedValues(all);
  });
}

}  // namespace

TEST_CASE("word2vec and ELMo agree with PyTorch", "[parity][model]") {
  const Word2Vec::Options options{.vocabulary = 7, .width = 3};
  check_family("models_words",
               {{"word2vec by negative sampling", layer(Word2Vec(options),
                                                        [](Word2Vec& m, const NamedValues& in) {
                                                          return m.negative_sampling_loss(batch_of(in));
                                                        })},
                {"word2vec by softmax",
                 layer(Word2Vec(options),
                       [](Word2Vec& m, const NamedValues& in) { return m.softmax_loss(batch_of(in)); })},
                {"elmo of 1", elmo(1)},
                {"elmo of 2", elmo(2)},
                {"layer mix", layer(LayerMix({.layers = 3}), [](LayerMix& m, const NamedValues& in) {
                   return m({in["h0"], in["h1"], in["h2"]});
                 })}});
}
