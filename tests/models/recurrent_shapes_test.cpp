// The shapes of recurrent use: what each reads, what its outputs may depend on, padding, gradients.
#include <gradus/models/recurrent_shapes.h>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/data/pad.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using gradus::test::message_of;
using nn::Bidirectional;

namespace {

constexpr Cell all_cells[] = {Cell::rnn, Cell::lstm, Cell::gru};
constexpr Bidirectional all_ways[] = {Bidirectional::no, Bidirectional::concat, Bidirectional::sum};

Cell any_cell() { return GENERATE(from_range(std::begin(all_cells), std::end(all_cells))); }
Bidirectional any_way() { return GENERATE(from_range(std::begin(all_ways), std::end(all_ways))); }

Tensor ids(const std::vector<std::int64_t>& values) { return from_vector(values); }

template <class M>
M wide(M model) {
  model.to(f64);
  return model;
}

bool is_zero(const Tensor& x) { return equal(x, zeros(x.shape(), x.dtype())); }

// The loss after 200 steps on one batch.
template <class Loss>
double learnt(const nn::Module& model, const Loss& loss_of) {
  optim::Adam optimiser(model, {.lr = 0.03});
  double last = 0;
  for (int step = 0; step < 200; ++step) {
    optimiser.zero_grad();
    const Tensor loss = loss_of();
    last = loss.item();
    loss.backward();
    optimiser.step();
  }
  return last;
}

}  // namespace

TEST_CASE("each shape learns one batch by heart", "[model]") {
  const Cell cell = any_cell();
  INFO(name_of(cell));
  const std::vector<data::Ids> sentences = {{3, 1, 4}, {2}, {0, 4, 4, 1}};
  const data::Padded words = data::pad({sentences.begin(), sentences.end()}, 0);
  const Tensor classes = ids({2, 0, 1}),
               tags = tensor({{1, 0, 1, -100}, {2, -100, -100, -100}, {2, 2, 0, 1}}, i64);
  const ReadingOptions reading{
      .cell = cell, .vocabulary = 5, .in = 8, .hidden = 12, .out = 3, .bidirectional = Bidirectional::concat};

  const OneToOne one({.cell = cell, .in = 2, .hidden = 12, .out = 1});
  const Tensor x = tensor({{0, 0}, {0, 1}, {1, 0}, {1, 1}}), parity = tensor({{0}, {1}, {1}, {0}});
  CHECK(learnt(one, [&] { return mse_loss(one(x), parity); }) < 1e-3);
  const ManyToOne classifier(reading);
  CHECK(learnt(classifier, [&] { return cross_entropy(classifier(words.ids, words.lengths), classes); }) <
        1e-3);
  const ManyToMany tagger(reading);
  CHECK(learnt(tagger, [&] { return cross_entropy(tagger(words.ids, words.lengths), tags); }) < 1e-3);
  const OneToMany generator(
      {.labels = 3, .lm = {.vocabulary = 5, .cell = cell, .width = 8, .hidden = 12, .layers = 2}});
  CHECK(learnt(generator, [&] { return cross_entropy(generator(classes, words.ids), tags); }) < 1e-3);
}

TEST_CASE("one to one with a plain cell is a net with one hidden layer", "[model]") {
  const OneToOne model = wide(OneToOne({.cell = Cell::rnn, .in = 3, .hidden = 4, .out = 2}));
  const RecurrentWeights& w = std::get<nn::RNN>(model.recurrent.net).weights[0];
  const Tensor x = randn({5, 3}, f64);
  const Tensor hidden = tanh(matmul(x, w.weight_ih.t()) + w.bias_ih + w.bias_hh);
  CHECK(allclose(model(x).detach(), model.head(hidden).detach(), 0, 1e-13));
}

TEST_CASE("many to one reads what each direction knows at its end, of rows of any length", "[model]") {
  const Cell cell = any_cell();
  const Bidirectional way = any_way();
  const ManyToOne model =
      wide(ManyToOne({.cell = cell, .in = 2, .hidden = 3, .out = 2, .layers = 2, .bidirectional = way}));
  const Tensor x = randn({3, 5, 2}, f64);
  const std::vector<std::int64_t> lengths = {5, 1, 3};
  const Tensor y = model(x, ids(lengths)).detach();
  for (std::int64_t row = 0; row < 3; ++row) {
    const std::int64_t length = lengths[static_cast<std::size_t>(row)];
    const Recurrent::Result alone = model.recurrent(x.slice(0, row, row + 1).slice(1, 0, length));
    Tensor last = alone.output[0][-1];
    if (way == Bidirectional::concat)
      last = concat({last.slice(0, 0, 3), alone.output[0][0].slice(0, 3, 6)}, 0);
    if (way == Bidirectional::sum) last = alone.state.h[2][0] + alone.state.h[3][0];
    CHECK(allclose(y[row], model.head(last).detach(), 0, 1e-13));
  }
  CHECK(allclose(model(x).detach()[0], y[0], 0, 1e-13));
}

TEST_CASE("what is read depends on every real step and on no padding", "[model][grad]") {
  const Cell cell = any_cell();
  const Bidirectional way = any_way();
  INFO(name_of(cell));
  const ReadingOptions options{
      .cell = cell, .in = 2, .hidden = 3, .out = 2, .layers = 2, .bidirectional = way};
  const ManyToOne classifier = wide(ManyToOne(options));
  const ManyToMany tagger = wide(ManyToMany(options));
  const std::vector<std::int64_t> sizes = {4, 2};
  const Tensor x = randn({2, 4, 2}, f64).requires_grad_(), lengths = ids(sizes);

  const Tensor y = classifier(x, lengths), tags = tagger(x, lengths);
  const Tensor of_class = grad({sum(y * randn({2, 2}, f64))}, {x})[0];
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t s = 0; s < 4; ++s)
      CHECK(is_zero(of_class[row][s]) == (s >= sizes[static_cast<std::size_t>(row)]));
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t t = 0; t < sizes[static_cast<std::size_t>(row)]; ++t) {
      const Tensor of_tag = grad({sum(tags[row][t] * randn({2}, f64))}, {x}, {}, {.retain_graph = true})[0];
      for (std::int64_t s = 0; s < 4; ++s) {
        INFO("row " << row << ", tag " << t << ", step " << s);
        const bool seen = s < sizes[static_cast<std::size_t>(row)] && (s <= t || way != Bidirectional::no);
        CHECK(is_zero(of_tag[row][s]) == !seen);
        CHECK(is_zero(of_tag[1 - row]));
      }
    }
  CHECK(equal(tags.detach()[1][3], tagger.head.bias.detach()));
}

TEST_CASE("what stands in the padding changes nothing, not even NaN", "[model]") {
  const ReadingOptions options{
      .cell = any_cell(), .in = 2, .hidden = 3, .out = 2, .bidirectional = Bidirectional::concat};
  const ManyToOne classifier(options);
  const ManyToMany tagger(options);
  const Tensor x = randn({2, 4, 2}), other = x.clone(), lengths = ids({4, 2});
  other[1].slice(0, 2, 4).fill_(std::numeric_limits<double>::quiet_NaN());
  CHECK(equal(classifier(x, lengths), classifier(other, lengths)));
  CHECK(equal(tagger(x, lengths), tagger(other, lengths)));
}

TEST_CASE("one to many depends on its row's label and on no later id", "[model][grad]") {
  const Cell cell = any_cell();
  INFO(name_of(cell));
  const OneToMany model = wide(
      OneToMany({.labels = 3, .lm = {.vocabulary = 6, .cell = cell, .width = 3, .hidden = 4, .layers = 2}}));
  const Tensor logits = model(ids({2, 0}), tensor({{2, 5, 3}, {1, 0, 4}}, i64));
  for (std::int64_t t = 0; t < 3; ++t) {
    const std::vector<Tensor> slope =
        grad({sum(logits[0][t] * randn({6}, f64))}, {model.label.weight, model.lm.embedding.weight}, {},
             {.retain_graph = true});
    CHECK(is_zero(slope[0][0]));
    CHECK_FALSE(is_zero(slope[0][2].slice(0, 0, 4)));  // the first layer's state
    CHECK_FALSE(is_zero(slope[0][2].slice(0, 4, 8)));
    const std::vector<std::int64_t> row = {2, 5, 3};
    for (std::int64_t s = 0; s < 3; ++s)
      CHECK(is_zero(slope[1][row[static_cast<std::size_t>(s)]]) == (s > t));
    for (const std::int64_t elsewhere : {1, 0, 4}) CHECK(is_zero(slope[1][elsewhere]));
  }
}

TEST_CASE("a generator writes what its logits say, for each label", "[model]") {
  const Cell cell = any_cell();
  const OneToMany model = wide(
      OneToMany({.labels = 3, .lm = {.vocabulary = 6, .cell = cell, .width = 3, .hidden = 4, .layers = 2}}));
  const Tensor labels = ids({2, 0, 2}), text = tensor({{2, 5, 3}, {1, 0, 4}, {1, 1, 1}}, i64);
  const Tensor whole = model(labels, text).detach();
  const std::unique_ptr<Writer> writer = model.writer(labels);
  CHECK(allclose(writer->next(text.slice(1, 0, 1)), whole.select(1, 0), 0, 1e-13));
  writer->keep_rows(ids({1, 2}));
  const Tensor next = writer->next(ids({0, 1}).unsqueeze(1));
  CHECK(allclose(next, whole.select(1, 1).slice(0, 1, 3), 0, 1e-13));
  CHECK_FALSE(next.requires_grad());
}

TEST_CASE("the shapes have the right gradients", "[model][grad]") {
  const Cell cell = any_cell();
  const OneToOne one = wide(OneToOne({.cell = cell, .in = 2, .hidden = 2, .out = 2}));
  const Tensor point = randn({2, 2}, f64);
  CHECK_THAT(nn::gradcheck(one, [&] { return one(point); }, {{"x", point}}), passes_gradcheck());

  const Bidirectional way = any_way();
  const ReadingOptions reading{.cell = cell, .in = 2, .hidden = 2, .out = 2, .bidirectional = way};
  const Tensor x = randn({2, 3, 2}, f64), lengths = ids({3, 2});
  const ManyToOne classifier = wide(ManyToOne(reading));
  CHECK_THAT(nn::gradcheck(classifier, [&] { return classifier(x, lengths); }, {{"x", x}}),
             passes_gradcheck());
  ReadingOptions of_ids = reading;
  of_ids.vocabulary = 4;
  const ManyToMany tagger = wide(ManyToMany(of_ids));
  const Tensor words = tensor({{3, 0, 3}, {1, 3, 0}}, i64);
  CHECK_THAT(nn::gradcheck(tagger, [&] { return tagger(words, lengths); }), passes_gradcheck());

  const OneToMany generator = wide(
      OneToMany({.labels = 2, .lm = {.vocabulary = 4, .cell = cell, .width = 2, .hidden = 2, .layers = 2}}));
  CHECK_THAT(nn::gradcheck(generator, [&] { return generator(ids({1, 0}), words); }), passes_gradcheck());
}

TEST_CASE("the shapes' dropout takes from the embedding and before the head, in training", "[model]") {
  const ReadingOptions options{
      .cell = Cell::gru, .vocabulary = 4, .in = 8, .hidden = 8, .out = 2, .layers = 2, .dropout = 0.4};
  const Tensor words = tensor({{3, 0, 3}, {1, 3, 0}}, i64);
  ManyToMany tagger(options);
  ManyToOne classifier(options);
  const auto check = [&](auto& model, const auto& part) {
    manual_seed(5);
    const Tensor expected =
        model.head(dropout(part(model.recurrent(dropout((*model.embedding)(words), 0.4))), 0.4));
    manual_seed(5);
    CHECK(equal(model(words), expected));
    model.eval();
    CHECK(equal(model(words), model.head(part(model.recurrent((*model.embedding)(words))))));
  };
  check(tagger, [](const Recurrent::Result& result) { return result.output; });
  check(classifier, [](const Recurrent::Result& result) { return result.state.h[1]; });
}

TEST_CASE("the shapes' clones give the same from weights of their own", "[model]") {
  const ManyToOne classifier({.vocabulary = 4, .in = 3, .hidden = 5, .out = 2});
  const ManyToOne copy = classifier.clone();
  const Tensor words = tensor({{3, 0, 3}}, i64);
  CHECK(equal(classifier(words), copy(words)));
  CHECK_FALSE(classifier.embedding->weight.shares_handle_with(copy.embedding->weight));
  const OneToMany generator({.labels = 2, .lm = {.vocabulary = 4, .width = 3, .hidden = 3, .tied = true}});
  const OneToMany again = generator.clone();
  CHECK(equal(generator(ids({1}), words), again(ids({1}), words)));
  CHECK(again.lm.embedding.weight.shares_handle_with(again.lm.head.weight));
}

TEST_CASE("the shapes say what does not fit", "[model][error]") {
  CHECK(message_of([] { ManyToOne({.vocabulary = -1, .in = 2, .hidden = 3, .out = 1}); }) ==
        "[recurrent_shapes] vocabulary is how many ids there are, not -1. 0 for sequences of vectors?");
  CHECK(message_of([] { ManyToMany({.in = 2, .hidden = 3, .out = 0}); }) ==
        "[linear] needs sizes above 0; got in 3 and out 0. Say both, as in Linear({.in = 64, .out = 10})?");
  const ManyToOne of_ids({.vocabulary = 4, .in = 2, .hidden = 3, .out = 1});
  CHECK(message_of([&] {
          of_ids(ids({1, 2}));
        }) == "[recurrent_shapes] ids must be (B, T), not (2,). Unsqueeze an axis?");
  const ManyToMany of_vectors({.in = 2, .hidden = 3, .out = 1});
  CHECK(message_of([&] {
          of_vectors(zeros({1, 3}));
        }) == "[lstm] x must be (B, T, in), batch first, with in = 2, not (1, 3). Embed or transpose it?");
  const OneToOne one({.in = 2, .hidden = 3, .out = 1});
  CHECK(message_of([&] {
          one(zeros({1, 4, 2}));
        }) == "[recurrent_shapes] x must be (B, in), not (1, 4, 2). ManyToOne reads sequences?");
  const OneToMany generator({.labels = 2, .lm = {.vocabulary = 4}});
  CHECK(message_of([&] {
          generator.writer(zeros({1, 2}, i64));
        }) == "[recurrent_shapes] labels must be (B,), not (1, 2). Flatten them?");
  CHECK_THROWS_AS(generator.writer(ids({2})), Error);
  CHECK_THROWS_AS(generator(ids({1}), zeros({2, 3}, i64)), Error);
}
