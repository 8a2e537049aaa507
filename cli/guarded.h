// How a program ends.
#pragma once

#include <functional>
#include <string>

namespace gradus::cli {

constexpr int bad_input = 2, failed = 1, interrupted = 130;  // exit statuses; the last as shells have it

// From now on Ctrl-C and SIGTERM end the program at once, with the text on standard error and the status
// `interrupted`: for when nothing is left to be saved.
void end_when_interrupted(const std::string& text);

// What `run` returns; where it throws, that is told in a line on standard error.
int guarded(const std::function<int()>& run);

}  // namespace gradus::cli
