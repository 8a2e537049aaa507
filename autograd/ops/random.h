// Ops that draw random numbers. What they drew they draw again for the backward pass, from the same place in
// the random numbers, instead of keeping it.
#pragma once

#include <gradus/core/random.h>
#include <gradus/core/tensor.h>

namespace gradus {

// Each element with probability p replaced by 0, the others divided by 1 - p, so that
// the mean stays. Training only; a model that predicts leaves it out. p = 0 gives x
// itself, p = 1 zeros. Srivastava et al. 2014
Tensor dropout(const Tensor& x, double p, Generator& generator = default_generator());
Tensor dropout(const Tensor& x, double p, const RandomState& from);  // the draw that begins there

namespace definition {
Tensor dropout(const Tensor& x, double p, const RandomState& from);
}

}  // namespace gradus
