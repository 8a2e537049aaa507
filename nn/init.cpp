#include <gradus/nn/init.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>

namespace gradus::nn {
namespace {

struct Fans {
  double in, out;
};

Fans fans_of(const Shape& shape, const char* op) {
  check(shape.rank() >= 2, op, "needs a weight of two axes or more, (out, in, ...); got shape ", shape,
        ". Use normal or uniform?");
  double each = 1;
  for (int axis = 2; axis < shape.rank(); ++axis) each *= static_cast<double>(shape[axis]);
  return {each * static_cast<double>(shape[1]), each * static_cast<double>(shape[0])};
}

// A uniform variable on [-a, a] has variance a^2 / 3.
Tensor uniform_with(const Shape& shape, double std, Generator& generator) {
  return uniform(shape, -std::sqrt(3.0) * std, std::sqrt(3.0) * std, generator);
}

}  // namespace

Tensor uniform(const Shape& shape, double low, double high, Generator& generator) {
  check(low <= high, "uniform", "the range [", low, ", ", high, ") is empty. Swap them?");
  return no_grad([&] { return rand(shape, f32, generator) * (high - low) + low; });
}

Tensor normal(const Shape& shape, double mean, double std, Generator& generator) {
  check(std >= 0, "normal", "a standard deviation is not below 0, as ", std, " is. Use its absolute value?");
  return no_grad([&] { return randn(shape, f32, generator) * std + mean; });
}

Tensor truncated_normal(const Shape& shape, double mean, double std, double low, double high,
                        Generator& generator) {
  check(std > 0, "truncated_normal", "needs a standard deviation above 0, not ", std, ". Use full instead?");
  // Drawing again ends soon only if a fair part of the normal distribution lies inside.
  const auto below = [&](double x) { return 0.5 * std::erfc((mean - x) / (std * std::sqrt(2.0))); };
  check(below(high) - below(low) > 1e-3, "truncated_normal", "hardly any of a normal distribution of mean ",
        mean, " and deviation ", std, " lies in [", low, ", ", high, "]. Widen the range?");
  Tensor x = normal(shape, mean, std, generator);
  float* const values = x.data<float>();
  std::vector<std::int64_t> outside;
  for (std::int64_t i = 0; i < x.numel(); ++i)
    if (values[i] < low || values[i] > high) outside.push_back(i);
  while (!outside.empty()) {
    const Tensor again = normal({static_cast<std::int64_t>(outside.size())}, mean, std, generator);
    std::vector<std::int64_t> still;
    for (std::size_t k = 0; k < outside.size(); ++k) {
      const float value = again.data<float>()[k];
      if (value < low || value > high)
        still.push_back(outside[k]);
      else
        values[outside[k]] = value;
    }
    outside = std::move(still);
  }
  return x;
}

Tensor xavier_uniform(const Shape& shape, double gain, Generator& generator) {
  const Fans fans = fans_of(shape, "xavier_uniform");
  return uniform_with(shape, gain * std::sqrt(2 / (fans.in + fans.out)), generator);
}
Tensor xavier_normal(const Shape& shape, double gain, Generator& generator) {
  const Fans fans = fans_of(shape, "xavier_normal");
  return normal(shape, 0, gain * std::sqrt(2 / (fans.in + fans.out)), generator);
}
Tensor kaiming_uniform(const Shape& shape, double gain, Generator& generator) {
  return uniform_with(shape, gain / std::sqrt(fans_of(shape, "kaiming_uniform").in), generator);
}
Tensor kaiming_normal(const Shape& shape, double gain, Generator& generator) {
  return normal(shape, 0, gain / std::sqrt(fans_of(shape, "kaiming_normal").in), generator);
}

Tensor residual_normal(const Shape& shape, std::int64_t layers, double std, Generator& generator) {
  check(layers > 0, "residual_normal", "needs the number of residual layers, 1 or more, not ", layers,
        ". Two for each Transformer block?");
  return normal(shape, 0, std / std::sqrt(static_cast<double>(layers)), generator);
}

// Gram-Schmidt over normal vectors, in f64 and twice, since the first pass leaves what rounding lost.
Tensor orthogonal(const Shape& shape, double gain, Generator& generator) {
  check(shape.rank() >= 2, "orthogonal", "needs a weight of two axes or more; got shape ", shape,
        ". Use normal?");
  const std::int64_t rows = shape[0];
  std::int64_t columns = 1;
  for (int axis = 1; axis < shape.rank(); ++axis) columns *= shape[axis];
  const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
  const Tensor basis = randn({count, length}, f64, generator);
  for (std::int64_t i = 0; i < count; ++i) {
    double* const v = basis.data<double>() + i * length;
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t j = 0; j < i; ++j) {
        const double* const u = basis.data<double>() + j * length;
        double dot = 0;
        for (std::int64_t k = 0; k < length; ++k) dot += u[k] * v[k];
        for (std::int64_t k = 0; k < length; ++k) v[k] -= dot * u[k];
      }
    double square = 0;
    for (std::int64_t k = 0; k < length; ++k) square += v[k] * v[k];
    for (std::int64_t k = 0; k < length; ++k) v[k] /= std::sqrt(square);
  }
  return no_grad([&] { return ((rows <= columns ? basis : basis.t()) * gain).to(f32).reshape(shape); });
}

}  // namespace gradus::nn
