#include <gradus/nn/blocks.h>

#include <gradus/autograd/ops/elementwise.h>

namespace gradus::nn {

FeedForward::FeedForward(const Options& o)
    : options(o),
      linear1({.in = o.width, .out = o.hidden}),
      linear2({.in = o.hidden, .out = o.width}),
      dropout({.p = o.dropout}) {}

Tensor FeedForward::operator()(const Tensor& x) const {
  const Call call(*this);
  return linear2(dropout(activate(linear1(x), options.activation)));
}

namespace {

// Broadcasting would add an f(x) of another shape without a word.
Tensor around(const Tensor& x, const Tensor& fx, Residual::Path path) {
  if (path == Residual::off) return fx;
  check(x.shape() == fx.shape(), "residual", "x has shape ", x.shape(), ", f(x) has ", fx.shape(),
        ", and y = x + f(x) needs one shape. Give f as many outputs as inputs?");
  return x + fx;
}

}  // namespace

Tensor Residual::operator()(const Tensor& x) {
  const Call call(*this);
  return around(x, f(x), path);
}

Tensor Residual::operator()(const Tensor& x) const {
  const Call call(*this);
  return around(x, f(x), path);
}

Residual Residual::clone() const {
  Residual copy(path);
  copy.f = f.clone();
  copy_state(*this, copy);
  return copy;
}

}  // namespace gradus::nn
