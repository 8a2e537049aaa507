#include <gradus/nn/dropout.h>

#include <gradus/autograd/ops/random.h>

namespace gradus::nn {

Dropout::Dropout(const Options& o) : options(o) {
  check(o.p >= 0 && o.p <= 1, "dropout",
        "p is the probability of dropping an element, between 0 and 1; this one is ", o.p,
        ". Divide a percentage by 100?");
}

Tensor Dropout::operator()(const Tensor& x) const {
  const Call call(*this);
  return training() ? dropout(x, options.p) : x;
}

}  // namespace gradus::nn
