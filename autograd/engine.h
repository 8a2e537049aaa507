// Walking the tape backwards. Tensor::backward() adds gradients up in the leaves; grad() returns those asked
// for and leaves the leaves alone.
#pragma once

#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

struct GradOptions {
  bool create_graph =
      false;  // record the backward pass itself, so that its results can be differentiated again
  bool retain_graph = false;  // keep what was saved for another pass; create_graph implies it
  bool allow_unused =
      false;  // an undefined tensor, not an error, for an input that the outputs do not depend on
};

// The gradients of sum_i <outputs[i], grad_outputs[i]> with respect to each input. grad_outputs may be empty
// where every output has one element; it is then taken as 1.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {}, const GradOptions& options = {});

}  // namespace gradus
