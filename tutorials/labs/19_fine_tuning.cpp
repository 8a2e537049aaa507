// What fine-tuning learns, by what may change and from how many examples
//
// Each seed pre-trains a BERT of its own on stories: two layers of 64, 1000 steps of 32 pairs. Then it learns
// one task at a time, for 200 steps of 16 labelled examples: with all weights; with the head and the pooler,
// frozen; with a head on the last layers' features; and with all weights, but not pre-trained. Scores are in
// percent, of 500 unseen examples, and those learned of up to 200 of the examples themselves.
#include <gradus/gradus.h>

#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gradus/tutorials/chapter.h>
#include <gradus/tutorials/labelled.h>

using namespace gradus;
using data::Split, data::TaskExample, models::Tuning;

constexpr int seeds = 3, pretraining_steps = 1000, steps = 200;
const models::BertConfig size{.vocabulary = labelled::words().vocabulary().size(),
                              .context = 96,
                              .width = 64,
                              .layers = 2,
                              .heads = 4,
                              .dropout = 0};

void train_step(optim::Adam& optimiser, const Tensor& loss) {
  optimiser.zero_grad();
  loss.backward();
  optim::clip_grad_norm(optimiser.parameters(), 1);
  optimiser.step();
}

models::BertPretraining new_bert() {
  models::BertPretraining model(size);
  nn::normal_weights(model, 0.08);
  return model;
}

// 1. Pre-training; returns the parts in percent of hidden words and of pairs that are told right.
std::vector<double> pretrain(models::BertPretraining& model, std::uint64_t seed) {
  auto batches = labelled::stories(seed, 10'000, 32, {.selected = 0.4, .masked = 0.65, .random = 0.1});
  optim::Adam optimiser(model, {});
  const optim::Cosine schedule{.lr = 3e-3, .steps = pretraining_steps, .warmup = pretraining_steps / 10};
  for (int i = 0; i < pretraining_steps; ++i) {
    optimiser.set_lr(schedule(i));
    train_step(optimiser, model.loss(batches.next()).total);
  }
  const GradMode off(false);
  data::Share hidden, pairs;
  auto unseen = labelled::stories(1000, 200, 50, {});
  for (int i = 0; i < 10; ++i) {
    const data::BertBatch batch = unseen.next();
    const Tensor x = model.bert({batch.ids, batch.segments, batch.mask});
    hidden += data::accuracy(argmax(model.mlm(x), -1), batch.labels);
    pairs += data::accuracy(argmax(model.nsp(x), -1), batch.is_random);
  }
  return {100 * hidden.value(), 100 * pairs.value()};
}

// 2. Fine-tuning.
enum Way { everything, frozen, features, not_pretrained };
constexpr const char* way_names[] = {"all", "frozen", "features", "not pre-trained"};

struct Run {
  const data::Task& task;
  std::int64_t count;
  Way way;
  std::uint64_t seed;
  models::BertTask model;
  double learned = 0, unseen = 0;
};

models::BertTask with_head(const data::Task& task, const models::Bert& bert, Way way) {
  models::BertTask::Options options = labelled::options(task, size);
  options.tuning = way == frozen ? Tuning::frozen : way == features ? Tuning::features : Tuning::all;
  options.feature_layers = 2, options.dropout = 0;
  models::BertTask model(options);
  nn::normal_weights(model.bert, 0.08);
  if (way != not_pretrained) model.bert.load_state(bert.state());
  return model;
}

void fine_tune(Run& run) {
  const std::vector<TaskExample> known = labelled::examples_of(run.task, run.seed, Split::train, run.count),
                                 others = labelled::examples_of(run.task, 0, Split::held_out, 500);
  data::Random random(run.seed, 19);
  optim::Adam optimiser(run.model, {});
  const double lr = run.way == frozen || run.way == features ? 3e-3 : 1e-3;
  const optim::Cosine schedule{.lr = lr, .steps = steps, .warmup = steps / 10};
  for (int i = 0; i < steps; ++i) {
    std::vector<TaskExample> some;
    for (int j = 0; j < (run.task.kind == data::TaskKind::choice ? 8 : 16); ++j)
      some.push_back(random.pick(known));
    const labelled::Batch batch = labelled::batch_of(run.task, some, f32);
    optimiser.set_lr(schedule(i));
    train_step(optimiser, run.model.loss(batch.text, batch.labels));
  }
  const auto answers = [&](const models::BertText& text) { return run.model(text); };
  const auto first = std::span(known).first(std::min<std::size_t>(known.size(), 200));
  run.learned = labelled::score(run.task, first, f32, answers);
  run.unseen = labelled::score(run.task, others, f32, answers);
}

void two_at_a_time(std::size_t count, const auto& run) {
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < count; i += 2) {
      run(i);
      std::fprintf(stderr, "%zu of %zu\n", i + 1, count);
    }
  };
  const std::jthread odd([&] { every_second(1); });
  every_second(0);
}

// 3. Tables: mean and range over the seeds.
void print_spread(std::span<const double> values) {
  const auto [low, high] = std::ranges::minmax(values);
  const double mean = gradus::mean(from_vector(std::vector<double>(values.begin(), values.end()))).item();
  std::printf("   ");
  chapter::print({mean, low, high}, 0, 3);
}

void compare(const std::vector<models::BertPretraining>& berts, const std::vector<const char*>& tasks,
             const std::vector<std::int64_t>& counts, const std::vector<Way>& ways) {
  std::vector<Run> runs;
  for (const char* const name : tasks)
    for (const std::int64_t count : counts)
      for (const Way way : ways)
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
          const data::Task& task = data::find_task(name);
          manual_seed(seed);
          runs.push_back({task, count, way, seed, with_head(task, berts[seed - 1].bert, way)});
        }
  two_at_a_time(runs.size(), [&](std::size_t i) { fine_tune(runs[i]); });
  std::printf("\n%-13s   %-11s   examples   %-15s   learned            unseen\n", "", "measure", "");
  for (std::size_t i = 0; i < runs.size(); i += seeds) {
    const Run& run = runs[i];
    std::printf("%-13s   %-11s   %8d   %-15s", run.task.name.c_str(), labelled::name_of(run.task.metric),
                static_cast<int>(run.count), way_names[run.way]);
    std::vector<double> learned, unseen;
    for (std::size_t seed = 0; seed < seeds; ++seed) {
      learned.push_back(runs[i + seed].learned);
      unseen.push_back(runs[i + seed].unseen);
    }
    print_spread(learned), print_spread(unseen);
    std::printf("\n");
  }
}

int main() {
  set_threads(1);  // each of two nets at a time has a thread
  std::printf("seeds: 1 to %d\n", seeds);
  std::vector<models::BertPretraining> berts;
  std::vector<double> hidden(seeds), pairs(seeds);
  for (int seed = 1; seed <= seeds; ++seed) manual_seed(seed), berts.push_back(new_bert());
  two_at_a_time(seeds, [&](std::size_t i) {
    const std::vector<double> right = pretrain(berts[i], i + 1);
    hidden[i] = right[0], pairs[i] = right[1];
  });
  std::printf("\nafter pre-training: hidden words");
  print_spread(hidden);
  std::printf(", pairs");
  print_spread(pairs);
  std::printf("\n");
  std::fflush(stdout);
  compare(berts, {"sentiment", "acceptability"}, {30, 100, 300, 1000},
          {not_pretrained, features, frozen, everything});
}
