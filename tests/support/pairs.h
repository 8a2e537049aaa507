// Pairs of sentences, for the tests of what translates.
#pragma once

#include <vector>

#include <gradus/autograd/ops/loss.h>
#include <gradus/data/pad.h>
#include <gradus/models/decoding.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/clip.h>

#include "support/catch.h"

namespace gradus::test {

constexpr data::DecoderIds decoder_ids{.begin = 1, .end = 2, .padding = 0};

inline data::Padded padded(const std::vector<data::Ids>& list) {
  return data::pad(std::vector<data::IdsView>(list.begin(), list.end()), decoder_ids.padding);
}

inline data::Shifted shifted(const std::vector<data::Ids>& list) {
  return data::shift(std::vector<data::IdsView>(list.begin(), list.end()), decoder_ids);
}

// Three pairs of eight tokens. What knows them writes them, greedily and by beam search.
template <class Model>
void check_learns_by_heart(Model& model, double lr) {
  const std::vector<data::Ids> from = {{3, 4, 5, 6}, {6, 5}, {4, 4, 3}},
                               to = {{6, 5, 4, 3}, {5, 6}, {3, 4, 4, 7}};
  const data::Padded source = padded(from);
  const data::Shifted target = shifted(to);
  optim::AdamW optimiser(model.parameters(), {.lr = lr});
  double loss = 1;
  for (int step = 0; step < 300 && loss >= 1e-3; ++step) {
    const Tensor now = cross_entropy(model(source, target.input), target.target);
    loss = now.item();
    now.backward();
    optim::clip_grad_norm(optimiser.parameters(), 1);
    optimiser.step();
    optimiser.zero_grad();
  }
  CHECK(loss < 1e-3);
  model.eval();
  const models::DecodeOptions how{.begin = decoder_ids.begin, .end = decoder_ids.end, .max_length = 8};
  CHECK(models::greedy(*model.writer(source), 3, how) == to);
  const auto found = models::beam_search(*model.writer(source), 3, {.decode = how, .width = 3});
  for (std::size_t row = 0; row < 3; ++row) CHECK(found[row][0].ids == to[row]);
}

}  // namespace gradus::test
