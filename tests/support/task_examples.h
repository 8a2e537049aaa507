// The examples that the tests of the tasks share, made once.
#pragma once

#include <vector>

#include <gradus/data/tasks.h>

namespace gradus::test {

using TaskExamples = std::vector<data::TaskExample>;

const TaskExamples& train_examples(const data::Task& task);     // 10,000
const TaskExamples& held_out_examples(const data::Task& task);  // 2,000

}  // namespace gradus::test
