// The table of README.md, made of what bench steps has written.
#pragma once

#include <string>

namespace gradus::bench {

// As Markdown. `path`: a file of `bench steps --against torch --json`, with rows for 1 and 2 threads.
std::string speed_table(const std::string& path);

}  // namespace gradus::bench
