// The copy task: a Transformer of one layer on each side says again what it has read, sequences that no
// training has. 2,000 steps of 64 new ones each, Adam, its rate rising in 100 steps and falling along a
// cosine from 0.003.
#include <iostream>
#include <vector>

#include <gradus/autograd/ops/loss.h>
#include <gradus/core/random.h>
#include <gradus/data/probes.h>
#include <gradus/models/transformer.h>
#include <gradus/models/translation.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>

#include "support/catch.h"

using namespace gradus;

namespace {

constexpr std::int64_t steps = 2000, batch_size = 64, asked = 5000, symbols = 10;
constexpr data::DecoderIds ids{.begin = symbols, .end = symbols + 1, .padding = symbols + 2};

std::vector<data::Ids> sequences(std::uint64_t seed, std::int64_t first, std::int64_t count,
                                 data::Split split) {
  static const data::Probe probe = data::copying(symbols, 1, 10);
  std::vector<data::Ids> found;
  for (std::int64_t i = first; i < first + count; ++i) {
    const data::Example example = probe.example(seed, i, split);
    CHECK(example.target == example.input);
    found.push_back(example.input);
  }
  return found;
}

}  // namespace

TEST_CASE("a Transformer copies every sequence that it has not seen", "[train][transformer_copies]") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    manual_seed(seed);
    models::Transformer model({.source_vocabulary = symbols + 3,
                               .target_vocabulary = symbols + 3,
                               .padding = ids.padding,
                               .width = 64,
                               .heads = 4,
                               .hidden = 128,
                               .encoder_layers = 1,
                               .decoder_layers = 1});
    optim::Adam optimiser(model, {});
    std::int64_t seen = 0;
    const auto next_loss = [&] {
      const std::vector<data::Ids> batch = sequences(seed, seen, batch_size, data::Split::train);
      seen += batch_size;
      const std::vector<data::IdsView> views(batch.begin(), batch.end());
      const data::Shifted target = data::shift(views, ids);
      return cross_entropy(model(data::pad(views, ids.padding), target.input), target.target);
    };
    optim::fit(model, optimiser, next_loss,
               {.steps = steps,
                .schedule = optim::Cosine{.lr = 3e-3, .steps = steps, .warmup = 100},
                .clip_norm = 1.0,
                .progress = false});
    model.eval();
    const std::vector<data::Ids> unseen = sequences(seed, 0, asked, data::Split::held_out);
    const auto writer = [&](const data::Padded& source) { return model.writer(source); };
    const std::vector<data::Ids> written = models::translate(writer, unseen, {.ids = ids, .batch = 500});
    const data::Share exact = data::exact_match(written, unseen);
    std::cout << "seed " << seed << ": " << exact.right << " of " << exact.all << " copied" << std::endl;
    CHECK(exact.right == asked);
  }
}
