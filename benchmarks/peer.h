// What the files of the peer's program share.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <vector>

#include "worker.h"

namespace gradus::bench {

// AdamW on what loss() returns.
Step training(const std::vector<torch::Tensor>& parameters, std::function<torch::Tensor()> loss);
std::vector<torch::Tensor> joined(std::initializer_list<std::vector<torch::Tensor>> lists);

// peer_transformers.cpp
Step tr_d2l();
Step tr_256();
Step gpt_char_cpu();
Step gpt_baby();
Step gpt2_124m();
Step bert_mini();

}  // namespace gradus::bench
