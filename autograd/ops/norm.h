// Normalisation: each group of elements is given mean 0 and variance 1, then scaled and shifted by weights of
// its own. Fused, but for group_norm, with their definitions. var is the biased variance (divided by the
// number of elements, not one less); weight and bias, one element a channel, may be left undefined, which
// stands for ones and zeros.
// Differentiable in all operands wherever var + eps (or mean(x^2) + eps) is above 0.
#pragma once

#include <gradus/core/tensor.h>

namespace gradus {

// y = (x - mean) / sqrt(var + eps) * weight + bias over the last axis.
// x, y: (..., C); weight, bias: (C,). Ba, Kiros & Hinton 2016
Tensor layer_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {}, double eps = 1e-5);

// y = x / sqrt(mean(x^2) + eps) * weight over the last axis.
// x, y: (..., C); weight: (C,). Zhang & Sennrich 2019
Tensor rms_norm(const Tensor& x, const Tensor& weight = {}, double eps = 1e-5);

// y = (x - mean) / sqrt(var + eps) * weight + bias over all axes but axis 1, in training: mean and var are
// those of this batch. x, y: (B, C, ...); the rest: (C,). mean and var come along for a layer that keeps
// running averages of them (a variance there is usually the unbiased one: var * n / (n - 1), n elements a
// channel); they carry no gradient, and nothing is updated here. Ioffe & Szegedy 2015
struct BatchNormResult {
  Tensor y, mean, var;
};
BatchNormResult batch_norm(const Tensor& x, const Tensor& weight = {}, const Tensor& bias = {},
                           double eps = 1e-5);

// The same with mean and var that are given, as outside training: then every row is normalised for itself.
Tensor batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight = {},
                            const Tensor& bias = {}, double eps = 1e-5);

// The same over a group of neighbouring channels of one row of the batch: the C channels are `groups` groups.
// 1 takes all of a row together, C each channel alone (instance norm). Not fused: layer_norm of x read as
// (B, groups, the elements of a group).
// x, y: (B, C, ...); weight, bias: (C,). Wu & He 2018
Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight = {}, const Tensor& bias = {},
                  double eps = 1e-5);

namespace definition {
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);
Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
Tensor batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& var, const Tensor& weight,
                            const Tensor& bias, double eps);
}  // namespace definition

}  // namespace gradus
