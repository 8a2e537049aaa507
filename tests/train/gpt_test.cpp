// What small GPTs learn: to sort, to add, and to learn from their context.
//
// A task is written as one text, "2 0 1 1 0 2 0 0 1 1 2 2", of which only the answer is asked. Adam; the rate
// rises and then falls along a cosine; gradients are clipped to a norm of 1.
#include <cmath>
#include <iostream>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/io/safetensors.h>
#include <gradus/core/random.h>
#include <gradus/data/probes.h>
#include <gradus/models/gpt.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>

#include "support/catch.h"
#include "support/hash.h"

using namespace gradus;
using data::Ids;
using data::Split;
using models::Gpt;

namespace {

struct Batch {
  Tensor input, target;  // (B, T)
};

template <class Lines>
Batch batch_of(std::int64_t count, const Lines& lines) {
  Ids input, target;
  for (std::int64_t i = 0; i < count; ++i) {
    const data::Example line = lines(i);
    input.insert(input.end(), line.input.begin(), line.input.end());
    target.insert(target.end(), line.target.begin(), line.target.end());
  }
  return {from_vector(input).reshape({count, -1}), from_vector(target).reshape({count, -1})};
}

// Input and target one behind the other, less the last; asked is each token of the target.
data::Example as_text(const data::Example& example) {
  data::Example text = example;
  text.input.insert(text.input.end(), example.target.begin(), example.target.end() - 1);
  text.target.insert(text.target.begin(), example.input.size() - 1, data::ignore_index);
  return text;
}

struct Training {
  std::int64_t steps, warmup, batch_size;
  double lr;
};

template <class Line>
void learn(Gpt& model, const Training& t, const Line& line) {
  optim::Adam optimiser(model, {});
  std::int64_t seen = 0;
  const auto next_loss = [&] {
    const Batch batch = batch_of(t.batch_size, [&](std::int64_t i) { return line(seen + i); });
    seen += t.batch_size;
    return cross_entropy(model(batch.input).flatten(0, 1), batch.target.flatten());
  };
  optim::fit(model, optimiser, next_loss,
             {.steps = t.steps,
              .schedule = optim::Cosine{.lr = t.lr, .steps = t.steps, .warmup = t.warmup},
              .clip_norm = 1.0,
              .progress = false});
}

// How many of the held-out examples are answered without a mistake, each token after the last.
std::int64_t right_answers(const Gpt& model, const data::Probe& probe, std::uint64_t seed,
                           std::int64_t count) {
  const Batch asked =
      batch_of(count, [&](std::int64_t i) { return probe.example(seed, i, Split::held_out); });
  const auto writer = model.writer();
  Tensor last = asked.input, right = ones({count}, boolean);
  for (std::int64_t t = 0; t < asked.target.size(1); ++t) {
    last = argmax(writer->next(last), -1).unsqueeze(1);
    right = logical_and(right, last.squeeze(1) == asked.target.select(1, t));
  }
  return static_cast<std::int64_t>(sum(right.to(f64)).item());
}

// What is in the model's weights, to the last bit.
std::uint64_t hash_of(const Gpt& model) {
  test::Hash hash;
  hash.add(format_safetensors(model.state()));
  return hash.value();
}

// How often the likeliest token behind the key of each shot is the value that follows it.
std::vector<double> right_by_shot(const Gpt& model, const data::Probe& probe, std::uint64_t seed,
                                  std::int64_t shots) {
  constexpr std::int64_t count = 2000;
  const Tensor text =
      batch_of(count, [&](std::int64_t i) { return probe.example(seed, i, Split::held_out); }).input;
  const Tensor likeliest = no_grad([&] { return argmax(model(text), -1); });
  std::vector<double> right;
  for (std::int64_t s = 0; s < shots; ++s)
    right.push_back(mean((likeliest.select(1, 2 * s) == text.select(1, 2 * s + 1)).to(f64)).item());
  return right;
}

}  // namespace

TEST_CASE("a GPT of 3 layers sorts 6 digits of 3, all that it is asked", "[train][gpt_sorting]") {
  const data::Probe probe = data::sorting(6, 3);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    manual_seed(seed);
    Gpt model({.vocabulary = 3, .context = 11, .width = 48, .layers = 3, .heads = 3});
    learn(model, {.steps = 2000, .warmup = 100, .batch_size = 64, .lr = 1e-3},
          [&](std::int64_t i) { return as_text(probe.example(seed, i, Split::train)); });
    const std::int64_t right = right_answers(model, probe, 1000 + seed, 5000);
    std::cout << "sorting, seed " << seed << ": " << right << " of 5000" << std::endl;
    CHECK(right == 5000);
  }
}

TEST_CASE("a GPT of 3 layers adds numbers of 2 digits", "[train][gpt_addition]") {
  const data::Probe probe = data::addition(2);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    manual_seed(seed);
    Gpt model({.vocabulary = 12, .context = 8, .width = 64, .layers = 3, .heads = 4});
    learn(model, {.steps = 5000, .warmup = 250, .batch_size = 64, .lr = 2e-3},
          [&](std::int64_t i) { return as_text(probe.example(seed, i, Split::train)); });
    const std::int64_t right = right_answers(model, probe, 1000 + seed, 2000);
    std::cout << "addition, seed " << seed << ": " << right << " of 2000" << std::endl;
    CHECK(right >= 1980);
  }
}

TEST_CASE(
    "a GPT learns a mapping from its context, the better the more of it was shown, without a change "
    "of its weights",
    "[train][gpt_in_context]") {
  // To look up a key takes two layers, of which neither helps without the other: a net that begins with GPT's
  // 0.02, which is for wider ones, or whose rate rises quickly, may settle for any value that has come at
  // all.
  constexpr std::int64_t keys = 4, values = 8, shots = 16, width = 32;
  const data::Probe probe = data::random_mapping(keys, values, shots);
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    manual_seed(seed);
    Gpt model({.vocabulary = keys + values,
               .context = 2 * shots,
               .width = width,
               .layers = 2,
               .heads = 2,
               .position = nn::Position::rotary});
    nn::normal_weights(model, 1 / std::sqrt(static_cast<double>(width)));
    learn(model, {.steps = 4000, .warmup = 1000, .batch_size = 16, .lr = 2e-3},
          [&](std::int64_t i) { return probe.example(seed, i, Split::train); });
    const std::uint64_t before = hash_of(model);
    const std::vector<double> right = right_by_shot(model, probe, 1000 + seed, shots);
    CHECK(hash_of(model) == before);
    std::cout << "in context, seed " << seed << ", by shots:";
    for (const double r : right) std::cout << " " << r;
    std::cout << std::endl;
    // A key that has not come yet can only be guessed. Of n others none was this key in (1 - 1/keys)^n.
    double unseen = 1;
    for (const double r : right) {
      CHECK(std::abs(r - (1 - unseen + unseen / values)) < 0.05);
      unseen *= 1 - 1.0 / keys;
    }
    CHECK(right[3] > right[0] + 0.3);
    CHECK(right[15] > right[3] + 0.2);
  }
}
