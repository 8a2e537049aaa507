// Parameters: the named tensors that are trained, averaged or clipped. A model can stand in its place.
#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

#include <gradus/nn/module.h>

namespace gradus::optim {

class Parameters {
 public:
  Parameters(const nn::Module& module) : list_(module.parameters()) {}
  Parameters(std::vector<NamedTensor> list) : list_(std::move(list)) {}
  Parameters(std::initializer_list<NamedTensor> list) : list_(list) {}

  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }
  std::size_t size() const { return list_.size(); }

  // Refuses an empty list, a name or a tensor that comes twice, and what cannot be trained: tensors that are
  // no leaves, not floating, or not of one dtype. Frozen ones, which require no gradient, are let through.
  void check(const char* op) const;

 private:
  std::vector<NamedTensor> list_;
};

// Where a leaf keeps its gradient; null where it has none.
Tensor* gradient_of(const Tensor& leaf);

}  // namespace gradus::optim
