// Strict loading of named tensors, for what optimisers and averages keep.
#pragma once

#include <string>
#include <vector>

#include <gradus/core/tensor.h>

namespace gradus::optim {

// Copies each tensor of `state` into the one of `own` that has its name. Names that are missing, unexpected
// or given twice, and tensors of another shape or dtype are all told at once, and then nothing has changed.
void load_strictly(const std::vector<NamedTensor>& own, const std::vector<NamedTensor>& state,
                   const std::string& whose);

}  // namespace gradus::optim
