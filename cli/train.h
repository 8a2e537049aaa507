// The verb train, and what other verbs need to know of it.
#pragma once

#include <string>
#include <vector>

#include <gradus/cli/family.h>

namespace gradus::cli {

void add_train_options(Options& options, TrainSettings& settings);

}  // namespace gradus::cli
