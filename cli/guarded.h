// How a program ends.
#pragma once

#include <functional>

namespace gradus::cli {

constexpr int bad_input = 2, failed = 1, interrupted = 130;  // exit statuses; the last as shells have it

// What `run` returns; where it throws, that is told in a line on standard error.
int guarded(const std::function<int()>& run);

}  // namespace gradus::cli
