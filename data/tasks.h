// Labelled tasks in the world of the stories (stories.h), one for each of the twelve that BERT is known for.
// What a net learns from the stories' text, that roses are flowers, that who is glad dances, that who lacks a
// tool asks for it, it can use here, where 500 examples are too few to show each word.
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
//                  adjective or a verb of feeling is good or bad, and "not" or "nobody" turns it round. "no
//                  pie was as awful as this pie" speaks of this pie.
//   acceptability  whether the sentence is English: noun and verb agree, "her" is not who does it, words
//                  stand in order, a verb has the objects that it takes.
//   entailment     what the first sentence says of the second. To leave out a place, or to name the kind of
//                  a thing, is to say less; behind "nobody" it is to say more. "leo found a red pie near the
//                  stove" entails "leo found a red dessert" and contradicts "nobody found a red dessert";
//                  what neither follows nor is ruled out is neutral.
//   inference      whether the second sentence follows from the first: who did what to whom, in which
//                  clause.
//   answers        whether the second sentence answers the question.
//   questions      whether two questions ask the same, in other words.
//   paraphrase     whether two sentences say the same, in other words or another order.
//   pronouns       whether the second sentence puts the right name for the pronoun of the first. Who gives
//                  is kind and had the thing, who is given it or asks for it lacks it; who is asked or
//                  thanked is kind; who thanks or hugs is glad, who is comforted or hugged may be sad; of
//                  two things, that one which belongs where things look like this.
//   similarity     1 + giver + receiver + thing + spot: 1 for each that both sentences have, 1/2 for things
//                  of one kind and for spots of one topic.
//   continuation   which of four sentences can follow two others in a story; the other three never can.
//   qa             where the passage, `second`, answers the question.
//   ner            names of people with their titles, of places that stand for themselves ("the school
//                  garden", but not the school in "the school piano") and of companies: banks and apples
//                  among their goods.
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

// Beside the twelve: a whole story in which each bank and apple is tagged with its sense.
const Task& word_senses();

// The words of the tasks that no story has.
const std::vector<std::string>& task_words();

}  // namespace gradus::data
