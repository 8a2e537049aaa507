// What verbs ask of a model that was finetuned.
#pragma once

#include <gradus/cli/task_reader.h>

namespace gradus::cli {

class KnowsTask {
 public:
  virtual ~KnowsTask() = default;
  virtual const data::Task& task() const = 0;
  virtual const TaskReader& reader() const = 0;
  virtual const models::BertTask& model() const = 0;
};

// Tells what the model says of the texts, which must be what its task is about; `verb` is for errors.
void ask_task(const std::string& verb, const KnowsTask& asked, const std::vector<std::string>& texts,
              bool json);

// The verb that shows what such a model has learnt: classify, answer or tag.
const char* verb_for(const data::Task& task);

}  // namespace gradus::cli
