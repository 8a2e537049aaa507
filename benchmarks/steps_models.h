// The models whose training steps are measured. The peer has the same ones under the same names.
#pragma once

#include <span>

#include "measure.h"

namespace gradus::bench {

struct Model {
  const char* name;
  Work (*make)();  // builds it and its batch; each call of the result is one step: forward, loss, backward,
                   // update
};

std::span<const Model> models();

}  // namespace gradus::bench
