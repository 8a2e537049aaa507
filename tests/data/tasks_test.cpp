#include <gradus/data/tasks.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <gradus/data/stories.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/task_baselines.h"
#include "support/task_facts.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

std::string all_of(const TaskExample& example) {
  std::string text = example.input() + "\n" + std::to_string(example.label) + " " +
                     std::to_string(std::lround(2 * example.score)) + " " + std::to_string(example.begin) +
                     " " + std::to_string(example.end);
  for (const std::int64_t tag : example.tags) text += " " + std::to_string(tag);
  return text + "\n";
}

std::int64_t length_of(const std::string& text) { return std::count(text.begin(), text.end(), ' ') + 1; }

bool has_shape(const Task& task, const TaskExample& e) {
  const auto of_labels = [&](std::int64_t label) { return 0 <= label && label < std::ssize(task.labels); };
  switch (task.kind) {
    case TaskKind::classes:
      return of_labels(e.label) && e.choices.empty() && e.tags.empty();
    case TaskKind::choice:
      return e.choices.size() == 4 && 0 <= e.label && e.label < 4 && e.second.empty();
    case TaskKind::score:
      return e.score >= 1 && e.score <= 5;
    case TaskKind::span:
      return 0 <= e.begin && e.begin < e.end && e.end <= length_of(e.second);
    default:
      return std::ssize(e.tags) == length_of(e.first) && std::ranges::all_of(e.tags, of_labels);
  }
}

}  // namespace

TEST_CASE("there is a task for each of the twelve, found by name", "[data]") {
  std::set<std::string> stands_for;
  for (const Task& task : tasks()) {
    stands_for.insert(task.stands_for);
    CHECK(&find_task(task.name) == &task);
    CHECK(task.ceiling == 1);
  }
  CHECK(tasks().size() == 12);
  CHECK(stands_for == std::set<std::string>{"CoLA", "CoNLL-2003", "MNLI", "MRPC", "QNLI", "QQP", "RTE",
                                            "SQuAD", "SST-2", "STS-B", "SWAG", "WNLI"});
  CHECK(message_of([] { find_task("sorting"); }) ==
        "[tasks] there is no task 'sorting', but sentiment, acceptability, entailment, inference, answers, "
        "questions, paraphrase, pronouns, similarity, continuation, qa, ner");
  CHECK(message_of([] { find_task("qa").example(0, -1, Split::train); }) ==
        "[tasks] there is no example -1 of qa");
}

TEST_CASE("an example of a task depends on its seed, number and split alone", "[data]") {
  for (const Task& task : tasks()) {
    INFO(task.name);
    const std::string text = all_of(task.example(5, 99, Split::train));
    CHECK(text == all_of(Task(task).example(5, 99, Split::train)));
    CHECK(text != all_of(task.example(5, 98, Split::train)));
    CHECK(text != all_of(task.example(6, 99, Split::train)));
    CHECK(text != all_of(task.example(5, 99, Split::held_out)));
  }
}

TEST_CASE("the tasks say it with the words of the stories and a few more, and have the shape they promise",
          "[data]") {
  const Stories world;
  std::set<std::string> more;
  for (const Task& task : tasks()) {
    INFO(task.name);
    std::int64_t longest = 0;
    std::unordered_set<std::string> words;
    for (const TaskExample& e : train_examples(task)) {
      for (const std::string& text : {e.first, e.second}) {
        const Words said = words_in(text);
        words.insert(said.begin(), said.end());
      }
      longest = std::max({longest, length_of(e.first), length_of(e.second)});
      REQUIRE(has_shape(task, e));
    }
    CHECK(longest <= 40);
    for (const std::string& word : words) {
      if (!world.vocabulary().find(word)) more.insert(word);
    }
  }
  CHECK(more == std::set<std::string>(task_words().begin(), task_words().end()));
}

TEST_CASE("no input of a task is both for training and held out, and none has two labels", "[data]") {
  for (const Task& task : tasks()) {
    INFO(task.name);
    std::unordered_map<std::string, std::string> known;
    std::size_t different = 0;
    for (const TaskExample& e : train_examples(task)) {
      const std::string all = all_of(e);
      const auto [entry, is_new] = known.emplace(e.input(), all);
      different += is_new;
      REQUIRE(entry->second == all);
    }
    CHECK(different > 2'000);
    for (const TaskExample& e : held_out_examples(task)) REQUIRE(known.count(e.input()) == 0);
  }
}

TEST_CASE("each label of a task is as frequent, and lengths do not give it away", "[data]") {
  for (const Task& task : tasks()) {
    if (task.kind != TaskKind::classes && task.kind != TaskKind::choice) continue;
    INFO(task.name);
    const auto labels = task.kind == TaskKind::choice ? std::size_t{4} : task.labels.size();
    std::vector<double> often(labels);
    for (const TaskExample& e : train_examples(task)) often[static_cast<std::size_t>(e.label)] += 1;
    const double share = 1 / static_cast<double>(labels),
                 n = static_cast<double>(train_examples(task).size());
    for (const double times : often) {
      CHECK(std::abs(times / n - share) < 4 * std::sqrt(share * (1 - share) / n));
    }
    const double by_length = lengths_alone(task, train_examples(task), held_out_examples(task));
    INFO("by length " << by_length);
    CHECK(by_length <
          share + 4 * std::sqrt(share * (1 - share) / static_cast<double>(held_out_examples(task).size())));
  }
}

TEST_CASE("a bag of words stays far below the ceiling of each task", "[data]") {
  for (const Task& task : tasks()) {
    const TaskExamples& all = train_examples(task);
    const double score = bag_of_words(task, {all.begin(), all.begin() + 2'000}, held_out_examples(task));
    INFO(task.name << ": " << score);
    CHECK(score < task.ceiling - 0.3);
  }
}

TEST_CASE("the tasks are frozen", "[data]") {
  const std::map<std::string, std::uint64_t> expected = {
      {"sentiment", 0x3775811d7163a53d},  {"acceptability", 0xf365526d22065063},
      {"entailment", 0x7779fa2b933494ef}, {"inference", 0xb45036c36fdc8bcc},
      {"answers", 0x190375a17e33aacd},    {"questions", 0xc62abad36d02501},
      {"paraphrase", 0x75fcd822ba7ff57},  {"pronouns", 0xddccc47fc7788edf},
      {"similarity", 0xdd61e93a4e4ee1e4}, {"continuation", 0x3d58c229c3de1c02},
      {"qa", 0x9e40fc0afcb8c08a},         {"ner", 0x1cc3ea0011e7adfd}};
  for (const Task& task : tasks()) {
    Hash hash;
    for (const TaskExample& e : train_examples(task)) hash.add(all_of(e));
    INFO(task.name << " 0x" << std::hex << hash.value());
    CHECK(hash.value() == expected.at(task.name));
  }
}
