#include <gradus/data/tasks.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gradus/data/stories.h>

#include "support/catch.h"
#include "support/hash.h"
#include "support/task_baselines.h"
#include "support/throws.h"

using namespace gradus::data;
using namespace gradus::test;

namespace {

constexpr std::int64_t count = 10'000, held_out_count = 2'000;

const TaskExamples& train(const Task& task) {
  static std::map<std::string, TaskExamples> made;
  TaskExamples& examples = made[task.name];
  for (std::int64_t i = std::ssize(examples); i < count; ++i) {
    examples.push_back(task.example(0, i, Split::train));
  }
  return examples;
}

TaskExamples held_out(const Task& task) {
  TaskExamples examples;
  for (std::int64_t i = 0; i < held_out_count; ++i) examples.push_back(task.example(0, i, Split::held_out));
  return examples;
}

std::string all_of(const TaskExample& example) {
  std::string text = example.input() + "\n" + std::to_string(example.label) + " " +
                     std::to_string(std::lround(2 * example.score)) + " " + std::to_string(example.begin) +
                     " " + std::to_string(example.end);
  for (const std::int64_t tag : example.tags) text += " " + std::to_string(tag);
  return text + "\n";
}

std::int64_t length_of(const std::string& text) { return std::count(text.begin(), text.end(), ' ') + 1; }

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
    for (const TaskExample& e : train(task)) {
      INFO(all_of(e));
      for (const std::string& text : std::set<std::string>{e.first, e.second}) {
        std::size_t begin = 0;
        while (begin < text.size()) {
          const std::size_t end = std::min(text.find(' ', begin), text.size());
          const std::string word = text.substr(begin, end - begin);
          if (!world.vocabulary().find(word)) more.insert(word);
          begin = end + 1;
        }
      }
      longest = std::max({longest, length_of(e.first), length_of(e.second)});
      REQUIRE(length_of(e.first) >= 4);
      REQUIRE(e.choices.size() == (task.kind == TaskKind::choice ? 4u : 0u));
      if (task.kind == TaskKind::classes) REQUIRE((e.label >= 0 && e.label < std::ssize(task.labels)));
      if (task.kind == TaskKind::choice) REQUIRE((e.label >= 0 && e.label < 4));
      if (task.kind == TaskKind::score) REQUIRE((e.score >= 1 && e.score <= 5));
      if (task.kind == TaskKind::span) {
        REQUIRE((0 <= e.begin && e.begin < e.end && e.end <= length_of(e.second)));
      }
      REQUIRE(std::ssize(e.tags) == (task.kind == TaskKind::tags ? length_of(e.first) : 0));
      for (const std::int64_t tag : e.tags) REQUIRE((tag >= 0 && tag < std::ssize(task.labels)));
    }
    CHECK(longest <= 40);
  }
  CHECK(more == std::set<std::string>(task_words().begin(), task_words().end()));
}

TEST_CASE("no input of a task is both for training and held out, and none has two labels", "[data]") {
  for (const Task& task : tasks()) {
    INFO(task.name);
    std::map<std::string, std::string> known;
    std::size_t different = 0;
    for (const TaskExample& e : train(task)) {
      different += known.emplace(e.input(), all_of(e)).second;
      REQUIRE(known.at(e.input()) == all_of(e));
    }
    CHECK(different > 2'000);
    for (const TaskExample& e : held_out(task)) REQUIRE(known.count(e.input()) == 0);
  }
}

TEST_CASE("each label of a task is as frequent, and lengths do not give it away", "[data]") {
  for (const Task& task : tasks()) {
    if (task.kind != TaskKind::classes && task.kind != TaskKind::choice) continue;
    INFO(task.name);
    const auto labels = task.kind == TaskKind::choice ? std::size_t{4} : task.labels.size();
    std::vector<double> often(labels);
    for (const TaskExample& e : train(task)) often[static_cast<std::size_t>(e.label)] += 1;
    const double share = 1 / static_cast<double>(labels), n = static_cast<double>(count);
    for (const double times : often) {
      CHECK(std::abs(times / n - share) < 4 * std::sqrt(share * (1 - share) / n));
    }
    const double by_length = lengths_alone(task, train(task), held_out(task));
    INFO("by length " << by_length);
    CHECK(by_length < share + 4 * std::sqrt(share * (1 - share) / static_cast<double>(held_out_count)));
  }
}

TEST_CASE("a bag of words stays far below the ceiling of each task", "[data]") {
  for (const Task& task : tasks()) {
    const TaskExamples& all = train(task);
    const double score = bag_of_words(task, {all.begin(), all.begin() + 2'000}, held_out(task));
    INFO(task.name << ": " << score);
    CHECK(score < task.ceiling - 0.3);
  }
}

TEST_CASE("the tasks are frozen", "[data]") {
  const std::map<std::string, std::uint64_t> expected = {};
  for (const Task& task : tasks()) {
    Hash hash;
    for (const TaskExample& e : train(task)) hash.add(all_of(e));
    INFO(task.name << " 0x" << std::hex << hash.value());
    CHECK(hash.value() == (expected.count(task.name) ? expected.at(task.name) : 0));
  }
}
