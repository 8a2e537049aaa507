// How weights begin. Each gives a new f32 tensor; a layer's weight (out, in) or (out, in, k...) has
// fan_in = in * k..., the inputs that one output sums, and fan_out = out * k....
#pragma once

#include <gradus/core/create.h>

namespace gradus::nn {

Tensor uniform(const Shape& shape, double low, double high, Generator& generator = default_generator());
Tensor normal(const Shape& shape, double mean, double std, Generator& generator = default_generator());
// Normal, drawn again where it falls outside [low, high]: no weight begins far out.
Tensor truncated_normal(const Shape& shape, double mean, double std, double low, double high,
                        Generator& generator = default_generator());

// Keeps the variance of what flows through a linear layer, forward and backward alike, as far as one number
// can: variance gain^2 * 2 / (fan_in + fan_out). Glorot & Bengio 2010
Tensor xavier_uniform(const Shape& shape, double gain = 1, Generator& generator = default_generator());
Tensor xavier_normal(const Shape& shape, double gain = 1, Generator& generator = default_generator());

// Keeps it in the forward pass where a ReLU, which halves it, follows: variance gain^2 / fan_in, with gain
// sqrt(2). He, Zhang, Ren & Sun 2015
Tensor kaiming_uniform(const Shape& shape, double gain = 1.4142135623730951,
                       Generator& generator = default_generator());
Tensor kaiming_normal(const Shape& shape, double gain = 1.4142135623730951,
                      Generator& generator = default_generator());

// Normal with deviation std / sqrt(layers), for the last weight of each residual branch: `layers` branches,
// two in each Transformer block, add up in the residual stream, which so keeps its scale however many they
// are. Radford et al. 2019 (GPT-2)
Tensor residual_normal(const Shape& shape, std::int64_t layers, double std = 0.02,
                       Generator& generator = default_generator());

// A matrix (rows, columns...) times `gain` whose rows, or columns if there are fewer of these, are
// orthonormal: it turns, and neither stretches nor shrinks. Uniform among such matrices. Saxe, McClelland &
// Ganguli 2014
Tensor orthogonal(const Shape& shape, double gain = 1, Generator& generator = default_generator());

}  // namespace gradus::nn
