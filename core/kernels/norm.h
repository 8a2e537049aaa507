// Normalisation on memory, without gradients. weight and bias have one element a channel and
// may be undefined, which stands for ones and zeros. The operands of a call have one floating
// dtype; results are new and contiguous.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// Which gradients to compute; the others come back undefined.
struct NormWanted {
  bool dx, dweight, dbias;
};
struct NormGradients {
  Tensor dx, dweight, dbias;
};

// Along the last axis of x (..., C). mean and rstd = 1 / sqrt(var + eps) are what the backward pass needs
// beside x; with R rows each is (R,).
struct RowNorm {
  Tensor y, mean, rstd;
};
RowNorm layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
RowNorm rms_norm(const Tensor& x, const Tensor& weight, double eps);  // no mean is taken: undefined
// An undefined mean says that it was rms_norm.
NormGradients row_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                                const Tensor& rstd, NormWanted wanted);

// Across all axes of x (B, C, ...) but axis 1, with the batch's own
// statistics, each (C,); var is the biased one.
struct BatchNorm {
  Tensor y, mean, var, rstd;
};
BatchNorm batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
// dweight and dbias are computed in any case: the rest is made of them.
NormGradients batch_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean,
                                  const Tensor& rstd, bool wants_dx);

// (x - mean) * rstd * weight + bias with statistics that are given, each
// (C,) or undefined for zeros and ones.
Tensor normalise_channels(const Tensor& x, const Tensor& mean, const Tensor& rstd, const Tensor& weight,
                          const Tensor& bias);

}  // namespace gradus::kernels
