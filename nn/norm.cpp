#include <gradus/nn/norm.h>

#include <gradus/autograd/ops/norm.h>
#include <gradus/core/create.h>

namespace gradus::nn {
namespace {

void check_options(std::int64_t width, double eps, const char* op) {
  check(width > 0, op, "needs a width above 0, the size of x's last axis; got ", width, ". Set it?");
  check(eps >= 0, op, "eps keeps the square root off 0 and cannot be ", eps, ". 1e-5?");
}

// Without weights the op cannot tell that an axis is not the one that was meant.
void check_width(const Tensor& x, std::int64_t width, const char* op) {
  check(x.rank() > 0 && x.shape().back() == width, op, "normalises over a last axis of size ", width,
        "; x has shape ", x.shape(), ". Transpose x, or make the layer with that width?");
}

}  // namespace

LayerNorm::LayerNorm(const Options& o) : options(o) {
  check_options(o.width, o.eps, "layer_norm");
  if (!o.affine) return;
  weight = ones({o.width}).requires_grad_();
  bias = zeros({o.width}).requires_grad_();
}

Tensor LayerNorm::operator()(const Tensor& x) const {
  const Call call(*this);
  check_width(x, options.width, "layer_norm");
  return layer_norm(x, weight, bias, options.eps);
}

RMSNorm::RMSNorm(const Options& o) : options(o) {
  check_options(o.width, o.eps, "rms_norm");
  if (o.affine) weight = ones({o.width}).requires_grad_();
}

Tensor RMSNorm::operator()(const Tensor& x) const {
  const Call call(*this);
  check_width(x, options.width, "rms_norm");
  return rms_norm(x, weight, options.eps);
}

}  // namespace gradus::nn
