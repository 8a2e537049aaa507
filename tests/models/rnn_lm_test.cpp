// The recurrent language model: what it learns, what its logits may depend on, dropout, ties, writing.
#include <gradus/models/rnn_lm.h>

#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;

namespace {

constexpr Cell all_cells[] = {Cell::rnn, Cell::lstm, Cell::gru};

Tensor ids(const std::vector<std::int64_t>& values) { return from_vector(values); }

RnnLm wide(const RnnLm::Options& options) {
  RnnLm model(options);
  model.to(f64);
  return model;
}

RecurrentState random_state(Cell cell, const Shape& shape) {
  return {randn(shape, f64), cell == Cell::lstm ? randn(shape, f64) : Tensor()};
}

}  // namespace

TEST_CASE("a recurrent language model learns one batch by heart", "[model]") {
  const Tensor text = tensor({{3, 1, 4, 1, 5, 0, 2, 5, 3}, {2, 0, 1, 5, 2, 5, 1, 4, 4}}, i64);
  for (const Cell cell : all_cells)
    for (const bool tied : {false, true}) {
      INFO(name_of(cell) << (tied ? ", tied" : ""));
      const RnnLm model({.vocabulary = 6, .cell = cell, .width = 16, .hidden = 16, .tied = tied});
      optim::Adam optimiser(model, {.lr = 0.03});
      double last = 0;
      for (int step = 0; step < 300; ++step) {
        optimiser.zero_grad();
        const Tensor logits = model(text.slice(1, 0, 8)).logits;
        const Tensor loss = cross_entropy(logits, text.slice(1, 1, 9));
        last = loss.item();
        loss.backward();
        optimiser.step();
      }
      CHECK(last < 1e-3);
    }
}

TEST_CASE("a logit depends on all words up to its own and on no later one", "[model][grad]") {
  for (const Cell cell : all_cells) {
    INFO(name_of(cell));
    const RnnLm model = wide({.vocabulary = 6, .cell = cell, .width = 3, .hidden = 4, .layers = 2});
    // Each word stands in one place only: its row's gradient is that of the place.
    const Tensor logits = model(tensor({{2, 5, 0, 3}}, i64)).logits;
    const std::vector<std::int64_t> words = {2, 5, 0, 3};
    for (std::int64_t t = 0; t < 4; ++t) {
      const Tensor slope = grad({sum(logits[0][t] * randn({6}, f64))}, {model.embedding.weight}, {},
                                {.retain_graph = true})[0];
      for (std::int64_t s = 0; s < 4; ++s) {
        INFO("logit " << t << ", word " << s);
        CHECK((sum(abs(slope[words[static_cast<std::size_t>(s)]])).item() > 0) == (s <= t));
      }
    }
  }
}

TEST_CASE("a recurrent language model has the right gradients", "[model][grad]") {
  const Cell cell = GENERATE(from_range(std::begin(all_cells), std::end(all_cells)));
  const bool tied = GENERATE(false, true);
  const RnnLm model =
      wide({.vocabulary = 4, .cell = cell, .width = tied ? 3 : 2, .hidden = 3, .layers = 2, .tied = tied});
  const Tensor text = tensor({{3, 1, 3}, {0, 2, 2}}, i64);
  const RecurrentState state = random_state(cell, {2, 2, 3});
  std::vector<NamedTensor> inputs = {{"h", state.h}};
  if (cell == Cell::lstm) inputs.push_back({"c", state.c});
  CHECK_THAT(nn::gradcheck(
                 model,
                 [&] {
                   const RnnLm::Result result = model(text, state);
                   return std::vector{result.logits, result.state.h};
                 },
                 inputs),
             passes_gradcheck());
}

TEST_CASE("the language model's dropout takes from the embedding, between layers and before the head",
          "[model]") {
  RnnLm model({.vocabulary = 5, .cell = Cell::gru, .width = 8, .hidden = 8, .layers = 2, .dropout = 0.4});
  const Tensor text = tensor({{3, 1, 4, 0}}, i64);
  CHECK(model.recurrent.options.dropout == 0.4);
  manual_seed(5);
  const Tensor read = model.recurrent(dropout(model.embedding(text), 0.4)).output;
  const Tensor expected = model.head(dropout(read, 0.4));
  manual_seed(5);
  CHECK(equal(model(text).logits, expected));
  CHECK_FALSE(equal(model(text).logits, expected));
  model.eval();
  CHECK(equal(model(text).logits, model.head(model.recurrent(model.embedding(text)).output)));
}

TEST_CASE("a tied head is the embedding's matrix: counted, saved, trained and cloned as one", "[model]") {
  const RnnLm::Options options{.vocabulary = 7, .cell = Cell::rnn, .width = 4, .hidden = 4, .tied = true};
  const RnnLm model(options);
  CHECK(model.embedding.weight.shares_handle_with(model.head.weight));
  CHECK(model.parameter_count() == 7 * 4 + (4 * 4 + 4 * 4 + 4 + 4) + 7);
  for (const NamedTensor& x : model.parameters()) CHECK_FALSE(x.name == "head.weight");
  for (const float x : model.embedding.weight.detach().to_vector<float>()) CHECK(std::abs(x) <= 0.5);

  RnnLm copy = model.clone();
  CHECK(copy.embedding.weight.shares_handle_with(copy.head.weight));
  CHECK_FALSE(copy.embedding.weight.shares_handle_with(model.embedding.weight));
  const Tensor text = tensor({{3, 1, 4, 0}}, i64);
  CHECK(equal(copy(text).logits, model(text).logits));

  std::vector<NamedTensor> state = model.state();
  for (NamedTensor& x : state)
    if (x.name == "embedding.weight") x = {"head.weight", full({7, 4}, 0.25)};
  copy.load_state(state);
  CHECK(equal(copy.embedding.weight, full({7, 4}, 0.25)));
}

TEST_CASE("a writer gives the logits of the whole text, word by word and without the tape", "[model]") {
  for (const Cell cell : all_cells) {
    INFO(name_of(cell));
    const RnnLm model = wide({.vocabulary = 6, .cell = cell, .width = 3, .hidden = 4, .layers = 2});
    const Tensor text = tensor({{2, 5, 0, 3}, {1, 1, 4, 5}, {0, 3, 2, 2}}, i64);
    const RecurrentState start = random_state(cell, {2, 3, 4});
    for (const RecurrentState& state : {RecurrentState(), start}) {
      const Tensor whole = model(text, state).logits.detach();
      const std::unique_ptr<Writer> writer = model.writer(state);
      for (std::int64_t t = 0; t < 4; ++t) {
        const Tensor logits = writer->next(text.slice(1, t, t + 1));
        CHECK(allclose(logits, whole.select(1, t), 0, 1e-13));
        CHECK_FALSE(logits.requires_grad());
      }
    }
    CHECK(grad_mode());
  }
}

TEST_CASE("a writer's rows fork and end", "[model]") {
  for (const Cell cell : all_cells) {
    INFO(name_of(cell));
    const RnnLm model = wide({.vocabulary = 6, .cell = cell, .width = 3, .hidden = 4});
    const std::unique_ptr<Writer> writer = model.writer();
    writer->keep_rows(ids({0, 0}));  // of no words at all
    writer->next(ids({2, 5}).unsqueeze(1));
    writer->keep_rows(ids({1, 0, 1}));
    const Tensor forked = writer->next(ids({3, 3, 4}).unsqueeze(1));
    writer->keep_rows(ids({2}));
    const Tensor last = writer->next(ids({1}).unsqueeze(1));
    const auto after = [&](const std::vector<std::int64_t>& words) {
      return model(ids(words).unsqueeze(0)).logits.detach()[0][-1];
    };
    CHECK(allclose(forked[0], after({5, 3}), 0, 1e-13));
    CHECK(allclose(forked[1], after({2, 3}), 0, 1e-13));
    CHECK(allclose(forked[2], after({5, 4}), 0, 1e-13));
    CHECK(allclose(last[0], after({5, 4, 1}), 0, 1e-13));
  }
}

TEST_CASE("the recurrent language model says what does not fit, and a writer goes on after it",
          "[model][error]") {
  CHECK(message_of([] { RnnLm({.vocabulary = 5, .width = 4, .hidden = 6, .tied = true}); }) ==
        "[rnn_lm] the head can use the embedding's matrix only if both are of one width, not .width = 4 and "
        ".hidden = 6. Make them equal, or leave out .tied?");
  CHECK(message_of([] { RnnLm({.vocabulary = 5, .dropout = 1.5}); }) ==
        "[lstm] dropout is a probability between 0 and 1, not 1.5. Divide a percentage by 100?");
  const RnnLm model({.vocabulary = 5, .cell = Cell::gru, .width = 4, .hidden = 6});
  CHECK(message_of([&] {
          model(ids({1, 2}));
        }) == "[rnn_lm] ids must be (B, T), not (2,). Unsqueeze an axis?");
  const std::unique_ptr<Writer> writer = model.writer(), other = model.writer();
  CHECK(message_of([&] { writer->next(zeros({1}, i64)); }) ==
        "[rnn_lm] ids must be (B, T), not (1,). Unsqueeze an axis?");
  writer->next(ids({1}).unsqueeze(1));
  other->next(ids({1}).unsqueeze(1));
  CHECK_THROWS_AS(writer->next(ids({1, 1}).unsqueeze(1)), Error);
  CHECK_THROWS_AS(writer->next(ids({5}).unsqueeze(1)), Error);
  CHECK_THROWS_AS(writer->keep_rows(ids({1})), Error);
  CHECK(equal(writer->next(ids({3}).unsqueeze(1)), other->next(ids({3}).unsqueeze(1))));
}
