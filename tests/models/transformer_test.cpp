// The Transformer: what may depend on what, decoding with and without what is kept, learning. By numbers:
// tests/parity.
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/data/random.h>
#include <gradus/models/sampling.h>
#include <gradus/models/transformer.h>
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
using nn::NormPlace;
using nn::Position;

Transformer::Options options_of(NormPlace norm, Shared shared = Shared::target,
                                Position position = Position::sinusoidal) {
  return {.source_vocabulary = 12,
          .target_vocabulary = 12,
          .padding = 0,
          .width = 8,
          .heads = 2,
          .hidden = 6,
          .encoder_layers = 2,
          .decoder_layers = 2,
          .activation = nn::Activation::gelu,
          .norm = norm,
          .position = position,
          .max_length = 20,
          .shared = shared};
}

// In f64, its biases at work, and logits that differ by more than they do at first.
Transformer tiny(const Transformer::Options& options) {
  manual_seed(3);
  Transformer model(options);
  model.to(f64);
  for (const NamedTensor& parameter : model.parameters()) {
    const Tensor& x = parameter.value;
    if (x.rank() == 1) x.detach().add_(randn(x.shape(), f64) * 0.3);
    if (parameter.name.ends_with("embedding.weight")) x.detach().mul_(2);
  }
  return model;
}

NormPlace any_norm() { return GENERATE(NormPlace::pre, NormPlace::post); }

const std::vector<Ids> sources = {{3, 4, 5, 6}, {7, 8}, {9, 10, 11}};
const Tensor input = tensor({{1, 3, 4, 5}, {1, 6, 7, 8}, {1, 9, 10, 11}}, i64);

bool is_zero(const Tensor& x) { return equal(x, zeros_like(x)); }
bool close(const Tensor& a, const Tensor& b) { return allclose(a.detach(), b.detach(), 1e-12, 1e-12); }

// Keeps nothing: reads each row's source and all that was written anew for each token.
class Forgetful final : public Writer {
 public:
  Forgetful(const Transformer& model, const std::vector<Ids>& read)
      : model_(model), sources_(read), written_(read.size()) {}
  Tensor next(const Tensor& ids) override {
    const GradMode off(false);
    std::vector<Tensor> rows;
    for (std::size_t row = 0; row < written_.size(); ++row) {
      for (const std::int64_t id : ids[static_cast<std::int64_t>(row)].to_vector<std::int64_t>())
        written_[row].push_back(id);
      rows.push_back(model_(padded({sources_[row]}), from_vector(written_[row]).unsqueeze(0)).select(1, -1));
    }
    return concat(rows, 0);
  }
  void keep_rows(const Tensor& rows) override {
    std::vector<Ids> read, written;
    for (const std::int64_t row : rows.to_vector<std::int64_t>()) {
      read.push_back(sources_[static_cast<std::size_t>(row)]);
      written.push_back(written_[static_cast<std::size_t>(row)]);
    }
    sources_ = read;
    written_ = written;
  }

 private:
  const Transformer& model_;
  std::vector<Ids> sources_, written_;
};

// Rows go on by chance, each token drawn from the model's distribution.
std::vector<Ids> sampled(Writer& writer, std::int64_t rows, std::int64_t count) {
  data::Random random(7, {1});
  std::vector<Ids> all(static_cast<std::size_t>(rows));
  Ids last(all.size(), decoder_ids.begin);
  for (std::int64_t n = 0; n < count; ++n) {
    const Tensor logits = writer.next(from_vector(last).unsqueeze(1));
    for (std::size_t row = 0; row < all.size(); ++row) {
      const auto p =
          distribution(logits[static_cast<std::int64_t>(row)], {.temperature = 1.5, .top_k = 8}, {});
      last[row] = static_cast<std::int64_t>(random.weighted(p));
      all[row].push_back(last[row]);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a Transformer that keeps what it has written says what one says that reads all anew", "[model]") {
  const auto position =
      GENERATE(Position::sinusoidal, Position::learned, Position::rotary, Position::none, Position::index);
  Transformer model = tiny(options_of(any_norm(), Shared::target, position));
  model.eval();
  const auto writer = model.writer(padded(sources));
  std::vector<Tensor> steps;
  for (std::int64_t t = 0; t < 4; ++t) steps.push_back(writer->next(input.slice(1, t, t + 1)));
  CHECK(close(stack(steps, 1), model(padded(sources), input)));
  CHECK_FALSE(steps[0].requires_grad());

  const auto in_pieces = model.writer(padded(sources));
  const Tensor third = in_pieces->next(input.slice(1, 0, 3)), fourth = in_pieces->next(input.slice(1, 3, 4));
  CHECK(close(third, steps[2]));
  CHECK(close(fourth, steps[3]));
}

TEST_CASE("greedy, beam and sampled tokens are the same with keys and values kept as without", "[model]") {
  const auto position = GENERATE(Position::sinusoidal, Position::rotary);
  Transformer model = tiny(options_of(any_norm(), Shared::none, position));
  model.eval();
  const DecodeOptions how{.begin = 1, .end = 2, .max_length = 12};
  Forgetful forgetful(model, sources);
  const auto written = greedy(*model.writer(padded(sources)), 3, how);
  CHECK(written == greedy(forgetful, 3, how));
  CHECK(std::any_of(written.begin(), written.end(), [](const Ids& ids) { return ids.size() > 3; }));

  Forgetful again(model, sources);
  const BeamOptions beam{.decode = how, .width = 4};
  const auto ours = beam_search(*model.writer(padded(sources)), 3, beam),
             theirs = beam_search(again, 3, beam);
  for (std::size_t row = 0; row < 3; ++row) {
    REQUIRE(ours[row].size() == theirs[row].size());
    for (std::size_t k = 0; k < ours[row].size(); ++k) {
      CHECK(ours[row][k].ids == theirs[row][k].ids);
      CHECK(ours[row][k].log_probability == Approx(theirs[row][k].log_probability).epsilon(1e-11));
    }
  }
  Forgetful by_chance(model, sources);
  const auto drawn = sampled(*model.writer(padded(sources)), 3, 10);
  CHECK(drawn == sampled(by_chance, 3, 10));
  CHECK(std::set<Ids>(drawn.begin(), drawn.end()).size() == 3);
}

TEST_CASE("rows of a Transformer that writes fork, drop and change places", "[model]") {
  Transformer model = tiny(options_of(any_norm()));
  const auto forked = model.writer(padded(sources));
  forked->next(tensor({{1, 3}, {1, 4}, {1, 5}}, i64));
  forked->keep_rows(tensor({2, 0, 2, 1}, i64));
  const Tensor more = tensor({{6}, {7}, {8}, {9}}, i64);
  const Tensor whole = tensor({{1, 5, 6}, {1, 3, 7}, {1, 5, 8}, {1, 4, 9}}, i64);
  const data::Padded chosen = padded({sources[2], sources[0], sources[2], sources[1]});
  CHECK(close(forked->next(more), model(chosen, whole).select(1, -1)));
}

TEST_CASE("the weights are those of the same logits; none is on padding or on what comes later", "[model]") {
  const Transformer model = tiny(options_of(any_norm()));
  const Transformer::Attended seen = model.with_weights(padded(sources), input);
  CHECK(close(seen.logits, model(padded(sources), input)));
  REQUIRE(seen.encoder.size() == 2);
  REQUIRE(seen.decoder.size() == 2);
  REQUIRE(seen.cross.size() == 2);
  for (const auto* layers : {&seen.encoder, &seen.decoder, &seen.cross})
    for (const Tensor& weights : *layers) {
      CHECK(weights.shape() == Shape{3, 2, 4, 4});
      CHECK(close(sum(weights, -1), ones({3, 2, 4}, f64)));
    }
  for (std::size_t layer = 0; layer < 2; ++layer) {
    for (const Tensor& weights : {seen.encoder[layer], seen.cross[layer]}) {
      CHECK(is_zero(weights[1].slice(2, 2, 4)));
      CHECK(is_zero(weights[2].slice(2, 3, 4)));
    }
    for (std::int64_t t = 0; t < 4; ++t) CHECK(is_zero(seen.decoder[layer].select(2, t).slice(2, t + 1, 4)));
  }
}

TEST_CASE("a Transformer translates a sentence as if it were alone, however long its neighbours are",
          "[model]") {
  const Transformer model = tiny(options_of(any_norm()));
  const Tensor together = model(padded(sources), input);
  for (std::size_t row = 0; row < sources.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    CHECK(close(together.slice(0, at, at + 1), model(padded({sources[row]}), input.slice(0, at, at + 1))));
  }
}

TEST_CASE("a Transformer's logits depend on no later target, on no padding and on no other row",
          "[model][grad]") {
  const auto position = GENERATE(Position::sinusoidal, Position::rotary);
  Transformer model = tiny(options_of(any_norm(), Shared::none, position));
  check_logits_depend_on_no_later_target_padding_or_row(model);
}

TEST_CASE("a whole Transformer has the right gradients", "[model][grad]") {
  Transformer::Options options =
      options_of(any_norm(), GENERATE(Shared::none, Shared::target, Shared::all), Position::learned);
  options.source_vocabulary = options.target_vocabulary = 6;
  options.width = 4;
  options.hidden = 3;
  options.encoder_layers = options.decoder_layers = 1;
  options.max_length = 4;
  options.dropout = 0.1;
  const Transformer model = tiny(options);
  const data::Padded source = padded({{3, 4, 5}, {5, 3}});
  const Tensor told = tensor({{1, 3, 4}, {1, 5, 0}}, i64), target = tensor({{3, 4, 2}, {5, 2, -100}}, i64);
  CHECK_THAT(nn::gradcheck(
                 model, [&] { return cross_entropy(model(source, told), target, {.label_smoothing = 0.1}); }),
             passes_gradcheck());
}

TEST_CASE("a Transformer learns one batch by heart, and writes it", "[model]") {
  const auto norm = any_norm();
  const auto position = GENERATE(Position::sinusoidal, Position::rotary);
  manual_seed(1);
  Transformer model({.source_vocabulary = 8,
                     .target_vocabulary = 8,
                     .padding = 0,
                     .width = 16,
                     .heads = 2,
                     .hidden = 32,
                     .encoder_layers = 1,
                     .decoder_layers = 2,
                     .norm = norm,
                     .position = position});
  check_learns_by_heart(model, 0.01);
}

// What is told to spread a tenth of its belief cannot do better than that, and does it.
TEST_CASE("labels that are smoothed are learned as smooth as they are", "[model]") {
  manual_seed(1);
  Transformer model({.source_vocabulary = 5,
                     .target_vocabulary = 5,
                     .padding = 0,
                     .width = 16,
                     .heads = 2,
                     .hidden = 32,
                     .encoder_layers = 1,
                     .decoder_layers = 1});
  const data::Padded source = padded({{3, 4}, {4, 3}});
  const data::Shifted target = shifted({{4, 3}, {3, 4}});
  optim::Adam optimiser(model.parameters(), {.lr = 0.003});
  const double smooth = 0.1, right = 1 - smooth + smooth / 5, other = smooth / 5;
  const double floor = -right * std::log(right) - 4 * other * std::log(other);
  double loss = 1;
  for (int step = 0; step < 500 && loss >= floor + 1e-3; ++step) {
    const Tensor now = cross_entropy(model(source, target.input), target.target, {.label_smoothing = smooth});
    loss = now.item();
    CHECK(loss > floor - 1e-6);
    now.backward();
    optimiser.step();
    optimiser.zero_grad();
  }
  CHECK(loss < floor + 1e-3);
}

TEST_CASE("a matrix that is shared is one, also in a clone and in another dtype", "[model]") {
  const auto count = [](Shared shared) {
    return Transformer(options_of(NormPlace::pre, shared)).parameter_count();
  };
  CHECK(count(Shared::none) - count(Shared::target) == 12 * 8);
  CHECK(count(Shared::target) - count(Shared::all) == 12 * 8);
  const Transformer model = tiny(options_of(any_norm(), GENERATE(Shared::none, Shared::target, Shared::all)));
  const Transformer copy = model.clone();
  CHECK(copy.parameter_count() == model.parameter_count());
  const Tensor before = copy(padded(sources), input);
  CHECK(equal(before, model(padded(sources), input)));
  for (const NamedTensor& parameter : model.parameters()) parameter.value.detach().zero_();
  CHECK(equal(copy(padded(sources), input), before));
}

// 8 Ve + 8 Vd + layers of 4 d^2 + 4 d (an attention), 2 d h + d + h, and 2 d for a norm
TEST_CASE("a Transformer has the weights that its formula has", "[model]") {
  const std::int64_t d = 8, h = 6, attention = 4 * d * d + 4 * d, forward = 2 * d * h + d + h, norm = 2 * d;
  const std::int64_t layers = 2 * (attention + forward + 2 * norm) + 2 * (2 * attention + forward + 3 * norm);
  CHECK(Transformer(options_of(NormPlace::post)).parameter_count() == 2 * 12 * d + layers);
  CHECK(Transformer(options_of(NormPlace::pre)).parameter_count() == 2 * 12 * d + layers + 2 * norm);
}

TEST_CASE("what enters the layers has deviation 1, and so have the first logits", "[model]") {
  manual_seed(4);
  const Transformer model(
      {.source_vocabulary = 500, .target_vocabulary = 500, .padding = 0, .position = Position::none});
  const Tensor embedded =
      model.source_embedding(arange(500, i64).slice(0, 1, 500)).detach() * std::sqrt(128.0);
  CHECK(std::sqrt(mean(square(embedded)).item()) == Approx(1).margin(0.02));
  const Tensor logits = no_grad([&] { return model(padded({{3, 4, 5}}), tensor({{1, 3}}, i64)); });
  CHECK(std::sqrt(mean(square(logits)).item()) == Approx(1).margin(0.15));
}

TEST_CASE("a Transformer drops out in training alone", "[model]") {
  Transformer::Options options = options_of(any_norm());
  options.dropout = 0.5;
  Transformer model = tiny(options);
  CHECK_FALSE(equal(model(padded(sources), input), model(padded(sources), input)));
  model.eval();
  CHECK(equal(model(padded(sources), input), model(padded(sources), input)));
  options.dropout = 1;  // embeddings too: nothing of the ids is left
  const Transformer blind = tiny(options);
  CHECK(
      equal(blind(padded({{3, 4}}), tensor({{1, 3}}, i64)), blind(padded({{5, 6}}), tensor({{7, 8}}, i64))));
}

TEST_CASE("a Transformer's training step has the same bits at one thread and at two", "[model]") {
  const auto gradients = [&](int count) {
    const int before = threads();
    set_threads(count);
    manual_seed(2);
    const Transformer model({.source_vocabulary = 50,
                             .target_vocabulary = 50,
                             .padding = 0,
                             .width = 64,
                             .hidden = 128,
                             .encoder_layers = 1,
                             .decoder_layers = 1,
                             .dropout = 0.1});
    const data::Padded source{.ids = randint(1, 50, {32, 9}), .mask = {}, .lengths = {}};
    cross_entropy(model(source, randint(1, 50, {32, 7})), randint(1, 50, {32, 7})).backward();
    set_threads(before);
    std::vector<Tensor> all;
    for (const NamedTensor& parameter : model.parameters()) all.push_back(parameter.value.grad());
    return all;
  };
  const auto one = gradients(1), two = gradients(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], two[i]));
}

TEST_CASE("a Transformer refuses what does not fit", "[model][error]") {
  const auto with = [](auto change) {
    Transformer::Options options = options_of(NormPlace::pre);
    change(options);
    return message_of([&] { const Transformer model(options); });
  };
  CHECK(with([](auto& o) { o.padding = 12; }) ==
        "[transformer] the padding id 12 is not in both vocabularies, of 12 and 12 tokens. An id that both "
        "have?");
  CHECK(with([](auto& o) { o.shared = Shared::all, o.target_vocabulary = 13; }) ==
        "[transformer] one matrix for all needs one vocabulary, not 12 and 13 tokens. Shared::target?");
  CHECK(with([](auto& o) { o.decoder_layers = 0; }) ==
        "[transformer] needs layers on both sides; got encoder_layers 2 and decoder_layers 0. 3 of each?");
  CHECK(with([](auto& o) { o.width = 10, o.heads = 4; }) ==
        "[multi_head_attention] a width of 10 cannot be shared by 4 heads. A multiple of the heads?");
  const Transformer model = tiny(options_of(NormPlace::pre));
  const data::Padded source = padded(sources);
  CHECK(message_of([&] { model(source, input[0]); }) ==
        "[transformer] the input must be ids (3, T), a row for each source and T at least 1, not of shape "
        "(4,). Batch first?");
  CHECK(message_of([&] { model.encode({.ids = input[0], .mask = {}, .lengths = {}}); }) ==
        "[transformer] the source must be ids (B, S), not of shape (4,). Unsqueeze the axis of a single "
        "sentence?");
  const std::string too_long =
      "[transformer] a sequence of 21 tokens is longer than max_length 20. Cut it, or make the model with a "
      "max_length of 21?";
  CHECK(message_of([&] { model.encode(padded({Ids(21, 3)})); }) == too_long);
  const auto writer = model.writer(source);
  writer->next(full({3, 19}, 4, i64));
  const Tensor last = full({3, 1}, 5, i64);
  CHECK(message_of([&] { writer->next(full({3, 2}, 5, i64)); }) == too_long);
  CHECK(close(writer->next(last), model(source, concat({full({3, 19}, 4, i64), last}, 1)).select(1, -1)));
  CHECK(message_of([&] { writer->next(last); }) == too_long);
  CHECK(message_of(
            [&] { tiny(options_of(NormPlace::pre, Shared::none, Position::normalised)).writer(source); }) ==
        "[transformer] what was written is kept, and normalised positions change with each token. Other "
        "positions?");
}
