#include "support/task_examples.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace gradus::test {
namespace {

const TaskExamples& made(const data::Task& task, data::Split split, std::int64_t count) {
  static std::map<std::pair<std::string, data::Split>, TaskExamples> all;
  TaskExamples& examples = all[{task.name, split}];
  for (std::int64_t i = std::ssize(examples); i < count; ++i) examples.push_back(task.example(0, i, split));
  return examples;
}

}  // namespace

const TaskExamples& train_examples(const data::Task& task) { return made(task, data::Split::train, 10'000); }

const TaskExamples& held_out_examples(const data::Task& task) {
  return made(task, data::Split::held_out, 2'000);
}

}  // namespace gradus::test
