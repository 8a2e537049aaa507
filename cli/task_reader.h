// Examples of a task (data/tasks.h) as a Bert reads them, and its answers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <gradus/data/masking.h>
#include <gradus/data/tasks.h>
#include <gradus/data/tokenizer.h>
#include <gradus/models/bert_tasks.h>

namespace gradus::cli {

// What a model says to an example: of the task's kind.
struct TaskAnswer {
  std::int64_t label = 0;                  // classes, choice
  std::vector<double> probabilities = {};  // of all labels, or choices
  double score = 0;
  std::int64_t begin = 0, end = 0;      // span, words of the second text
  std::vector<std::int64_t> tags = {};  // of the first text's words
};

// Words are what stands between spaces. A tokenizer may cut them into pieces: a tag belongs to the first one,
// and a span has all of its words'.
class TaskReader {
 public:
  // Keeps references.
  TaskReader(std::string verb, const data::Task& task, const data::Tokenizer& tokenizer,
             std::int64_t context);

  const data::Tokenizer& tokenizer() const { return tokenizer_; }
  models::TaskHead head() const;
  std::int64_t outputs() const;

  struct Batch {
    models::BertText text;
    Tensor labels;
  };
  // Refuses texts that are longer than the context.
  Batch batch(std::span<const data::TaskExample> examples) const;

  std::vector<TaskAnswer> answers(const models::BertTask& model,
                                  std::span<const data::TaskExample> examples) const;
  // The task's metric.
  double score(std::span<const TaskAnswer> answers, std::span<const data::TaskExample> examples) const;

 private:
  struct Row;
  struct Rows;
  Row row(const std::string& first, const std::string& second) const;
  Rows rows(std::span<const data::TaskExample> examples) const;

  std::string verb_;
  const data::Task& task_;
  const data::Tokenizer& tokenizer_;
  data::SpecialIds special_;
  std::int64_t context_;
};

std::vector<std::string> words_of(const std::string& text);
const char* name_of(data::Metric metric);  // "accuracy"

}  // namespace gradus::cli
