// One example of each task, drawn; data/tasks.h says what its label is.
#pragma once

#include <string>
#include <vector>

#include <gradus/data/random.h>
#include <gradus/data/tasks.h>

namespace gradus::data::families {

TaskExample sentiment(Random& random);
TaskExample acceptability(Random& random);
TaskExample entailment(Random& random);
TaskExample inference(Random& random);
TaskExample answers(Random& random);
TaskExample questions(Random& random);
TaskExample paraphrase(Random& random);
TaskExample pronouns(Random& random);
TaskExample similarity(Random& random);
TaskExample continuation(Random& random);
TaskExample qa(Random& random);
TaskExample ner(Random& random);
const std::vector<std::string>& ner_labels();
TaskExample senses(Random& random);
const std::vector<std::string>& sense_labels();

}  // namespace gradus::data::families
