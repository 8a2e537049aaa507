#include <gradus/nn/norm.h>

#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/norm.h>
#include <gradus/core/create.h>

namespace gradus::nn {
namespace {

void check_eps(double eps, const char* op) {
  check(eps >= 0, op, "eps keeps the square root off 0 and cannot be ", eps, ". 1e-5?");
}

void check_options(std::int64_t width, double eps, const char* op) {
  check(width > 0, op, "needs a width above 0, the size of x's last axis; got ", width, ". Set it?");
  check_eps(eps, op);
}

// Without weights the op cannot tell that an axis is not the one that was meant.
void check_channels(const Tensor& x, std::int64_t channels, const char* op) {
  check(x.rank() >= 2 && x.shape()[1] == channels, op, "normalises ", channels,
        " channels, the second axis of x; x has shape ", x.shape(),
        ". Permute x, or make the layer with that many?");
}
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

GroupNorm::GroupNorm(const Options& o) : options(o) {
  check(o.groups > 0 && o.channels > 0 && o.channels % o.groups == 0, "group_norm", o.channels,
        " channels do not make ", o.groups, " equal groups. A number that divides the channels?");
  check_eps(o.eps, "group_norm");
  if (!o.affine) return;
  weight = ones({o.channels}).requires_grad_();
  bias = zeros({o.channels}).requires_grad_();
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  const Call call(*this);
  check_channels(x, options.channels, "group_norm");
  return group_norm(x, options.groups, weight, bias, options.eps);
}

template <int places>
BatchNorm<places>::BatchNorm(const Options& o) : options(o) {
  check(o.channels > 0, "batch_norm", "needs channels, the size of x's second axis; got ", o.channels,
        ". Set them?");
  check_eps(o.eps, "batch_norm");
  check(o.momentum >= 0 && o.momentum <= 1, "batch_norm",
        "momentum is the part of the running statistics that a batch replaces, between 0 and 1; this one is ",
        o.momentum, ". 0.1?");
  running_mean = zeros({o.channels});
  running_var = ones({o.channels});
  num_batches_tracked = zeros({}, i64);
  if (!o.affine) return;
  weight = ones({o.channels}).requires_grad_();
  bias = zeros({o.channels}).requires_grad_();
}

namespace {

void check_batch(const Tensor& x, const Tensor& running_mean, int places) {
  static const char* const forms[] = {"(B, C) or (B, C, L)", "(B, C, H, W)", "(B, C, D, H, W)"};
  check(x.rank() == places + 2 || (places == 1 && x.rank() == 2), "batch_norm", "BatchNorm", places,
        "d takes x of shape ", forms[places - 1], ", not ", x.shape(), ". Another of BatchNorm1d, 2d, 3d?");
  check_channels(x, running_mean.numel(), "batch_norm");
  check_same_dtype("x", x.dtype(), "running_mean", running_mean.dtype(), "batch_norm");
}

}  // namespace

template <int places>
Tensor BatchNorm<places>::operator()(const Tensor& x) {
  if (!this->training()) return std::as_const(*this)(x);
  const Call call(*this);
  check_batch(x, running_mean, places);
  const auto n = static_cast<double>(x.numel() / options.channels);
  check(n != 1, "batch_norm", "x of shape ", x.shape(),
        " has one value a channel, which tells nothing of its variance. A larger batch, or eval() first?");
  const BatchNormResult batch = batch_norm(x, weight, bias, options.eps);
  no_grad([&] {
    const double m = options.momentum;
    running_mean.mul_(1 - m).add_(batch.mean * m);
    running_var.mul_(1 - m).add_(batch.var * (m * n / (n - 1)));
    num_batches_tracked.add_(1);
  });
  return batch.y;
}

template <int places>
Tensor BatchNorm<places>::operator()(const Tensor& x) const {
  const Call call(*this);
  check(!this->training(), "batch_norm",
        "a call in training changes the running statistics, and this layer is const. Drop the const, or call "
        "eval() first?");
  check_batch(x, running_mean, places);
  return batch_norm_inference(x, running_mean, running_var, weight, bias, options.eps);
}

template class BatchNorm<1>;
template class BatchNorm<2>;
template class BatchNorm<3>;

}  // namespace gradus::nn
