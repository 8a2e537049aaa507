// compare: families of models, each with as many weights and as many words to learn from as the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gradus/core/io/json.h>

namespace gradus::cli {

struct CompareSettings {
  std::int64_t parameters = 600'000, steps = 3000, batch_size = 64, seed = 0, threads = 0;
  std::int64_t held_out = 1000;  // sentences
  bool quick = false;
  std::string out = {};
};

// One number about a model; absent where it says nothing about such a model.
struct Figure {
  std::string key, label;  // in files, and for readers
  std::optional<double> value;
  int digits;  // behind the point, in the table
};

// What is known of a model when it has been trained. All have the same figures, in the same order.
struct Compared {
  std::string name, says;
  std::vector<Figure> figures;
  std::vector<std::string> translations = {};  // of the sentences
};

struct Sentence {
  std::string english, french;
};

struct Comparison {
  CompareSettings settings;
  std::vector<Sentence> sentences;
  std::vector<Compared> models;
};

// For people: a column for each model, and the sentences as each translates them. At most 80 wide.
std::string table_of(const Comparison& comparison);
std::string csv_of(const Comparison& comparison);  // a line for each model
Json json_of(const Comparison& comparison);

// The verb, as verbs.h has them.
int compare(const std::vector<std::string>& words);
std::string compare_page();

}  // namespace gradus::cli
