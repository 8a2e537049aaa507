#include <gradus/nn/activation.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/softmax.h>

namespace gradus::nn {

Tensor activate(const Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::identity:
      return x;
    case Activation::relu:
      return relu(x);
    case Activation::leaky_relu:
      return leaky_relu(x, 0.01);
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::silu:
      return silu(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::softplus:
      return softplus(x);
  }
  fail("activate", "there is no activation ", static_cast<int>(activation), ". Cast from the wrong number?");
}

std::string name_of(Activation activation) {
  switch (activation) {
    case Activation::identity:
      return "Identity";
    case Activation::relu:
      return "ReLU";
    case Activation::leaky_relu:
      return "LeakyReLU";
    case Activation::gelu:
      return "GELU";
    case Activation::gelu_tanh:
      return "GELUTanh";
    case Activation::silu:
      return "SiLU";
    case Activation::tanh:
      return "Tanh";
    case Activation::sigmoid:
      return "Sigmoid";
    case Activation::softplus:
      return "Softplus";
  }
  fail("activate", "there is no activation ", static_cast<int>(activation), ". Cast from the wrong number?");
}

Tensor Softmax::operator()(const Tensor& x) const {
  const Call call(*this);
  return softmax(x, options.axis);
}

}  // namespace gradus::nn
