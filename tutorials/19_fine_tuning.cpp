// Fine-tuning: a small BERT that has read stories is given one task after another, with few labelled examples
// of each. The page beside this file explains it. ./gradus tutorial 19 [--figures DIR]
#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/figure.h>
#include <gradus/tutorials/labelled.h>

using namespace gradus;
using data::Split, data::TaskExample, models::BertTask, models::BertText, models::TaskHead, models::Tuning;

const models::BertConfig size{.vocabulary = labelled::words().vocabulary().size(),
                              .context = 96,
                              .width = 64,
                              .layers = 2,
                              .heads = 4,
                              .dropout = 0};
constexpr std::array eight = {"sentiment",  "acceptability", "entailment", "paraphrase",
                              "similarity", "continuation",  "qa",         "ner"};

// 1. What stands for each token, (B, T, width), and for the whole text, (B, width).
Tensor tokens_of(const BertTask& m, const BertText& text) {
  if (m.options.tuning != Tuning::features) return m.bert(text);
  const std::vector<Tensor> states = m.bert.hidden_states(text);  // of the embeddings, and of both layers
  return tanh((*m.mix)(concat({states[1], states[2]}, -1)));
}
Tensor whole_of(const BertTask& m, const BertText& text) {
  const Tensor x = tokens_of(m, text);
  if (m.options.tuning != Tuning::features) return tanh(m.bert.pooler(x.select(1, 0)));
  const Tensor real = text.mask.to(f64).unsqueeze(-1);
  return sum(x * real, 1) / sum(real, 1);
}

// 2. Four heads. B examples of T tokens, C choices, K labels.
Tensor logits(const BertTask& m, const BertText& text) {
  const TaskHead head = m.options.head;
  if (head == TaskHead::text) return m.head(whole_of(m, text));  // (B, K)
  if (head == TaskHead::choice) {                                // each choice is a text, and gets a number
    const BertText flat{text.ids.flatten(0, 1), text.segments.flatten(0, 1), text.mask.flatten(0, 1)};
    return m.head(whole_of(m, flat)).reshape({text.ids.size(0), text.ids.size(1)});  // (B, C)
  }
  const Tensor each = m.head(tokens_of(m, text));
  if (head == TaskHead::tags) return each;  // (B, T, K)
  // Where the answer begins, and where it ends: (B, 2, T)
  return masked_fill(each.transpose(1, 2), logical_not(text.mask).unsqueeze(1), -INFINITY);
}

Tensor loss_of(const BertTask& m, const labelled::Batch& batch) {
  const Tensor y = logits(m, batch.text);
  return y.size(-1) == 1 ? mse_loss(y.squeeze(-1), batch.labels) : cross_entropy(y, batch.labels);
}

// On the Bert that is given, or on a new one.
BertTask with_head(const data::Task& task, const models::Bert* bert, Tuning tuning) {
  BertTask::Options options = labelled::options(task, size);
  options.tuning = tuning, options.feature_layers = 2, options.dropout = 0;
  BertTask m(options);
  nn::normal_weights(m.bert, 0.08);
  m.to(f64);
  if (bert != nullptr) m.bert.load_state(bert->state());
  return m;
}

void print_tasks() {
  std::printf("%-13s   %-14s   %-5s   %-12s   first loss\n", "", "stands for", "head", "logits");
  bool same = true;
  for (const data::Task& task : data::tasks()) {
    const labelled::Batch batch =
        labelled::batch_of(task, labelled::examples_of(task, 1, Split::train, 8), f64);
    for (const Tuning tuning : {Tuning::frozen, Tuning::features, Tuning::all}) {
      const BertTask m = with_head(task, nullptr, tuning);
      const Tensor loss = loss_of(m, batch);
      same = same && allclose(loss, m.loss(batch.text, batch.labels), 1e-9, 1e-9);
      if (tuning != Tuning::all) continue;
      std::ostringstream shape;
      shape << logits(m, batch.text).shape();
      std::printf("%-13s   %-14s   %-6s   %-12s   %9.2f\n", task.name.c_str(), task.stands_for.c_str(),
                  labelled::name_of(task.kind), shape.str().c_str(), loss.item());
    }
  }
  std::printf("tasks: %zu; models::BertTask gives the same: %s\n", data::tasks().size(), same ? "yes" : "no");
}

// The shortest of a hundred examples of each of the eight.
void print_examples() {
  for (const char* const name : eight) {
    const std::vector<TaskExample> list = labelled::examples_of(data::find_task(name), 1, Split::train, 100);
    const auto length = [](const TaskExample& e) { return e.first == e.second ? 1000 : e.input().size(); };
    const auto shortest = std::ranges::min_element(list, {}, length);
    std::printf("\n%s: %s", name, labelled::text_of(data::find_task(name), *shortest).c_str());
  }
  std::printf("\n");
}

// One step of training. Weights are rounded a little, so that other processors print the same digits.
void step(optim::Adam& optimiser, const Tensor& loss) {
  optimiser.zero_grad();
  loss.backward();
  optim::clip_grad_norm(optimiser.parameters(), 1);
  optimiser.step();
  const GradMode off(false);
  for (const NamedTensor& p : optimiser.parameters()) Tensor(p.value).add_(0x1p36).add_(-0x1p36);
}

// 3. Pre-training, as in chapter 18.
models::BertPretraining pretrain(int steps) {
  models::BertPretraining model(size);
  nn::normal_weights(model, 0.08);
  model.to(f64);
  auto batches = labelled::stories(1, 5000, 32, {.selected = 0.4, .masked = 0.65, .random = 0.1});
  optim::Adam optimiser(model, {});
  const optim::Cosine schedule{.lr = 3e-3, .steps = steps, .warmup = steps / 10};
  for (int i = 0; i < steps; ++i) {
    optimiser.set_lr(schedule(i));
    step(optimiser, model.loss(batches.next()).total);
  }
  const GradMode off(false);
  data::Share hidden, pairs;
  auto unseen = labelled::stories(2, 100, 50, {});
  for (int i = 0; i < 5; ++i) {
    const data::BertBatch batch = unseen.next();
    const Tensor x = model.bert({batch.ids, batch.segments, batch.mask});
    hidden += data::accuracy(argmax(model.mlm(x), -1), batch.labels);
    pairs += data::accuracy(argmax(model.nsp(x), -1), batch.is_random);
  }
  std::printf("\nafter %d steps, right: hidden words %.0f %%, pairs %.0f %%\n", steps, 100 * hidden.value(),
              100 * pairs.value());
  return model;
}

// 4. Fine-tuning: 500 labelled examples, 16 at a time, of choices 8.
struct Run {
  const data::Task& task;
  BertTask model;
  double learned = 0, unseen = 0;  // the scores
};

void fine_tune(Run& run) {
  constexpr int steps = 200;
  const std::vector<TaskExample> known = labelled::examples_of(run.task, 1, Split::train, 500),
                                 others = labelled::examples_of(run.task, 0, Split::held_out, 300);
  data::Random random(1, 19);
  optim::Adam optimiser(run.model, {});
  const optim::Cosine schedule{.lr = 1e-3, .steps = steps, .warmup = steps / 10};
  for (int i = 0; i < steps; ++i) {
    std::vector<TaskExample> some;
    for (int j = 0; j < (run.task.kind == data::TaskKind::choice ? 8 : 16); ++j)
      some.push_back(random.pick(known));
    optimiser.set_lr(schedule(i));
    step(optimiser, loss_of(run.model, labelled::batch_of(run.task, some, f64)));
  }
  const auto answers = [&](const BertText& text) { return logits(run.model, text); };
  run.learned = labelled::score(run.task, std::span(known).first(200), f64, answers);
  run.unseen = labelled::score(run.task, others, f64, answers);
}

void compare(const models::Bert& bert, const std::string& folder) {
  std::vector<Run> runs;
  for (const char* const name : eight)
    for (const bool pretrained : {false, true})
      runs.push_back({data::find_task(name),
                      with_head(data::find_task(name), pretrained ? &bert : nullptr, Tuning::all)});
  {
    const std::jthread odd([&] {
      for (std::size_t i = 1; i < runs.size(); i += 2) fine_tune(runs[i]);
    });
    for (std::size_t i = 0; i < runs.size(); i += 2) fine_tune(runs[i]);
  }
  std::printf("\n%-13s   %-11s   without: learned   unseen   with: learned   unseen\n", "", "measure");
  const auto places = linspace(0.5, 7.5, 8, f64).to_vector<double>();
  figure::Panel panel{.x = {"", 0, 8, figure::linear, {eight.begin(), eight.end()}},
                      .y = {"score on unseen examples (%)", -20, 100},
                      .points = {{"without pre-training", places, {}}, {"with", places, {}}},
                      .legend = figure::bottom_left};
  for (std::size_t i = 0; i < runs.size(); i += 2) {
    std::printf("%-13s   %-11s   %16.0f   %6.0f   %13.0f   %6.0f\n", runs[i].task.name.c_str(),
                labelled::name_of(runs[i].task.metric), runs[i].learned, runs[i].unseen, runs[i + 1].learned,
                runs[i + 1].unseen);
    for (const std::size_t k : {0, 1}) panel.points[k].y.push_back(runs[i + k].unseen);
  }
  if (!folder.empty()) figure::write(folder + "/19_tasks.svg", {panel}, {.width = 760});
}

int main(int argc, char* argv[]) {
  set_threads(1);  // each of two nets at a time has a thread
  manual_seed(1);
  print_tasks();
  print_examples();
  const models::BertPretraining pretrained = pretrain(600);
  compare(pretrained.bert, chapter::figures_folder(argc, argv));
}
