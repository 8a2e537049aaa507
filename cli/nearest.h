// Which name somebody may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus::cli {

// Of the names the one that takes the fewest changed letters to be made of `word` (Levenshtein), if these are
// a third of them at most, or one; else the only one that begins with it; else nothing.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

// "a, b or c"
std::string one_of(const std::vector<std::string>& names);

// "--hidden?" where a name is near, else "one of a, b and c"
std::string did_you_mean(std::string_view word, const std::vector<std::string>& names);

}  // namespace gradus::cli
