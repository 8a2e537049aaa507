// The models whose training steps are measured. The peer has the same ones under the same names.
#pragma once

#include <functional>
#include <span>

#include <gradus/optim/parameters.h>

#include "worker.h"

namespace gradus::bench {

struct Model {
  const char* name;
  Step (*make)();  // the model and its batch
};

std::span<const Model> models();

// AdamW on what loss() returns.
Step training(const optim::Parameters& parameters, const std::function<Tensor()>& loss);

// steps_transformers.cpp
Step tr_d2l();
Step tr_256();
Step gpt_char_cpu();
Step gpt_baby();
Step gpt2_124m();
Step bert_mini();

}  // namespace gradus::bench
