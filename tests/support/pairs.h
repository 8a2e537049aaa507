// Pairs of sentences, for the tests of what translates.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
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

// For a model in f64 of 12 tokens on each side, with embeddings of its own. Each id stands in one place, so
// that a row of an embedding's gradient tells about that place.
template <class Model>
void check_logits_depend_on_no_later_target_padding_or_row(Model& model) {
  data::Padded source = padded({{3, 4, 5, 6}, {7, 8}});
  source.ids = tensor({{3, 4, 5, 6}, {7, 8, 9, 10}}, i64);  // 9 and 10 stand where no word is
  const Tensor told = tensor({{1, 3, 4, 5}, {2, 6, 7, 8}}, i64);
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t t = 0; t < 4; ++t) {
      const Tensor logits = model(source, told)[row][t];
      const auto gradients = grad({sum(logits * randn({12}, f64))},
                                  {model.source_embedding.weight, model.target_embedding.weight});
      const auto moved = [](const Tensor& gradient) {
        std::set<std::int64_t> ids;
        for (std::int64_t id = 0; id < 12; ++id)
          if (!equal(gradient[id], zeros_like(gradient[id]))) ids.insert(id);
        return ids;
      };
      const auto ids = told[row].slice(0, 0, t + 1).to_vector<std::int64_t>();
      CHECK(moved(gradients[1]) == std::set<std::int64_t>(ids.begin(), ids.end()));
      CHECK(moved(gradients[0]) ==
            (row == 0 ? std::set<std::int64_t>{3, 4, 5, 6} : std::set<std::int64_t>{7, 8}));
    }
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
