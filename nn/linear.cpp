#include <gradus/nn/linear.h>

#include <cmath>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/nn/init.h>

namespace gradus::nn {

Linear::Linear(const Options& o) : options(o) {
  check(o.in > 0 && o.out > 0, "linear", "needs sizes above 0; got in ", o.in, " and out ", o.out,
        ". Say both, as in Linear({.in = 64, .out = 10})?");
  const double reach = 1 / std::sqrt(static_cast<double>(o.in));
  weight = uniform({o.out, o.in}, -reach, reach).requires_grad_();
  if (o.bias) bias = uniform({o.out}, -reach, reach).requires_grad_();
}

Tensor Linear::operator()(const Tensor& x) const {
  const Call call(*this);
  return linear(x, weight, bias);
}

Embedding::Embedding(const Options& o) : options(o) {
  check(o.count > 0 && o.width > 0, "embedding", "needs sizes above 0; got count ", o.count, " and width ",
        o.width, ". Say both, as in Embedding({.count = 1000, .width = 64})?");
  check(!o.padding || (*o.padding >= 0 && *o.padding < o.count), "embedding", "the padding id ",
        o.padding.value_or(0), " is not one of the ", o.count, " ids. Count from 0?");
  weight = normal({o.count, o.width}, 0, 1);
  if (o.padding) weight[*o.padding].zero_();
  weight.requires_grad_();
}

Tensor Embedding::operator()(const Tensor& ids) const {
  const Call call(*this);
  return embedding(weight, ids, options.padding);
}

}  // namespace gradus::nn
