// What a BERT of the program's own settings learns of stories, and what that is worth to a task with 500
// labelled examples: the same net with and without pre-training, on the same examples in the same order.
#include <cmath>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include <gradus/core/io/json.h>
#include <gradus/data/tasks.h>

#include "support/catch.h"
#include "support/temporary_folder.h"
#include "train/program.h"

using namespace gradus;

namespace {

// In the task's metric, over pairs of one seed each.
struct Worth {
  double with, without;         // the mean score after pre-training, and from random weights
  double lead, standard_error;  // of the first over the second
};

double mean(const std::vector<double>& all) {
  return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

Worth worth_of(const std::string& pretrained, const std::string& task) {
  std::vector<double> with, without, leads, squares;
  for (const char* seed : {"1", "2", "3", "4", "5"}) {
    const auto score = [&](const std::string& more) {
      const test::TemporaryFolder folder;
      return test::results_of_program("finetune bert --task " + task + " --model " + pretrained + " --seed " +
                                      seed + more + " --out " + (folder / "run"))
          .at("score")
          .number();
    };
    with.push_back(score(""));
    without.push_back(score(" --from-scratch"));
    leads.push_back(with.back() - without.back());
  }
  const double lead = mean(leads);
  for (const double each : leads) squares.push_back((each - lead) * (each - lead));
  const double seeds = static_cast<double>(leads.size());
  return {mean(with), mean(without), lead, std::sqrt(mean(squares) / (seeds - 1))};
}

}  // namespace

TEST_CASE(
    "BERT tells hidden words of stories nearly as well as can be, and after pre-training learns tasks "
    "that it cannot learn without",
    "[train][program_bert]") {
  const test::TemporaryFolder folder;
  const std::string run = folder / "bert";
  const Json results = test::results_of_program("train bert --seed 1 --out " + run);
  CHECK(results.at("hidden_tokens").number() >= results.at("best_hidden_tokens").number() - 0.05);
  CHECK(results.at("next_sentence").number() >= 0.97);
  for (const data::Task& task : data::tasks()) {
    const Worth worth = worth_of(run, task.name);
    std::cout << task.name << ": " << worth.with << " after pre-training, " << worth.without
              << " without, lead " << worth.lead << ", standard error " << worth.standard_error << std::endl;
    CHECK(worth.lead > 2 * worth.standard_error);
  }
}
