// BERT: what may depend on what, two ways to the same loss, counts of the published sizes. By numbers:
// tests/parity.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/core/parallel.h>
#include <gradus/models/bert.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

constexpr std::int64_t ignored = data::ignore_index;
constexpr BertConfig small{
    .vocabulary = 12, .context = 6, .width = 4, .layers = 2, .heads = 2, .hidden = 6, .dropout = 0};

template <class Model>
Model in_f64(const BertConfig& config) {
  manual_seed(3);
  Model model(config);
  // As BERT's weights begin, scores are so near to each other that a test sees little.
  nn::normal_weights(model, 0.5);
  model.to(f64);
  return model;
}

const BertText text{.ids = tensor({{2, 5, 6, 3, 7, 3}, {2, 8, 3, 9, 0, 0}}, i64),
                    .segments = tensor({{0, 0, 0, 0, 1, 1}, {0, 0, 0, 1, 0, 0}}, i64),
                    .mask = tensor({{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 0, 0}}, i64).to(boolean)};

data::BertBatch batch_of(const BertText& read) {
  const std::int64_t no = ignored;
  return {.ids = read.ids,
          .segments = read.segments,
          .mask = read.mask,
          .labels = tensor({{no, 5, no, no, 10, no}, {no, 8, no, no, no, no}}, i64),
          .is_random = tensor({0, 1}, i64)};
}

bool is_zero(const Tensor& x) { return equal(x, zeros_like(x)); }

}  // namespace

TEST_CASE("the published sizes have the published numbers of parameters", "[model]") {
  const std::vector<std::pair<std::string, std::int64_t>> published{{"tiny", 4'385'920},
                                                                    {"mini", 11'170'560},
                                                                    {"small", 28'763'648},
                                                                    {"base", 109'482'240},
                                                                    {"large", 335'141'888}};
  std::vector<std::string> names;
  for (const auto& [name, count] : published) {
    CHECK(bert_config(name).parameter_count() == count);
    names.push_back(name);
  }
  CHECK(bert_config_names() == names);
  CHECK(Bert(bert_config("tiny")).parameter_count() == 4'385'920);
  CHECK(message_of([] { bert_config("huge"); }) ==
        "[bert_config] there is no Bert called 'huge'. One of tiny, mini, small, base, large?");
}

TEST_CASE("the count is the model's own, whatever it is made of", "[model]") {
  const auto check_with = [](auto change) {
    BertConfig config = small;
    change(config);
    CHECK(Bert(config).parameter_count() == config.parameter_count());
  };
  check_with([](auto&) {});
  check_with([](auto& o) { o.vocabulary = 5; });
  check_with([](auto& o) { o.context = 1; });
  check_with([](auto& o) { o.segments = 3; });
  check_with([](auto& o) { o.width = 6; });
  check_with([](auto& o) { o.layers = 1; });
  check_with([](auto& o) { o.heads = 1; });
  check_with([](auto& o) { o.hidden = 0; });
  check_with([](auto& o) { o.padding = 3; });
  check_with([](auto& o) { o.dropout = 0.5; });
  check_with([](auto& o) { o.eps = 1; });
}

TEST_CASE("hidden states end with what the call gives, and so does the call that shows weights", "[model]") {
  const Bert model = in_f64<Bert>(small);
  const std::vector<Tensor> states = model.hidden_states(text);
  REQUIRE(states.size() == 3);
  CHECK(equal(states[2], model(text)));
  CHECK(equal(states[1], model.layers[0](states[0], {.real = text.mask})));
  const Bert::Attended seen = model.with_weights(text);
  CHECK(allclose(seen.tokens.detach(), states[2].detach(), 1e-12, 1e-12));
  REQUIRE(seen.layers.size() == 2);
  for (const Tensor& weights : seen.layers) {
    CHECK(weights.shape() == Shape{2, 2, 6, 6});
    CHECK(allclose(sum(weights, -1).detach(), ones({2, 2, 6}, f64)));
    CHECK(is_zero(weights[1].slice(-1, 4, 6)));
  }
}

TEST_CASE("without segments and mask all ids are of the first segment, and real", "[model]") {
  const Bert model = in_f64<Bert>(small);
  CHECK(equal(model({.ids = text.ids}),
              model({text.ids, zeros_like(text.ids), ones_like(text.ids).to(boolean)})));
  CHECK_FALSE(equal(model({.ids = text.ids}), model({.ids = text.ids, .segments = text.segments})));
}

// Each id stands in one place, so that a row of the embedding's gradient tells about that place.
TEST_CASE("every token sees all of its text, and none sees padding or another text", "[model][grad]") {
  BertConfig config = small;
  config.padding = 11;
  const Bert model = in_f64<Bert>(config);
  BertText apart = text;
  apart.ids = tensor({{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 0, 0}}, i64);
  for (std::int64_t row = 0; row < 2; ++row)
    for (std::int64_t t = 0; t < (row == 0 ? 6 : 4); ++t) {
      const Tensor gradient = grad({sum(model(apart)[row][t] * randn({4}, f64))}, {model.word.weight})[0];
      for (std::int64_t id = 0; id < 12; ++id) {
        const bool seen = row == 0 ? id >= 1 && id <= 6 : id >= 7 && id <= 10;
        CHECK(is_zero(gradient[id]) != seen);
      }
    }
}

// What a word's logits are computed from holds the word itself: a model that is asked for what it reads has
// nothing to learn. So the word is taken out, and then nothing of it is left, however many layers there are.
TEST_CASE("a token sees itself, and one that was hidden is not seen by any", "[model][grad]") {
  const BertPretraining model = in_f64<BertPretraining>(small);
  const std::int64_t mask_id = 4;
  Tensor hidden = text.ids.clone();
  hidden[0].slice(0, 1, 2).fill_(mask_id);
  const auto logits = [&](const Tensor& ids) {
    return model.mlm(model.bert({ids, text.segments, text.mask}))[0];
  };
  Tensor other = text.ids.clone();
  other[0].slice(0, 1, 2).fill_(10);
  CHECK_FALSE(equal(logits(other)[1], logits(text.ids)[1]));
  for (std::int64_t t = 2; t < 6; ++t) CHECK_FALSE(equal(logits(other)[t], logits(text.ids)[t]));
  other[0].slice(0, 1, 2).fill_(mask_id);
  CHECK(equal(logits(other), logits(hidden)));
  // The gradient says the same of the input, apart from the embedding that the head has as well.
  const auto of_words = [&](const Tensor& ids) {
    const Tensor tokens = model.bert({ids, text.segments, text.mask});
    return grad({sum(tokens[0][1] * randn({4}, f64))}, {model.bert.word.weight})[0];
  };
  CHECK_FALSE(is_zero(of_words(text.ids)[5]));
  CHECK(is_zero(of_words(hidden)[5]));
  CHECK_FALSE(is_zero(of_words(hidden)[mask_id]));
}

TEST_CASE("the loss at hidden tokens alone is the loss over all with the others ignored", "[model]") {
  const BertPretraining model = in_f64<BertPretraining>(small);
  const data::BertBatch batch = batch_of(text);
  const auto parameters = [&] {
    std::vector<Tensor> list;
    for (const NamedTensor& p : model.parameters()) list.push_back(p.value);
    return list;
  };
  const BertPretraining::Loss loss = model.loss(batch);
  const Tensor tokens = model.bert(text);
  const Tensor over_all = cross_entropy(model.mlm(tokens), batch.labels),
               of_pairs = cross_entropy(model.nsp(tokens), batch.is_random);
  CHECK(loss.mlm.item() == Approx(over_all.item()).epsilon(1e-12));
  CHECK(loss.nsp.item() == Approx(of_pairs.item()).epsilon(1e-12));
  CHECK(loss.total.item() == Approx(over_all.item() + of_pairs.item()).epsilon(1e-12));
  const std::vector<Tensor> ours = grad({loss.total}, parameters()),
                            others = grad({over_all + of_pairs}, parameters());
  for (std::size_t i = 0; i < ours.size(); ++i) CHECK(allclose(ours[i], others[i], 1e-10, 1e-12));
}

TEST_CASE("without its last layer a BERT is one of a layer less, and that layer learns nothing", "[model]") {
  const BertPretraining model = in_f64<BertPretraining>(small);
  BertConfig config = small;
  --config.layers;
  BertPretraining lower = in_f64<BertPretraining>(config);
  const std::string last = "bert.layers." + std::to_string(config.layers) + ".";
  std::vector<NamedTensor> state;
  for (const NamedTensor& each : model.state())
    if (!each.name.starts_with(last)) state.push_back(each);
  lower.load_state(state);
  const data::BertBatch batch = batch_of(text);
  const BertPretraining::Loss loss = model.loss(batch, config.layers);
  CHECK(equal(loss.total, lower.loss(batch).total));
  CHECK_FALSE(equal(loss.total, model.loss(batch).total));
  loss.total.backward();
  for (const NamedTensor& p : model.parameters())
    CHECK((p.value.grad().defined() && !is_zero(p.value.grad())) == !p.name.starts_with(last));
  CHECK(message_of([&] {
          model.bert.through(small.layers + 1, text);
        }).starts_with("[bert] there are " + std::to_string(small.layers) + " layers, not "));
}

TEST_CASE("where nothing is hidden, words cost nothing and move nothing", "[model]") {
  const BertPretraining model = in_f64<BertPretraining>(small);
  data::BertBatch batch = batch_of(text);
  batch.labels.fill_(ignored);
  const BertPretraining::Loss loss = model.loss(batch);
  CHECK(loss.mlm.item() == 0);
  loss.mlm.backward();
  CHECK(is_zero(model.bert.word.weight.grad()));
}

TEST_CASE("the whole of BERT has the right gradients", "[model][grad]") {
  BertConfig config = small;
  config.vocabulary = 11;
  config.dropout = GENERATE(0, 0.2);
  const BertPretraining model = in_f64<BertPretraining>(config);
  const data::BertBatch batch = batch_of(text);
  CHECK_THAT(nn::gradcheck(model, [&] { return model.loss(batch).total; }), passes_gradcheck());
}

TEST_CASE("it learns one batch by heart", "[model]") {
  manual_seed(1);
  BertPretraining model({.vocabulary = 12, .context = 6, .width = 16, .layers = 2, .heads = 2, .dropout = 0});
  const data::BertBatch batch = batch_of(text);
  optim::AdamW optimiser(model, {.lr = 0.01});
  double loss = 1;
  for (int step = 0; step < 400 && loss >= 1e-3; ++step) {
    const Tensor now = model.loss(batch).total;
    loss = now.item();
    now.backward();
    optimiser.step();
    optimiser.zero_grad();
  }
  CHECK(loss < 1e-3);
}

TEST_CASE("weights begin near zero, norms as such, and padding as zeros", "[model]") {
  manual_seed(2);
  const double deviation = GENERATE(0.02, 0.08);
  BertConfig config = bert_config("tiny");
  if (deviation != 0.02) config.deviation = deviation;  // which is the published one
  const BertPretraining model(config);
  CHECK(is_zero(model.bert.word.weight[0]));
  CHECK(is_zero(model.mlm.decoder.bias));
  CHECK(model.mlm.decoder.weight.shares_handle_with(model.bert.word.weight));
  for (const NamedTensor& p : model.parameters()) {
    INFO(p.name);
    if (p.value.rank() == 2)
      CHECK(std::sqrt(mean(square(p.value)).item()) == Approx(deviation).epsilon(0.1));
    else
      CHECK(equal(p.value, full_like(p.value, p.name.ends_with("weight") ? 1 : 0)));
  }
}

TEST_CASE("BERT's dropout acts in training alone, and not inside the feed-forward network", "[model]") {
  BertConfig config = small;
  config.dropout = 0.5;
  Bert model = in_f64<Bert>(config);
  CHECK_FALSE(equal(model(text), model(text)));
  const Tensor x = randn({2, 4}, f64);
  CHECK(equal(model.layers[0].feed_forward(x), model.layers[0].feed_forward(x)));
  model.eval();
  CHECK(equal(model(text), model(text)));
}

TEST_CASE("a training step of BERT has the same bits at one thread and at two", "[model]") {
  const auto gradients = [&](int count) {
    const int before = threads();
    set_threads(count);
    manual_seed(2);
    const BertPretraining model(
        {.vocabulary = 300, .context = 32, .width = 96, .layers = 2, .heads = 3, .dropout = 0.1});
    const Tensor ids = randint(5, 300, {32, 24});
    Tensor labels = randint(5, 300, {32, 24});
    labels.slice(1, 4, 24).fill_(ignored);
    model.loss({ids, zeros_like(ids), ones_like(ids).to(boolean), labels, randint(0, 2, {32})})
        .total.backward();
    set_threads(before);
    std::vector<Tensor> all;
    for (const NamedTensor& parameter : model.parameters()) all.push_back(parameter.value.grad());
    return all;
  };
  const auto one = gradients(1), two = gradients(2);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(equal(one[i], two[i]));
}

TEST_CASE("a clone of BERT says the same, with weights of its own and tied as they were", "[model]") {
  const BertPretraining model = in_f64<BertPretraining>(small);
  const BertPretraining copy = model.clone();
  const Tensor before = copy.mlm(copy.bert(text));
  CHECK(equal(before, model.mlm(model.bert(text))));
  CHECK(copy.parameter_count() == model.parameter_count());
  for (const NamedTensor& parameter : model.parameters()) parameter.value.detach().zero_();
  CHECK(equal(copy.mlm(copy.bert(text)), before));
}

TEST_CASE("Bert refuses what does not fit", "[model][error]") {
  const Bert model(small);
  CHECK(message_of([&] { model({.ids = text.ids[0]}); }) ==
        "[bert] ids must be (B, T), not of shape (6,). Unsqueeze the axis of a single text?");
  CHECK(message_of([&] {
          model({.ids = zeros({1, 7}, i64)});
        }) == "[bert] a text of 7 tokens is longer than the context of 6. Cut it?");
  CHECK(message_of([&] { model({.ids = text.ids, .mask = text.mask[0]}); }) ==
        "[bert] ids are (2, 6), and segments or mask (6,). One for each id?");
  const auto with = [](auto change) {
    BertConfig config = small;
    change(config);
    return message_of([&] { const Bert made(config); });
  };
  CHECK(with([](auto& o) { o.padding = 12; }) ==
        "[bert] the padding id 12 is not in the vocabulary of 12 tokens. That of [PAD]?");
  CHECK(with([](auto& o) { o.heads = 3; }).find("cannot be shared by 3 heads") != std::string::npos);
  CHECK(with([](auto& o) { o.deviation = -1; }) ==
        "[bert] weights cannot begin with a deviation of -1. 0.02?");
  CHECK(with([](auto& o) { o.segments = 0; }) ==
        "[bert] there must be at least one of each: vocabulary 12, context 6, segments 0, width 4, layers 2, "
        "heads 2. bert_config(\"tiny\")?");
}
