// How a training's results are shown and explained, and what may come next.
#pragma once

#include <string>

#include <gradus/cli/family.h>

namespace gradus::cli {

void print_results(const Results& results);

// The part of a help page that says what the results mean, where the family explains them.
std::string explanation(const Family& family);

// The command in lines that can be pasted, of 80 columns at most where two spaces stand before it.
std::string pasted(const std::string& command);

}  // namespace gradus::cli
