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

struct Lead {
  double mean, standard_error;
};

// Of the pre-trained net over the other, in the task's metric, over pairs of one seed each.
Lead lead_of(const std::string& task, const std::string& pretrained) {
  constexpr int seeds = 5;
  std::vector<double> leads;
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto score = [&](const char* more) {
      const test::TemporaryFolder folder;
      std::string words = "finetune bert --task ";
      words.append(task)
          .append(" --model ")
          .append(pretrained)
          .append(" --seed ")
          .append(std::to_string(seed));
      words.append(more).append(" --out ").append(folder / "run");
      return test::results_of_program(words).at("score").number();
    };
    leads.push_back(score("") - score(" --from-scratch"));
  }
  const double mean = std::accumulate(leads.begin(), leads.end(), 0.0) / seeds;
  double squares = 0;
  for (const double lead : leads) squares += (lead - mean) * (lead - mean);
  const Lead lead{mean, std::sqrt(squares / (seeds - 1) / seeds)};
  std::cout << task << ": pre-training gives " << lead.mean << ", standard error " << lead.standard_error
            << std::endl;
  return lead;
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
    const Lead lead = lead_of(task.name, run);
    CHECK(lead.mean > 2 * lead.standard_error);
  }
}
