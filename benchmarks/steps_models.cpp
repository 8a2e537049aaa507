#include "steps_models.h"

#include <cmath>
#include <memory>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/optim/adam.h>

namespace gradus::bench {
namespace {

// y = x W^T + b, W: (out, in), b: (out,), uniform in +-1 / sqrt(in).
struct Linear {
  Tensor weight, bias;

  Linear(std::int64_t in, std::int64_t out)
      : weight(uniform({out, in}, in).requires_grad_()), bias(uniform({out}, in).requires_grad_()) {}
  Tensor operator()(const Tensor& x) const { return linear(x, weight, bias); }

 private:
  static Tensor uniform(const Shape& shape, std::int64_t in) {
    return (rand(shape) * 2.0 - 1.0) / std::sqrt(static_cast<double>(in));
  }
};

// 16-16-16-1, tanh, B = 8, mean squared error.
Work mlp_tiny() {
  const Linear first(16, 16), second(16, 16), third(16, 1);
  const Tensor x = randn({8, 16}), target = randn({8, 1});
  const optim::Parameters parameters{{"first.weight", first.weight},   {"first.bias", first.bias},
                                     {"second.weight", second.weight}, {"second.bias", second.bias},
                                     {"third.weight", third.weight},   {"third.bias", third.bias}};
  const auto optimiser = std::make_shared<optim::AdamW>(parameters, optim::AdamW::Options{});
  return [=] {
    const Tensor y = third(tanh(second(tanh(first(x)))));  // (B, 1)
    mean(square(y - target)).backward();
    optimiser->step();
    optimiser->zero_grad();
  };
}

constexpr Model all[] = {
    {"mlp-tiny", mlp_tiny},
};

}  // namespace

std::span<const Model> models() { return all; }

}  // namespace gradus::bench
