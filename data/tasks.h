// Labelled tasks over the world of the stories (stories.h), one for each of the twelve that BERT was tested on:
// what a net learns from the stories' text, that roses are flowers, that "glad" goes with "danced", that who
// lacks a tool asks for it, it can use here, where 500 examples are too few to show each word.
//
//   for (const data::Task& task : data::tasks()) {
//     const data::TaskExample example = task.example(seed, i, data::Split::train);
//     std::cout << task.name << ": " << example.first << " | " << example.second << '\n';
//   }
//
// Texts are lower-case words and marks with a space between, all of them in the stories' vocabulary or in
// task_words(). The label is a function of the text, so that all can be told right: the ceiling of each task
// is 1. What the label is:
//
//   sentiment      whether it ends well. The last clause decides, what stands before "but" does not; an
//                  adjective or a verb of feeling is good or bad, and "not" or "nobody" turns it. "no pie was as
//                  awful as this" speaks of this pie.
//   acceptability  whether the sentence is English: verb and noun agree, she and her stand where they may, words
//                  are in order, each verb has the objects it takes.
//   entailment     what the first sentence says about the second. Fewer words about a thing, or its kind, say
//                  less; under "nobody" they say more. "a red pie near the stove was found" entails "a red
//                  dessert was found", and contradicts "nobody found a red dessert"; all else is neutral.
//   inference      whether the second sentence follows from the first: who did what to whom, in which clause.
//   answers        whether the second sentence answers the question.
//   questions      whether two questions ask the same, in other words.
//   paraphrase     whether two sentences say the same, in other words or another order.
//   pronouns       whether the second sentence takes the pronoun of the first for whom it stands for: who lends
//                  is kind and had it, who asks has none, who is thanked was kind, who is comforted is sad, a
//                  thing looks as things of its place do.
//   similarity     1 + giver + receiver + thing + place: 1 for each that is the same in both sentences, 1/2 for
//                  things of one kind and for places of one topic.
//   continuation   which of four sentences may follow two others in a story; the others never do.
//   qa             where the passage (second) answers the question (first).
//   ner            names of people, places and companies in `first`, as BIO tags.
//
// Two words say the same where Lexicon::synonyms tells so; kinds are Lexicon::hypernyms.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/split.h>

namespace gradus::data {

enum class TaskKind {
  classes,  // one label for first, or for first and second
  score,    // a number from 1 to 5 for both
  choice,   // which of the choices goes on with first
  span,     // tokens of second that answer first
  tags      // a label for each token of first
};

// How it is scored, each 1 at best; metrics.h has them all. f1: of class 1. span_f1: the mean of token_f1.
enum class Metric { accuracy, matthews, f1, pearson, span_f1, entity_f1 };

struct TaskExample {
  std::string first = {}, second = {};    // second is empty where a task asks about one text
  std::vector<std::string> choices = {};  // where the kind is choice
  std::int64_t label = 0;                 // classes: of Task::labels; choice: of choices
  double score = 0;
  std::int64_t begin = 0, end = 0;      // span: from token `begin` of second up to and without `end`
  std::vector<std::int64_t> tags = {};  // of Task::labels, one for each token of first

  // All that is shown, in lines: what tells training and held-out examples apart.
  std::string input() const;
};

struct Task {
  std::string name, stands_for;  // sentiment, SST-2
  TaskKind kind;
  Metric metric;
  std::vector<std::string> labels;  // of classes and tags
  std::function<TaskExample(Random&)> draw;
  double ceiling = 1;  // what nobody exceeds

  // Depends on the task, these three numbers and nothing else.
  TaskExample example(std::uint64_t seed, std::int64_t i, Split split) const;
};

const std::vector<Task>& tasks();              // the twelve
const Task& find_task(std::string_view name);  // or an error that lists their names

// The words of the tasks that no story has.
const std::vector<std::string>& task_words();

}  // namespace gradus::data
