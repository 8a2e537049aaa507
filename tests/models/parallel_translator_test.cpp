// A translation whose words are written at once: against its formula from the pieces, by laws, by learning.
#include <cmath>
#include <set>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/models/parallel_translator.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/pairs.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using data::Ids;

Transformer::Options options_of(nn::NormPlace norm) {
  return {.source_vocabulary = 9,
          .target_vocabulary = 7,
          .padding = 0,
          .width = 4,
          .heads = 2,
          .hidden = 5,
          .encoder_layers = 1,
          .decoder_layers = 1,
          .activation = nn::Activation::gelu,
          .norm = norm,
          .max_length = 6};
}

ParallelTranslator tiny(const Transformer::Options& options) {
  manual_seed(3);
  ParallelTranslator model(options);
  model.to(f64);
  for (const NamedTensor& parameter : model.parameters())
    if (parameter.value.rank() == 1) parameter.value.detach().add_(randn(parameter.value.shape(), f64) * 0.3);
  return model;
}

nn::NormPlace any_norm() { return GENERATE(nn::NormPlace::pre, nn::NormPlace::post); }
bool is_zero(const Tensor& x) { return equal(x, zeros_like(x)); }
bool close(const Tensor& a, const Tensor& b) { return allclose(a.detach(), b.detach(), 1e-12, 1e-12); }

}  // namespace

TEST_CASE("places begin with the source's words, spread evenly, and see to both sides", "[model]") {
  const ParallelTranslator model = tiny(options_of(any_norm()));
  const Transformer& t = model.transformer;
  const std::vector<Ids> spread = {{3, 3, 4, 5, 5, 6}, {3, 5}, {3, 4, 5, 6}, {3}};
  for (const Ids& words : spread) {
    const data::Padded source = padded({{3, 4, 5, 6}});
    const auto length = static_cast<std::int64_t>(words.size());
    const Tensor memory = t.encode(source);
    Tensor x = t.target_position(t.source_embedding(from_vector(words).unsqueeze(0)) * 2.0);
    x = t.decoder[0](x, memory, {});
    if (t.decoder_norm) x = (*t.decoder_norm)(x);
    const ParallelTranslator::Result result = model(source, from_vector(Ids{length}));
    CHECK(close(result.logits, t.head(x)));
    CHECK(close(result.lengths, model.length(mean(memory, 1))));
  }
}

TEST_CASE("what is written at once is written as if each sentence were alone", "[model]") {
  const ParallelTranslator model = tiny(options_of(any_norm()));
  const std::vector<Ids> sources = {{3, 4, 5, 6}, {7, 8}, {5}};
  const Ids lengths = {3, 5, 2};
  const auto together = model(padded(sources), from_vector(lengths));
  const auto translations = model.translate(padded(sources));
  for (std::size_t row = 0; row < sources.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    const auto alone = model(padded({sources[row]}), from_vector(Ids{lengths[row]}));
    CHECK(close(together.logits.slice(0, at, at + 1).slice(1, 0, lengths[row]), alone.logits));
    CHECK(close(together.lengths[at], alone.lengths[0]));
    CHECK(translations[row] == model.translate(padded({sources[row]}))[0]);
    const Tensor likeliest = argmax(alone.lengths[0], -1);
    CHECK(static_cast<double>(translations[row].size()) == likeliest.item() + 1);
  }
}

// Each id stands in one place.
TEST_CASE("each word that is written at once depends on all words of its source, and on no padding",
          "[model][grad]") {
  const ParallelTranslator model = tiny(options_of(any_norm()));
  data::Padded source = padded({{3, 4}, {5, 6, 7}});
  source.ids = tensor({{3, 4, 8}, {5, 6, 7}}, i64);  // 8 stands where no word is
  const auto result = model(source, tensor({2, 4}, i64));
  const auto seen = [&](const Tensor& y) {
    const Tensor gradient = grad({sum(y * randn(y.shape(), f64))},
                                 {model.transformer.source_embedding.weight}, {}, {.retain_graph = true})[0];
    std::set<std::int64_t> ids;
    for (std::int64_t id = 0; id < 9; ++id)
      if (!is_zero(gradient[id])) ids.insert(id);
    return ids;
  };
  for (std::int64_t t = 0; t < 2; ++t) CHECK(seen(result.logits[0][t]) == std::set<std::int64_t>{3, 4});
  for (std::int64_t t = 0; t < 4; ++t) CHECK(seen(result.logits[1][t]) == std::set<std::int64_t>{5, 6, 7});
  CHECK(seen(result.lengths[0]) == std::set<std::int64_t>{3, 4});
}

TEST_CASE("a translator that writes at once has the right gradients", "[model][grad]") {
  const ParallelTranslator model = tiny(options_of(any_norm()));
  const data::Padded source = padded({{3, 4, 5}, {8, 7}}), target = padded({{3, 4}, {5, 6, 2}});
  CHECK_THAT(nn::gradcheck(model, [&] { return model.loss(source, target); }), passes_gradcheck());
}

TEST_CASE("a translator that writes at once learns one batch by heart", "[model]") {
  manual_seed(1);
  Transformer::Options options = options_of(any_norm());
  options.width = options.hidden = 16;
  ParallelTranslator model(options);
  const std::vector<Ids> from = {{3, 4, 5, 6}, {6, 5}, {4, 4, 3}}, to = {{6, 5, 4, 3}, {5, 6, 6}, {3}};
  optim::Adam optimiser(model.parameters(), {.lr = 0.01});
  double loss = 1;
  for (int step = 0; step < 300 && loss >= 1e-3; ++step) {
    const Tensor now = model.loss(padded(from), padded(to));
    loss = now.item();
    now.backward();
    optimiser.step();
    optimiser.zero_grad();
  }
  CHECK(loss < 1e-3);
  model.eval();
  CHECK(model.translate(padded(from)) == to);
  const ParallelTranslator copy = model.clone();
  CHECK(copy.translate(padded(from)) == to);
  CHECK(copy.parameter_count() == model.parameter_count());
}

// Two translations, "4 5" and "5 4", are as likely: half of what is written is neither, unlike what a
// Transformer learns that knows the word before. At its best it gives each word at each place half.
TEST_CASE("words that do not know of each other mix two translations", "[model]") {
  manual_seed(1);
  Transformer::Options options = options_of(nn::NormPlace::pre);
  options.width = options.hidden = 16;
  ParallelTranslator model(options);
  const data::Padded source = padded({{3, 3}, {3, 3}}), target = padded({{4, 5}, {5, 4}});
  optim::Adam optimiser(model.parameters(), {.lr = 0.01});
  double loss = 0;
  for (int step = 0; step < 200; ++step) {
    const Tensor now = model.loss(source, target);
    loss = now.item();
    CHECK(loss > std::log(2.0) - 1e-6);
    now.backward();
    optimiser.step();
    optimiser.zero_grad();
  }
  CHECK(loss < std::log(2.0) + 1e-2);
}

TEST_CASE("ParallelTranslator refuses what does not fit", "[model][error]") {
  Transformer::Options options = options_of(nn::NormPlace::pre);
  const ParallelTranslator model = tiny(options);
  options.shared = Shared::none;
  CHECK(message_of([&] { ParallelTranslator{options}; }) ==
        "[parallel_translator] reads no target, so that a target embedding of its own would learn nothing. "
        "Shared::target?");
  const data::Padded source = padded({{3, 4}, {5}});
  CHECK(message_of([&] { model(source, tensor({3}, i64)); }) ==
        "[parallel_translator] needs a length for each of 2 sources, i64, not i64 of shape (1,). data::pad "
        "has them?");
  for (const std::int64_t tokens : {0, 7})
    CHECK(message_of([&] {
            model(source, from_vector(Ids{1, tokens}));
          }).find("[parallel_translator] a translation has 1 to max_length 6 tokens, not ") == 0);
}
