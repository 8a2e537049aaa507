// word2vec: losses and gradients against their formulas in plain loops, and what a gradient reaches.
#include <gradus/models/word2vec.h>

#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/core/create.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/op_table.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using Lists = std::vector<std::vector<std::int64_t>>;

struct Rows {
  Lists known;
  std::vector<std::int64_t> targets;
  Lists negatives;

  data::ContextBatch batch() const {
    std::vector<std::int64_t> flat;
    for (const auto& row : negatives) flat.insert(flat.end(), row.begin(), row.end());
    const auto count = static_cast<std::int64_t>(targets.size());
    return {.known = data::pad({known.begin(), known.end()}, 0),
            .target = from_vector(targets),
            .negatives = from_vector(flat, {count, static_cast<std::int64_t>(flat.size()) / count})};
  }
};

// Words come twice in a row, in two rows, as known words and as targets; 0, which fills up, is no word.
const Rows rows{.known = {{1, 2, 2, 5}, {3}, {5, 1}},
                .targets = {4, 5, 4},
                .negatives = {{1, 1, 3}, {6, 2, 4}, {2, 6, 5}}};

Word2Vec some_model() {
  Word2Vec model({.vocabulary = 8, .width = 3});
  model.input.weight = randn({8, 3}, f64).requires_grad_();
  model.output.weight = randn({8, 3}, f64).requires_grad_();
  return model;
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// The losses in plain loops, and the gradients of negative sampling by its formulas:
//   dL/du_target = (s(u_target . h) - 1) h,   dL/du_n = s(u_n . h) h
//   dL/dv_w = 1 / |known| * ((s(u_target . h) - 1) u_target + sum_n s(u_n . h) u_n)
struct Expected {
  double sampling = 0, softmax = 0;
  Array d_input, d_output;

  explicit Expected(const Word2Vec& model) : d_input(Shape{8, 3}), d_output(Shape{8, 3}) {
    const Array v(model.input.weight), u(model.output.weight);
    for (std::size_t r = 0; r < rows.targets.size(); ++r) {
      const double share = 1 / static_cast<double>(rows.known[r].size());
      double h[3] = {}, dh[3] = {};
      for (const std::int64_t w : rows.known[r])
        for (std::int64_t c = 0; c < 3; ++c) h[c] += v.at({w, c}) * share;
      const auto score = [&](std::int64_t w) {
        return u.at({w, 0}) * h[0] + u.at({w, 1}) * h[1] + u.at({w, 2}) * h[2];
      };
      const auto pull = [&](std::int64_t w, double slope) {
        for (std::int64_t c = 0; c < 3; ++c) {
          d_output.at({w, c}) += slope * h[c] / 3;
          dh[c] += slope * u.at({w, c}) / 3;
        }
      };
      const double right = score(rows.targets[r]);
      sampling -= std::log(sigmoid_of(right)) / 3;
      pull(rows.targets[r], sigmoid_of(right) - 1);
      for (const std::int64_t n : rows.negatives[r]) {
        sampling -= std::log(sigmoid_of(-score(n))) / 3;
        pull(n, sigmoid_of(score(n)));
      }
      for (const std::int64_t w : rows.known[r])
        for (std::int64_t c = 0; c < 3; ++c) d_input.at({w, c}) += dh[c] * share;
      double all = 0;
      for (std::int64_t w = 0; w < 8; ++w) all += std::exp(score(w));
      softmax -= (right - std::log(all)) / 3;
    }
  }
};

bool close(const Tensor& x, const Array& y) {
  return allclose(x, from_vector(y.values, y.shape), 1e-12, 1e-13);
}

}  // namespace

TEST_CASE("word2vec's losses are what their formulas say", "[model]") {
  const Word2Vec model = some_model();
  const Expected expected(model);
  CHECK(model.negative_sampling_loss(rows.batch()).item() == Approx(expected.sampling).epsilon(1e-13));
  CHECK(model.softmax_loss(rows.batch()).item() == Approx(expected.softmax).epsilon(1e-13));
}

TEST_CASE("negative sampling pulls at the vectors that its formula names, and at no others",
          "[model][grad]") {
  const Word2Vec model = some_model();
  const Expected expected(model);
  const std::vector<Tensor> slopes =
      grad({model.negative_sampling_loss(rows.batch())}, {model.input.weight, model.output.weight});
  CHECK(close(slopes[0], expected.d_input));
  CHECK(close(slopes[1], expected.d_output));
  const Array input(slopes[0]), output(slopes[1]);
  for (std::int64_t w = 0; w < 8; ++w) {
    const bool known = w == 1 || w == 2 || w == 3 || w == 5, told = w >= 1 && w <= 6;
    for (std::int64_t c = 0; c < 3; ++c) {
      CHECK((input.at({w, c}) != 0) == known);  // 0, the padding, is not
      CHECK((output.at({w, c}) != 0) == told);
    }
  }
}

TEST_CASE("word2vec has the right gradients", "[model][grad]") {
  const Word2Vec model = some_model();
  const data::ContextBatch batch = rows.batch();
  CHECK_THAT(nn::gradcheck(model, [&] { return model.negative_sampling_loss(batch); }), passes_gradcheck());
  CHECK_THAT(nn::gradcheck(model, [&] { return model.softmax_loss(batch); }), passes_gradcheck());
}

TEST_CASE("word2vec learns one batch by heart, in both tasks and with both losses", "[model]") {
  const Rows skip_gram{
      .known = {{0}, {1}, {2}, {3}}, .targets = {1, 2, 3, 0}, .negatives = {{2, 3}, {0, 3}, {0, 1}, {1, 2}}};
  const Rows cbow{.known = {{0, 1, 2}, {1, 2}, {2, 3}, {0}},
                  .targets = {1, 2, 3, 0},
                  .negatives = {{2, 3}, {0, 3}, {0, 1}, {1, 2}}};
  for (const Rows& lesson : {skip_gram, cbow})
    for (const bool softmax : {false, true}) {
      const Word2Vec model({.vocabulary = 4, .width = 8});
      optim::Adam optimiser(model, {.lr = 0.1});
      const data::ContextBatch batch = lesson.batch();
      double last = 0;
      for (int step = 0; step < 200; ++step) {
        optimiser.zero_grad();
        const Tensor loss = softmax ? model.softmax_loss(batch) : model.negative_sampling_loss(batch);
        last = loss.item();
        loss.backward();
        optimiser.step();
      }
      CHECK(last < 1e-3);
    }
}

TEST_CASE("before it has learned anything, word2vec finds all words alike", "[model]") {
  const Word2Vec model({.vocabulary = 8, .width = 3});
  CHECK(model.softmax_loss(rows.batch()).item() == Approx(std::log(8)));
  CHECK(model.negative_sampling_loss(rows.batch()).item() == Approx(4 * std::log(2)));
  double most = 0;
  for (const double x : Array(model.input.weight).values) most = std::max(most, std::abs(x));
  CHECK(most <= 1.0 / 6);
  CHECK(most > 0.1);
  const Word2Vec copy = model.clone();
  CHECK(equal(copy.input.weight.detach(), model.input.weight.detach()));
}

TEST_CASE("negative sampling refuses a batch without negatives", "[model]") {
  const Word2Vec model({.vocabulary = 8, .width = 3});
  data::ContextBatch batch = rows.batch();
  batch.negatives = zeros({3, 0}, i64);
  CHECK(message_of([&] { model.negative_sampling_loss(batch); }) ==
        "[word2vec] the batch has no negatives to tell the target from. Draw some, or take the softmax?");
  CHECK(model.softmax_loss(batch).item() == Approx(std::log(8)));
}
