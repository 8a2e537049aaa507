// Dropout as a layer.
#pragma once

#include <gradus/nn/module.h>

namespace gradus::nn {

// In training each element becomes 0 with probability p and the others are divided by 1 - p, drawn from the
// default generator. Outside of it y is x. Srivastava et al. 2014
class Dropout : public ModuleOf<Dropout> {
 public:
  struct Options {
    double p = 0.5;
  };
  explicit Dropout(const Options& options);
  Tensor operator()(const Tensor& x) const;

  Options options;

  template <class Self, class Visit>
  static void members(Self&, Visit&) {}
};

}  // namespace gradus::nn
