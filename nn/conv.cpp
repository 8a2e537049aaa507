#include <gradus/nn/conv.h>

#include <cmath>

#include <gradus/nn/init.h>

namespace gradus::nn {
namespace {

void check_axis(const char* op, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                std::int64_t dilation) {
  check(kernel >= 1 && stride >= 1 && padding >= 0 && dilation >= 1, op,
        "needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel ", kernel,
        ", stride ", stride, ", padding ", padding, ", dilation ", dilation,
        ". Is one left out or negative?");
}

void check_channels(const char* op, std::int64_t in, std::int64_t out) {
  check(in > 0 && out > 0, op, "needs channels above 0; got in ", in, " and out ", out,
        ". Say both, as in .in = 3, .out = 16?");
}

// In +-1 / sqrt(fan_in).
Tensor weight_of(const Shape& shape, double fan_in) {
  const double reach = 1 / std::sqrt(fan_in);
  return uniform(shape, -reach, reach).requires_grad_();
}

}  // namespace

Conv2d::Conv2d(const Options& o) : options(o) {
  check_channels("conv2d", o.in, o.out);
  for (const std::size_t i : {0, 1})
    check_axis("conv2d", o.kernel[i], o.stride[i], o.padding[i], o.dilation[i]);
  const auto fan_in = static_cast<double>(o.in * o.kernel[0] * o.kernel[1]);
  weight = weight_of({o.out, o.in, o.kernel[0], o.kernel[1]}, fan_in);
  if (o.bias) bias = weight_of({o.out}, fan_in);
}

Tensor Conv2d::operator()(const Tensor& x) const {
  const Call call(*this);
  return conv2d(x, weight, bias,
                {.stride = options.stride, .padding = options.padding, .dilation = options.dilation});
}

Conv1d::Conv1d(const Options& o) : options(o) {
  check_channels("conv1d", o.in, o.out);
  check_axis("conv1d", o.kernel, o.stride, o.padding, o.dilation);
  const auto fan_in = static_cast<double>(o.in * o.kernel);
  weight = weight_of({o.out, o.in, o.kernel}, fan_in);
  if (o.bias) bias = weight_of({o.out}, fan_in);
}

Tensor Conv1d::operator()(const Tensor& x) const {
  const Call call(*this);
  return conv1d(x, weight, bias,
                {.stride = options.stride, .padding = options.padding, .dilation = options.dilation});
}

template <Pooling pooling, int places>
Pool<pooling, places>::Pool(const Options& o) : options(o) {
  const char* const op = pooling == Pooling::max ? (places == 1 ? "max_pool1d" : "max_pool2d")
                                                 : (places == 1 ? "avg_pool1d" : "avg_pool2d");
  const auto check_window = [op](std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    check_axis(op, kernel, stride == 0 ? kernel : stride, padding, 1);
    check(padding <= kernel / 2, op, "padding must be at most half of the kernel: kernel ", kernel,
          ", padding ", padding, ". A larger kernel?");
  };
  if constexpr (places == 1)
    check_window(o.kernel, o.stride, o.padding);
  else
    for (const std::size_t i : {0, 1}) check_window(o.kernel[i], o.stride[i], o.padding[i]);
}

template <Pooling pooling, int places>
Tensor Pool<pooling, places>::operator()(const Tensor& x) const {
  const Call call(*this);
  if constexpr (pooling == Pooling::max && places == 1)
    return max_pool1d(x, options);
  else if constexpr (pooling == Pooling::max)
    return max_pool2d(x, options);
  else if constexpr (places == 1)
    return avg_pool1d(x, options);
  else
    return avg_pool2d(x, options);
}

template class Pool<Pooling::max, 1>;
template class Pool<Pooling::max, 2>;
template class Pool<Pooling::average, 1>;
template class Pool<Pooling::average, 2>;

Tensor Flatten::operator()(const Tensor& x) const {
  const Call call(*this);
  return x.flatten(1);
}

}  // namespace gradus::nn
