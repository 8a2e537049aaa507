// A module's state in a safetensors file, under the names that it has in the module. Other programs read it.
#pragma once

#include <string>

#include <gradus/nn/module.h>

namespace gradus::nn {

// Atomically: a file that was there before is replaced by a whole one, or stays.
void save(const Module& module, const std::string& path);

// What is missing, unexpected or mis-shaped is told all at once, and then nothing has changed.
void load(Module& module, const std::string& path);

}  // namespace gradus::nn
