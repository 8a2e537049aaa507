#include <gradus/data/tasks.h>

#include <gradus/core/check.h>
#include <gradus/data/tasks/families.h>

namespace gradus::data {

std::string TaskExample::input() const {
  std::string text = first + '\n' + second;
  for (const std::string& choice : choices) text += '\n' + choice;
  return text;
}

TaskExample Task::example(std::uint64_t seed, std::int64_t i, Split split) const {
  check(i >= 0, "tasks", "there is no example ", i, " of ", name);
  std::uint64_t number = 0;  // of the name, so that another task in the list changes no other
  for (const char letter : name) number = 31 * number + static_cast<unsigned char>(letter);
  Random random(seed, {static_cast<std::int64_t>(number), split == Split::train ? 0 : 1, i});
  return draw_of_split(
      "tasks", split, [&] { return draw(random); },
      [](const TaskExample& example) { return example.input(); });
}

const std::vector<Task>& tasks() {
  using namespace families;
  using enum TaskKind;
  using enum Metric;
  static const std::vector<Task> all = {
      {"sentiment", "SST-2", classes, accuracy, {"bad", "good"}, sentiment},
      {"acceptability", "CoLA", classes, matthews, {"wrong", "right"}, acceptability},
      {"entailment", "MNLI", classes, accuracy, {"entailment", "neutral", "contradiction"}, entailment},
      {"inference", "RTE", classes, accuracy, {"not entailed", "entailed"}, inference},
      {"answers", "QNLI", classes, accuracy, {"no answer", "answer"}, answers},
      {"questions", "QQP", classes, f1, {"different", "same"}, questions},
      {"paraphrase", "MRPC", classes, f1, {"different", "same"}, paraphrase},
      {"pronouns", "WNLI", classes, accuracy, {"somebody else", "this one"}, pronouns},
      {"similarity", "STS-B", score, pearson, {}, similarity},
      {"continuation", "SWAG", choice, accuracy, {}, continuation},
      {"qa", "SQuAD", span, span_f1, {}, qa},
      {"ner", "CoNLL-2003", tags, entity_f1, ner_labels(), ner},
  };
  return all;
}

const Task& word_senses() {
  static const Task task{"senses",        "WiC", TaskKind::tags, Metric::entity_f1, families::sense_labels(),
                         families::senses};
  return task;
}

const Task& find_task(std::string_view name) {
  std::string names;
  for (const Task& task : tasks()) {
    if (task.name == name) return task;
    names += (names.empty() ? "" : ", ") + task.name;
  }
  fail("tasks", "there is no task '", name, "', but ", names);
}

const std::vector<std::string>& task_words() {
  static const std::vector<std::string> words = {"?", "not", "what", "where", "who"};
  return words;
}

}  // namespace gradus::data
