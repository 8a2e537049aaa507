// The heads of BERT's tasks, and what stays as it is while they learn. By numbers: tests/parity.
#include <cmath>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/models/bert_tasks.h>
#include <gradus/nn/gradcheck.h>
#include <gradus/optim/adam.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::models;
using namespace gradus::test;

namespace {

using Options = BertTask::Options;

constexpr BertConfig small{
    .vocabulary = 12, .context = 6, .width = 4, .layers = 2, .heads = 2, .hidden = 6, .dropout = 0.1};

const BertText text{.ids = tensor({{2, 5, 6, 3, 7, 3}, {2, 8, 3, 9, 3, 0}}, i64),
                    .segments = tensor({{0, 0, 0, 0, 1, 1}, {0, 0, 0, 1, 1, 0}}, i64),
                    .mask = tensor({{1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 0}}, i64).to(boolean)};
const BertText choices{.ids = stack({text.ids, flip(text.ids, 0)}, 0),
                       .segments = stack({text.segments, flip(text.segments, 0)}, 0),
                       .mask = stack({text.mask, flip(text.mask, 0)}, 0)};

struct Asked {
  TaskHead head;
  std::int64_t outputs;
  Tensor labels;
  const BertText& of;
};
std::vector<Asked> all_heads() {
  const std::int64_t no = data::ignore_index;
  return {{TaskHead::text, 3, tensor({2, 0}, i64), text},
          {TaskHead::text, 1, tensor({1.5, -0.5}), text},
          {TaskHead::choice, 0, tensor({1, 0}, i64), choices},
          {TaskHead::span, 0, tensor({{4, 4}, {3, 3}}, i64), text},
          {TaskHead::tags, 3, tensor({{no, 1, 2, no, 0, no}, {no, 0, no, 2, no, no}}, i64), text}};
}

BertTask made(const Asked& asked, Tuning tuning, Features features = Features::side_by_side,
              BertConfig bert = small) {
  manual_seed(3);
  return BertTask({.bert = bert,
                   .head = asked.head,
                   .outputs = asked.outputs,
                   .tuning = tuning,
                   .features = features,
                   .feature_layers = 2});
}

}  // namespace

TEST_CASE("the logits of each head have their shape", "[model]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::frozen, Tuning::features);
  const std::vector<Shape> shapes{{2, 3}, {2, 1}, {2, 2}, {2, 2, 6}, {2, 6, 3}};
  std::size_t i = 0;
  for (const Asked& asked : all_heads()) CHECK(made(asked, tuning)(asked.of).shape() == shapes[i++]);
}

TEST_CASE("a choice has the logit that its text has alone", "[model]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::features);
  const Asked asked = all_heads()[2];
  BertTask model = made(asked, tuning), alone = made({TaskHead::text, 1, {}, text}, tuning);
  model.eval(), alone.eval();
  for (std::int64_t row = 0; row < 2; ++row)
    CHECK(allclose(model(choices)[row].detach(),
                   alone({choices.ids[row], choices.segments[row], choices.mask[row]}).squeeze(1).detach(),
                   1e-5, 1e-6));
}

TEST_CASE("features are the last layers, and for a text their mean over its tokens", "[model]") {
  const Features features = GENERATE(Features::side_by_side, Features::added);
  const Asked tags = all_heads()[4], whole = all_heads()[0];
  BertTask of_tokens = made(tags, Tuning::features, features),
           of_text = made(whole, Tuning::features, features);
  of_tokens.eval(), of_text.eval();
  const std::vector<Tensor> states = of_tokens.bert.hidden_states(text);
  const Tensor seen =
      features == Features::added ? states[1] + states[2] : concat({states[1], states[2]}, -1);
  CHECK(allclose(of_tokens(text).detach(), of_tokens.head(tanh((*of_tokens.mix)(seen))).detach()));
  const Tensor mixed = tanh((*of_text.mix)(seen));
  for (std::int64_t row = 0; row < 2; ++row) {
    const Tensor own = mixed[row].slice(0, 0, row == 0 ? 6 : 5);
    CHECK(allclose(of_text(text)[row].detach(), of_text.head(mean(own, 0)).detach(), 1e-5, 1e-6));
  }
}

TEST_CASE("without a mask a text's features are the mean over all its tokens", "[model]") {
  BertTask model = made(all_heads()[0], Tuning::features);
  model.eval();
  CHECK(allclose(model({text.ids, text.segments}).detach(),
                 model({text.ids, text.segments, ones_like(text.ids).to(boolean)}).detach(), 1e-5, 1e-6));
}

TEST_CASE("what a head says depends on nothing behind a text's end", "[model][grad]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::features);
  BertConfig config = small;
  config.padding = 1;
  for (const Asked& asked : all_heads()) {
    BertTask model = made(asked, tuning, Features::added, config);
    model.eval();
    BertText other = asked.of;
    other.ids = where(asked.of.mask, asked.of.ids, full_like(asked.of.ids, 11));
    CHECK(equal(model.loss(other, asked.labels), model.loss(asked.of, asked.labels)));
  }
}

TEST_CASE("what is frozen gets no gradient and stays to the bit, and the rest learns", "[model][grad]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::frozen, Tuning::features);
  for (const Asked& asked : all_heads()) {
    BertTask model = made(asked, tuning);
    const BertTask before = model.clone();
    optim::AdamW optimiser(model, {.lr = 0.01});
    model.loss(asked.of, asked.labels).backward();
    optimiser.step();
    const auto old = before.parameters(), now = model.parameters();
    bool pools = asked.head == TaskHead::text || asked.head == TaskHead::choice;
    if (tuning == Tuning::features) pools = false;
    for (std::size_t i = 0; i < now.size(); ++i) {
      INFO(now[i].name);
      const bool is_pooler = now[i].name.starts_with("bert.pooler"),
                 is_bert = now[i].name.starts_with("bert.") && !is_pooler;
      const bool learns = is_pooler ? pools : !is_bert || tuning == Tuning::all;
      CHECK(now[i].value.grad().defined() == learns);
      // All choices have the bias alike, so that it moves none.
      if (asked.head == TaskHead::choice && now[i].name == "head.bias") continue;
      CHECK(equal(now[i].value, old[i].value) != learns);
    }
  }
}

TEST_CASE("what stays is run without dropout, in training too", "[model]") {
  const Asked asked = all_heads()[0];
  BertConfig noisy = small;
  noisy.dropout = 0.5;
  const BertTask learns = made(asked, Tuning::all, Features::added, noisy);
  CHECK_FALSE(equal(learns.bert(text), learns.bert(text)));
  const BertTask stays = made(asked, Tuning::frozen, Features::added, noisy);
  CHECK(equal(stays.bert(text), stays.bert(text)));
  CHECK_FALSE(equal(stays(text), stays(text)));  // what the head sees is thinned
}

TEST_CASE("a pre-trained Bert's weights are those that a task begins with", "[model]") {
  manual_seed(7);
  const BertPretraining pretrained(small);
  BertTask model = made(all_heads()[0], Tuning::frozen);
  model.bert.load_state(pretrained.bert.state());
  model.eval();
  CHECK(allclose(model.bert(text).detach(), [&] {
    BertPretraining copy = pretrained.clone();
    copy.eval();
    return copy.bert(text).detach();
  }()));
  CHECK_FALSE(model.bert.word.weight.requires_grad());
}

TEST_CASE("the words of a task's texts are told as in pre-training, with the same matrix", "[model][grad]") {
  const std::int64_t no = data::ignore_index;
  const Tensor labels = tensor({{no, no, 7, no, 5, no}, {no, 11, no, no, no, no}}, i64);
  BertConfig config = small;
  config.dropout = 0;
  const BertPretraining pretrained(config);
  for (const TaskHead head : {TaskHead::text, TaskHead::choice}) {
    const bool is_choice = head == TaskHead::choice;
    BertTask model({.bert = config, .head = head, .outputs = is_choice ? 0 : 2, .tells_words = true});
    model.bert.load_state(pretrained.bert.state());
    model.words->load_state(pretrained.mlm.state());
    CHECK(model.words->decoder.weight.shares_handle_with(model.bert.word.weight));
    // Of the choices' rows the second half are those of the first in the other order.
    const Tensor all = is_choice ? stack({labels, flip(labels, 0)}, 0) : labels;
    const Tensor loss = model.words_loss(is_choice ? choices : text, all);
    const auto [ids, segments, mask] = text;
    const Tensor right = pretrained.loss({ids, segments, mask, labels, zeros({2}, i64)}).mlm;
    CHECK(loss.item() == Approx(right.item()).epsilon(1e-6));
    loss.backward();
    CHECK(sum(abs(model.words->transform.weight.grad())).item() > 0);
    CHECK(sum(abs(model.bert.position.weight.grad())).item() > 0);
  }
}

TEST_CASE("every head learns a batch by heart", "[model]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::frozen, Tuning::features);
  const BertConfig config{.vocabulary = 12, .context = 6, .width = 16, .layers = 2, .heads = 2, .dropout = 0};
  for (const Asked& asked : all_heads()) {
    manual_seed(1);
    BertTask model({.bert = config,
                    .head = asked.head,
                    .outputs = asked.outputs,
                    .tuning = tuning,
                    .feature_layers = 2,
                    .dropout = 0});
    nn::normal_weights(model, 0.2);
    optim::Adam optimiser(model, {.lr = 0.02});
    double loss = 1;
    for (int step = 0; step < 1500 && loss >= 1e-3; ++step) {
      const Tensor now = model.loss(asked.of, asked.labels);
      loss = now.item();
      now.backward();
      optimiser.step();
      optimiser.zero_grad();
    }
    INFO(static_cast<int>(asked.head) << " " << asked.outputs << ": " << loss);
    CHECK(loss < 1e-3);
  }
}

TEST_CASE("a task's whole model has the right gradients", "[model][grad]") {
  const Tuning tuning = GENERATE(Tuning::all, Tuning::features);
  for (Asked asked : all_heads()) {
    BertTask model = made(asked, tuning);
    nn::normal_weights(model, 0.5);
    model.to(f64);
    if (asked.labels.dtype() == f32) asked.labels = asked.labels.to(f64);
    CHECK_THAT(nn::gradcheck(model, [&] { return model.loss(asked.of, asked.labels); }), passes_gradcheck());
  }
}

TEST_CASE("the best span is the best of all pairs that stand in the second text", "[model]") {
  manual_seed(5);
  const std::int64_t rows = 40, steps = 9;
  const Tensor logits = randn({rows, 2, steps});
  data::Ids segments;
  std::vector<std::pair<std::int64_t, std::int64_t>> bounds;  // of the second text and its [SEP]
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t begin = 1 + row % 5, end = std::min(steps, begin + 2 + row % 4);
    bounds.emplace_back(begin, end);
    for (std::int64_t t = 0; t < steps; ++t) segments.push_back(t >= begin && t < end);
  }
  const BertText asked{.ids = zeros({rows, steps}, i64), .segments = from_vector(segments, {rows, steps})};
  const std::vector<TokenSpan> found = best_spans(logits, asked);
  for (std::int64_t row = 0; row < rows; ++row) {
    TokenSpan best{-1, -1};
    double most = -1e9;
    const auto [begin, end] = bounds[static_cast<std::size_t>(row)];
    for (std::int64_t first = begin; first < end - 1; ++first)
      for (std::int64_t last = first; last < end - 1; ++last) {
        const double score = logits[row][0][first].item() + logits[row][1][last].item();
        if (score > most) most = score, best = {first, last};
      }
    CHECK(found[static_cast<std::size_t>(row)] == best);
  }
  CHECK(message_of([&] {
          best_spans(randn({1, 2, 6}), {text.ids.slice(0, 0, 1), zeros({1, 6}, i64)});
        }) ==
        "[best_spans] row 0 has no second text to find an answer in. Segments 1 for its tokens and its "
        "[SEP]?");
}

TEST_CASE("BertTask refuses what does not fit", "[model][error]") {
  CHECK(message_of([] {
          BertTask({.bert = small,
                    .head = TaskHead::text,
                    .outputs = 2,
                    .tuning = Tuning::frozen,
                    .tells_words = true});
        }) == "[bert_task] hidden words teach nothing to layers that stay as they are. Tuning::all?");
  CHECK(message_of([] { made(all_heads()[0], Tuning::all).words_loss(text, text.ids); }) ==
        "[bert_task] there is no head that tells words. Options::tells_words?");
  const auto message = [](const Options& options) {
    return message_of([&] { const BertTask model(options); });
  };
  CHECK(message({.bert = small, .head = TaskHead::text}) ==
        "[bert_task] texts and tags have one output or more, not 0. As many as there are labels?");
  CHECK(message({.bert = small, .head = TaskHead::span, .outputs = 2}) ==
        "[bert_task] choices and spans have outputs of their own, not 2. Leave it out?");
  CHECK(message({.bert = small, .head = TaskHead::text, .outputs = 2, .tuning = Tuning::features}) ==
        "[bert_task] features of 4 layers, and Bert has 2. At most as many?");
  const BertTask model({.bert = small, .head = TaskHead::choice});
  CHECK(message_of([&] { model(text); }) ==
        "[bert_task] ids of choices must be (B, C, T), not of shape (2, 6). A text for each choice?");
}
