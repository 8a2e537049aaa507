#include <gradus/models/word_exchange.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <gradus/autograd/ops/compare.h>
#include <gradus/core/create.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using data::Ids;
using gradus::test::message_of;

namespace {

const data::SpecialIds special{.padding = 0, .unknown = 1, .cls = 2, .sep = 3, .mask = 4};
constexpr std::int64_t meets = 5, then = 6, smiles = 7, first_name = 8, names = 6, context = 11;

BertPretraining untrained() {
  manual_seed(3);
  return BertPretraining({.vocabulary = first_name + names,
                          .context = context,
                          .width = 16,
                          .layers = 2,
                          .heads = 2,
                          .padding = special.padding,
                          .dropout = 0.1,
                          .deviation = 0.1});
}

// "ann meets", and "then ann smiles": whose turn it is, only the first sentence tells. Both are now and then
// longer, so that the longest two do not fit together.
data::BertBatch pairs_with_hidden_words() {
  std::vector<Ids> ids, segments, labels;
  for (const bool long_first : {false, true})
    for (std::int64_t n = 0; n < names; ++n) {
      const std::int64_t name = first_name + n;
      Ids first{name, meets}, second{then, name, smiles};
      if (long_first)
        first.insert(first.end(), 3, meets);
      else
        second.insert(second.end(), 3, smiles);
      data::BertInput input = data::bert_input(first, second, special, context);
      Ids asked(input.ids.size(), data::ignore_index);
      const std::size_t at = first.size() + 3;
      for (const std::size_t t : {at, at + 1}) {
        asked[t] = input.ids[t];
        input.ids[t] = special.mask;
      }
      ids.push_back(input.ids);
      segments.push_back(input.segments);
      labels.push_back(asked);
    }
  const data::Padded padded = data::pad({ids.begin(), ids.end()}, special.padding);
  return {.ids = padded.ids,
          .segments = data::pad({segments.begin(), segments.end()}, 0).ids,
          .mask = padded.mask,
          .labels = data::pad_targets({labels.begin(), labels.end()}),
          .is_random = zeros({2 * names}, i64)};
}

BertPretraining trained(const data::BertBatch& batch) {
  BertPretraining model = untrained();
  optim::AdamW optimiser(model, {.lr = 0.01});
  for (int step = 0; step < 800; ++step) {
    model.loss(batch).mlm.backward();
    optimiser.step();
    optimiser.zero_grad();
  }
  return model;
}

Ids numbers(const Tensor& x) { return x.contiguous().to_vector<std::int64_t>(); }

}  // namespace

TEST_CASE("a word is exchanged where the first sentence tells that another belongs there", "[model]") {
  const data::BertBatch pairs = pairs_with_hidden_words();
  BertPretraining model = trained(pairs);
  data::Random random(1, 0);
  const std::optional<data::BertBatch> found = with_words_exchanged(model, pairs, special, random);
  REQUIRE(found);
  CHECK(found->ids.size(0) == 4 * names);
  CHECK(model.training());

  const auto shown = [](const Tensor& ids) {
    Ids row = numbers(ids);
    row.erase(std::find(row.begin(), row.end(), special.padding), row.end());
    return row;
  };
  const auto stood = [&](std::int64_t row) {
    return shown(where(pairs.labels[row] == data::ignore_index, pairs.ids[row], pairs.labels[row]));
  };
  for (std::int64_t row = 0; row < found->ids.size(0); row += 2) {
    const Ids right = shown(found->ids[row]), other = shown(found->ids[row + 1]);
    CHECK(right == stood(row / 2));
    CHECK(numbers(found->is_random.slice(0, row, row + 2)) == Ids{0, 1});
    for (const std::int64_t r : {row, row + 1}) {
      const Ids segments = numbers(found->segments[r]), labels = numbers(found->labels[r]);
      CHECK(std::ranges::equal(segments, numbers(pairs.segments[row / 2])));
      CHECK(std::ranges::equal(labels, numbers(pairs.labels[row / 2])));
    }
    // The name of the second sentence, and it is that of the next pair's first sentence.
    REQUIRE(other.size() == right.size());
    const auto [at, word] = std::mismatch(right.begin(), right.end(), other.begin());
    REQUIRE(at != right.end());
    CHECK(std::equal(at + 1, right.end(), word + 1));
    CHECK(*at == right[1]);
    CHECK(at - right.begin() > std::ranges::find(right, special.sep) - right.begin());
    CHECK(*word == stood((row / 2 + 1) % pairs.ids.size(0))[1]);
  }
}

TEST_CASE("to find exchanges draws nothing from dropout", "[model]") {
  BertPretraining model = untrained();
  manual_seed(9);
  const double next = rand({1}).item();
  manual_seed(9);
  data::Random random(1, 0);
  with_words_exchanged(model, pairs_with_hidden_words(), special, random);
  CHECK(rand({1}).item() == next);
}

TEST_CASE("who does not look at the first sentence finds no word to exchange", "[model]") {
  BertPretraining model = untrained();
  data::Random random(1, 0);
  CHECK_FALSE(with_words_exchanged(model, pairs_with_hidden_words(), special, random));
}

TEST_CASE("words are exchanged in pairs that follow alone", "[model]") {
  BertPretraining model = untrained();
  data::BertBatch pairs = pairs_with_hidden_words();
  pairs.is_random = ones_like(pairs.is_random);
  data::Random random(1, 0);
  CHECK(message_of([&] { with_words_exchanged(model, pairs, special, random); }) ==
        "[with_words_exchanged] 12 of 12 pairs do not follow. From a source whose `random` is 0?");
}
