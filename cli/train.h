// The verb train, and what other verbs need to know of it.
#pragma once

#include <string>
#include <vector>

#include <gradus/cli/family.h>

namespace gradus::cli {

// The verb that trains: train, or finetune, whose models go on with what another run has learnt.
int run_training(const std::string& verb, const std::vector<std::string>& words);
// Its page, which ends with examples of a model, or, where the words name none, before them.
std::string training_page(const std::string& verb, const std::vector<std::string>& words);

void add_train_options(Options& options, TrainSettings& settings);

}  // namespace gradus::cli
