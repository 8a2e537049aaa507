// Encoders and decoders: two ways to the same logits, the laws of what may depend on what, choices of its own
// in training. By numbers: tests/parity.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/models/seq2seq.h>
#include <gradus/nn/gradcheck.h>

#include "support/catch.h"
#include "support/pairs.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using data::Ids;
constexpr auto concat_both = nn::Bidirectional::concat;

Cell any_cell() { return GENERATE(Cell::rnn, Cell::lstm, Cell::gru); }
Context any_context() { return GENERATE(Context::start, Context::fixed, Context::attention); }

Seq2Seq tiny(Cell cell, Context context, std::int64_t layers = 1,
             nn::Bidirectional both = nn::Bidirectional::no, double dropout = 0) {
  manual_seed(3);
  Seq2Seq model({.source_vocabulary = 12,
                 .target_vocabulary = 12,
                 .padding = 0,
                 .cell = cell,
                 .context = context,
                 .width = 3,
                 .hidden = 4,
                 .layers = layers,
                 .bidirectional = both,
                 .dropout = dropout});
  model.to(f64);
  return model;
}

const std::vector<Ids> sources = {{3, 4, 5, 6}, {7, 8}, {9, 10, 11}};
const Tensor input = tensor({{1, 3, 4, 5}, {1, 6, 7, 8}, {1, 9, 10, 11}}, i64);

// The logits of each step of ids, one call after the other.
Tensor step_by_step(Writer& writer, const Tensor& ids) {
  std::vector<Tensor> logits;
  for (std::int64_t t = 0; t < ids.size(1); ++t) logits.push_back(writer.next(ids.slice(1, t, t + 1)));
  return stack(logits, 1);
}

bool is_zero(const Tensor& x) { return equal(x, zeros_like(x)); }

}  // namespace

TEST_CASE("a decoder that is told all at once gives what it gives step by step", "[model]") {
  const Seq2Seq model =
      tiny(any_cell(), any_context(), 2, GENERATE(nn::Bidirectional::no, nn::Bidirectional::concat));
  const auto writer = model.writer(padded(sources));
  CHECK(allclose(model(padded(sources), input).detach(), step_by_step(*writer, input), 1e-12, 1e-12));
}

TEST_CASE("the weights are those of the same logits, and none falls on padding", "[model]") {
  const Seq2Seq model = tiny(any_cell(), Context::attention, 2, concat_both);
  const Seq2Seq::Attended seen = model.with_weights(padded(sources), input);
  CHECK(equal(seen.logits, model(padded(sources), input)));
  CHECK(seen.weights.shape() == Shape{3, 4, 4});
  CHECK(allclose(sum(seen.weights, -1).detach(), ones({3, 4}, f64)));
  CHECK(is_zero(seen.weights[1].slice(1, 2, 4)));
  CHECK(is_zero(seen.weights[2].slice(1, 3, 4)));
}

TEST_CASE("a sentence is translated as if it were alone, however long its neighbours are", "[model]") {
  const Seq2Seq model =
      tiny(any_cell(), any_context(), 2, GENERATE(nn::Bidirectional::sum, nn::Bidirectional::concat));
  const Tensor together = model(padded(sources), input);
  for (std::size_t row = 0; row < sources.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    const Tensor alone = model(padded({sources[row]}), input.slice(0, at, at + 1));
    CHECK(allclose(together.slice(0, at, at + 1).detach(), alone.detach(), 1e-12, 1e-12));
  }
}

TEST_CASE("no logits depend on a later target, on padding or on another row", "[model][grad]") {
  Seq2Seq model =
      tiny(any_cell(), any_context(), 2, GENERATE(nn::Bidirectional::no, nn::Bidirectional::concat));
  check_logits_depend_on_no_later_target_padding_or_row(model);
}

TEST_CASE("the whole model has the right gradients", "[model][grad]") {
  const Seq2Seq model =
      tiny(any_cell(), any_context(), 1, GENERATE(nn::Bidirectional::sum, nn::Bidirectional::concat));
  const data::Padded source = padded({{3, 4, 5}, {7, 8}});
  const Tensor told = tensor({{1, 3, 4}, {1, 6, 0}}, i64), target = tensor({{3, 4, 2}, {6, 2, -100}}, i64);
  CHECK_THAT(nn::gradcheck(model, [&] { return cross_entropy(model(source, told), target); }),
             passes_gradcheck());
}

TEST_CASE("it learns one batch by heart, and writes it", "[model]") {
  const Context context = any_context();
  const Cell cell = GENERATE(Cell::gru, Cell::lstm);
  manual_seed(1);
  Seq2Seq model({.source_vocabulary = 8,
                 .target_vocabulary = 8,
                 .padding = 0,
                 .cell = cell,
                 .context = context,
                 .width = 8,
                 .hidden = 24,
                 .bidirectional = concat_both});
  check_learns_by_heart(model, 0.03);
}

TEST_CASE("a teacher that never speaks leaves the decoder with its own choices", "[model]") {
  const Seq2Seq model = tiny(any_cell(), any_context());
  const data::Padded source = padded(sources);
  const auto writer = model.writer(source);
  std::vector<Tensor> logits{writer->next(input.slice(1, 0, 1))};
  while (logits.size() < 4) logits.push_back(writer->next(argmax(logits.back(), -1).unsqueeze(1)));
  CHECK(allclose(model(source, input, 0).detach(), stack(logits, 1), 1e-12, 1e-12));
}

TEST_CASE("the teacher speaks as often as it is told to, and always outside of training", "[model]") {
  Seq2Seq model = tiny(Cell::gru, Context::attention);
  const std::int64_t rows = 400;
  const data::Padded source{.ids = tensor({{3, 4}}, i64).expand({rows, 2}), .mask = {}, .lengths = {}};
  const Tensor first = tensor({{1}}, i64).expand({rows, 1});
  const std::int64_t own = argmax(model(source, first)[0][0]).item() == 5 ? 1 : 0;
  REQUIRE(own == 0);  // what it would say itself is not what the teacher says: 5
  const Tensor told = concat({first, full({rows, 1}, 5, i64)}, 1);
  const Tensor by_teacher = model(source, told), by_itself = model(source, told, 0);
  std::int64_t spoken = 0;
  const Tensor mixed = model(source, told, 0.7);
  for (std::int64_t row = 0; row < rows; ++row) {
    const bool teacher = equal(mixed[row], by_teacher[row]);
    CHECK(teacher != equal(mixed[row], by_itself[row]));
    spoken += teacher;
  }
  CHECK(std::abs(static_cast<double>(spoken) - 280) < 4 * std::sqrt(400 * 0.7 * 0.3));
  model.eval();
  CHECK(equal(model(source, told, 0), by_teacher));
}

TEST_CASE("a writer's rows can be forked, dropped and put in another order", "[model]") {
  const Seq2Seq model = tiny(any_cell(), any_context(), 2);
  const auto forked = model.writer(padded(sources));
  forked->next(tensor({{1}, {1}, {1}}, i64));
  forked->next(tensor({{3}, {4}, {5}}, i64));
  forked->keep_rows(tensor({2, 0, 2}, i64));
  const Tensor got = forked->next(tensor({{6}, {7}, {8}}, i64));

  const auto expected = model.writer(padded({sources[2], sources[0], sources[2]}));
  expected->next(tensor({{1}, {1}, {1}}, i64));
  expected->next(tensor({{5}, {3}, {5}}, i64));
  CHECK(allclose(got, expected->next(tensor({{6}, {7}, {8}}, i64)), 1e-12, 1e-12));
  CHECK_FALSE(got.requires_grad());
}

TEST_CASE("dropout acts in training alone", "[model]") {
  Seq2Seq model = tiny(any_cell(), any_context(), 2, nn::Bidirectional::no, 0.5);
  const data::Padded source = padded(sources);
  CHECK_FALSE(equal(model(source, input), model(source, input)));
  model.eval();
  CHECK(equal(model(source, input), model(source, input)));
}

TEST_CASE("a training step has the same bits at one thread and at two", "[model]") {
  const Context context = any_context();
  const auto gradients = [&](int count) {
    const int before = threads();
    set_threads(count);
    manual_seed(2);
    const Seq2Seq model({.source_vocabulary = 50,
                         .target_vocabulary = 50,
                         .padding = 0,
                         .context = context,
                         .width = 64,
                         .hidden = 96,
                         .bidirectional = concat_both,
                         .dropout = 0.1});
    const data::Padded source{.ids = randint(1, 50, {32, 9}), .mask = {}, .lengths = {}};
    cross_entropy(model(source, randint(1, 50, {32, 7}), 0.5), randint(1, 50, {32, 7})).backward();
    set_threads(before);
    std::vector<Tensor> all;
    for (const NamedTensor& parameter : model.parameters()) all.push_back(parameter.value.grad());
    return all;
  };
  const auto one = gradients(1), two = gradients(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], two[i]));
}

TEST_CASE("a clone says the same and has weights of its own", "[model]") {
  Seq2Seq model = tiny(any_cell(), any_context(), 2, concat_both);
  const Seq2Seq copy = model.clone();
  const data::Padded source = padded(sources);
  const Tensor before = copy(source, input);
  CHECK(equal(before, model(source, input)));
  for (const NamedTensor& parameter : model.parameters()) parameter.value.detach().zero_();
  CHECK(equal(copy(source, input), before));
}

TEST_CASE("Seq2Seq refuses what does not fit", "[model][error]") {
  const auto with = [](auto change) {
    Seq2Seq::Options options{.source_vocabulary = 5, .target_vocabulary = 6, .padding = 0, .hidden = 8};
    change(options);
    return message_of([&] { const Seq2Seq model(options); });
  };
  CHECK(with([](auto& o) { o.score = nn::Score::dot, o.bidirectional = concat_both; }) ==
        "[seq2seq] dot and scaled scores need states of one width; the encoder's two directions beside each "
        "other make 16, and the decoder's are 8. Bidirectional::sum, or Score::general, which has a matrix "
        "between them?");
  CHECK(with([](auto& o) { o.padding = 5; }) ==
        "[seq2seq] the padding id 5 is not in both vocabularies, of 5 and 6 tokens. An id that both have?");
  CHECK(with([](auto& o) { o.dropout = 20; }) ==
        "[seq2seq] dropout is a probability between 0 and 1, not 20. Divide a percentage by 100?");
  const Seq2Seq model = tiny(Cell::gru, Context::fixed);
  const data::Padded source = padded(sources);
  for (const double teacher : {1.5, -0.1, std::nan("")})
    CHECK(message_of([&] { model(source, input, teacher); }).find("[seq2seq] teacher is a probability") == 0);
  CHECK(message_of([&] { model(source, input[0]); }) ==
        "[seq2seq] the input must be ids (3, T), a row for each source and T at least 1, not of shape (4,). "
        "Batch first?");
  CHECK(message_of([&] { model.with_weights(source, input); }) ==
        "[seq2seq] has no weights to show without attention. Context::attention?");
}
