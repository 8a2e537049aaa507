// What a task has to be too hard for: classifiers that see no order of words.
#pragma once

#include <gradus/data/tasks.h>

#include "support/task_examples.h"

namespace gradus::test {

// The metric of the task, on held-out examples. Classes, scores and choices: logistic regressions on the bags
// of words of each text, the number of words that both have, and how much longer one is; the words of a
// choice and the number it shares with what goes before. Spans: in the sentence that shares most words with
// the question the place that is most often right for a question of this first word. Tags: each word's
// commonest.
double bag_of_words(const data::Task& task, const TaskExamples& train, const TaskExamples& held_out);

// How often the label is right that is commonest in training for these lengths of both texts.
double lengths_alone(const data::Task& task, const TaskExamples& train, const TaskExamples& held_out);

}  // namespace gradus::test
