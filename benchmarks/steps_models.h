// The models whose training steps are measured. The peer (peer_torch.cpp) has the same ones under the same
// names.
#pragma once

#include <functional>
#include <span>

#include <gradus/optim/parameters.h>

#include "worker.h"

namespace gradus::bench {

struct Model {
  const char* name;
  Step (*make)();       // the model and its batch
  std::int64_t tokens;  // that a step learns to predict; of mlp-tiny, numbers
};

std::span<const Model> models();

// What follows the backward pass, among the kinds of ops of a step.
inline constexpr const char* update_of_weights = "adamw step";

// AdamW on what loss() returns.
Step training(const optim::Parameters& parameters, const std::function<Tensor()>& loss);

// A net of any size, for the rows above and for those that double a size.
struct Sizes {
  std::int64_t tokens, width, layers, batch, steps;
};
Step lstm_step(const Sizes& sizes);         // a language model; as wide as its embedding
Step seq2seq_step(const Sizes& sizes);      // GRUs and additive attention
Step gpt_step(const Sizes& sizes);          // heads of 32
Step transformer_step(const Sizes& sizes);  // encoder and decoder of `layers` each, heads of 32

// steps_transformers.cpp
Step tr_d2l();
Step tr_256();
Step gpt_char_cpu();
Step gpt_baby();
Step gpt2_124m();
Step bert_mini();

}  // namespace gradus::bench
