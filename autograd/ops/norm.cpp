#include <gradus/autograd/ops/norm.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/elementwise.h>
#include <gradus/core/kernels/norm.h>

namespace gradus {
namespace {

void check_common(const Tensor& x, double eps, const char* op) {
  check_floating(x.dtype(), op);
  check(eps >= 0, op, "eps keeps the square root off 0 and cannot be ", eps, ". 1e-5?");
}

// `what`, where it is given, must have one element for each of the channels and x's dtype.
void check_per_channel(const Tensor& what, const char* name, const Tensor& x, std::int64_t channels,
                       const char* op) {
  if (!what.defined()) return;
  check(what.shape() == Shape{channels}, op, name, " has shape ", what.shape(), "; x of shape ", x.shape(),
        " needs one element for each of its ", channels, " channels. Of shape ", Shape{channels}, "?");
  check_same_dtype("x", x.dtype(), name, what.dtype(), op);
}

void check_last_axis(const Tensor& x, double eps, const char* op) {
  check_common(x, eps, op);
  check(x.rank() >= 1, op, "normalises over the last axis, and x of shape () has none. Reshape it to (1,)?");
}

void check_channels(const Tensor& x, double eps, const char* op) {
  check_common(x, eps, op);
  check(x.rank() >= 2, op, "x must be (B, C, ...), batch first, channels second, not ", x.shape(),
        ". Unsqueeze an axis?");
}

Tensor scaled(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor y = weight.defined() ? x * weight : x;
  return bias.defined() ? y + bias : y;
}

// (C,) as (C, 1, ...), which lines up with axis 1 of x.
Tensor along_channels(const Tensor& per_channel, const Tensor& x) {
  if (!per_channel.defined()) return per_channel;
  Shape shape(x.rank() - 1, 1);
  shape[0] = per_channel.numel();
  return per_channel.reshape(shape);
}

Shape all_but_channels(const Tensor& x) {
  Shape axes;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (axis != 1) axes.push_back(axis);
  return axes;
}

}  // namespace

Tensor definition::layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor centred = x - mean(x, -1, keep_dims);
  return scaled(centred / sqrt(mean(square(centred), -1, keep_dims) + eps), weight, bias);
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  check_last_axis(x, eps, "layer_norm");
  check_per_channel(weight, "weight", x, x.shape().back(), "layer_norm");
  check_per_channel(bias, "bias", x, x.shape().back(), "layer_norm");
  const kernels::RowNorm out = kernels::layer_norm(x, weight, bias, eps);
  return record(
      "layer_norm", out.y, inputs(x, weight, bias), saves(x, weight, out.mean, out.rstd),
      [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
         const Tensor& rstd) {
        const auto gradients = kernels::row_norm_backward(dy, x, weight, mean, rstd,
                                                          {back.wants(0), back.wants(1), back.wants(2)});
        back.give(0, gradients.dx);
        back.give(1, gradients.dweight);
        back.give(2, gradients.dbias);
      },
      [eps](const Tensor& x, const Tensor& weight, const Tensor& bias) {
        return definition::layer_norm(x, weight, bias, eps);
      });
}

Tensor definition::rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  return scaled(x / sqrt(mean(square(x), -1, keep_dims) + eps), weight, Tensor());
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
  check_last_axis(x, eps, "rms_norm");
  check_per_channel(weight, "weight", x, x.shape().back(), "rms_norm");
  const kernels::RowNorm out = kernels::rms_norm(x, weight, eps);
  return record(
      "rms_norm", out.y, inputs(x, weight), saves(x, weight, out.rstd),
      [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& rstd) {
        const auto gradients =
            kernels::row_norm_backward(dy, x, weight, Tensor(), rstd, {back.wants(0), back.wants(1), false});
        back.give(0, gradients.dx);
        back.give(1, gradients.dweight);
      },
      [eps](const Tensor& x, const Tensor& weight) { return definition::rms_norm(x, weight, eps); });
}

Tensor definition::batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Shape axes = all_but_channels(x);
  const Tensor centred = x - mean(x, axes, keep_dims);
  return scaled(centred / sqrt(mean(square(centred), axes, keep_dims) + eps), along_channels(weight, x),
                along_channels(bias, x));
}

BatchNormResult batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  check_channels(x, eps, "batch_norm");
  check(
      x.numel() > 0 || x.shape()[1] == 0, "batch_norm", "x of shape ", x.shape(),
      " has no elements to take a channel's mean of. Leave empty batches out, or use batch_norm_inference?");
  check_per_channel(weight, "weight", x, x.shape()[1], "batch_norm");
  check_per_channel(bias, "bias", x, x.shape()[1], "batch_norm");
  const kernels::BatchNorm out = kernels::batch_norm(x, weight, bias, eps);
  Tensor y = record(
      "batch_norm", out.y, inputs(x, weight, bias), saves(x, weight, out.mean, out.rstd),
      [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
         const Tensor& rstd) {
        const auto gradients = kernels::batch_norm_backward(dy, x, weight, mean, rstd, back.wants(0));
        back.give(0, gradients.dx);
        back.give(1, gradients.dweight);
        back.give(2, gradients.dbias);
      },
      [eps](const Tensor& x, const Tensor& weight, const Tensor& bias) {
        return definition::batch_norm(x, weight, bias, eps);
      });
  return {std::move(y), out.mean, out.var};
}

Tensor definition::batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& var,
                                        const Tensor& weight, const Tensor& bias, double eps) {
  return scaled((x - along_channels(mean, x)) / sqrt(along_channels(var, x) + eps), along_channels(weight, x),
                along_channels(bias, x));
}

Tensor batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight,
                            const Tensor& bias, double eps) {
  const char* const op = "batch_norm_inference";
  check_channels(x, eps, op);
  const std::int64_t channels = x.shape()[1];
  check(mean.defined() && var.defined(), op,
        "needs the mean and var of each channel; one of them is undefined. batch_norm computes them?");
  check_per_channel(mean, "mean", x, channels, op);
  check_per_channel(var, "var", x, channels, op);
  check_per_channel(weight, "weight", x, channels, op);
  check_per_channel(bias, "bias", x, channels, op);
  const Tensor rstd = kernels::pow(kernels::add(var, eps), -0.5);
  return record(
      op, kernels::normalise_channels(x, mean, rstd, weight, bias), inputs(x, mean, var, weight, bias),
      saves(x, mean, weight, rstd),
      [](Backward& back, const Tensor& dy, const Tensor& x, const Tensor& mean, const Tensor& weight,
         const Tensor& rstd) {
        if (back.wants(0)) back.give(0, kernels::normalise_channels(dy, Tensor(), rstd, weight, Tensor()));
        if (!(back.wants(1) || back.wants(2) || back.wants(3) || back.wants(4))) return;
        // With z = (x - mean) * rstd:  dbias = sum(dy), dweight = sum(dy * z),
        // dmean = -weight * rstd * dbias,  dvar = -weight * rstd^2 / 2 * dweight
        const auto sums = kernels::batch_norm_backward(dy, x, weight, mean, rstd, false);
        const Tensor slope = weight.defined() ? -(weight * rstd) : -rstd;
        back.give(1, slope * sums.dbias);
        back.give(2, slope * rstd * sums.dweight * 0.5);
        back.give(3, sums.dweight);
        back.give(4, sums.dbias);
      },
      [eps](const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight,
            const Tensor& bias) {
        return definition::batch_norm_inference(x, mean, var, weight, bias, eps);
      });
}

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const char* const op = "group_norm";
  check_channels(x, eps, op);
  const std::int64_t channels = x.shape()[1];
  check(groups > 0 && channels % groups == 0, op, "the ", channels, " channels of x, of shape ", x.shape(),
        ", do not make ", groups, " equal groups. A number that divides ", channels, "?");
  check_per_channel(weight, "weight", x, channels, op);
  check_per_channel(bias, "bias", x, channels, op);
  std::int64_t in_group = channels / groups;
  for (int axis = 2; axis < x.rank(); ++axis) in_group *= x.shape()[axis];
  const Tensor rows = x.reshape({x.shape()[0], groups, in_group});
  return scaled(layer_norm(rows, {}, {}, eps).reshape(x.shape()), along_channels(weight, x),
                along_channels(bias, x));
}

}  // namespace gradus
