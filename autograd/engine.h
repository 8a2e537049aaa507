// Walking the tape backwards. Tensor::backward() adds gradients up in the leaves; grad() returns those asked
// for and leaves the leaves alone.
#pragma once

#include <vector>

#include <gradus/core/tensor.h>

namespace gradus {

struct GradOptions {
  // Record the backward pass itself, so that its results can be differentiated again.
  bool create_graph = false;
  // Keep what was saved, for another pass; create_graph implies it.
  bool retain_graph = false;
  // For an input that the outputs do not depend on, give an undefined tensor instead of an error.
  bool allow_unused = false;
};

// The gradients of sum_i <outputs[i], grad_outputs[i]> with respect to each input. grad_outputs may be empty
// where every output has one element; it is then taken as 1.
std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& grad_outputs = {}, const GradOptions& options = {});

}  // namespace gradus
