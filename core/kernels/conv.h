// Convolution and pooling over images, without gradients. Operands of any strides; results are new and
// contiguous. Shapes: x (B, C, H, W), w (O, C, KH, KW), y and dy (B, O, PH, PW), with PH and PW the places
// that the window takes along each axis.
#pragma once

#include <array>

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// How a kernel moves along one axis. Place p reads the elements p * stride - padding + i * dilation for i in
// [0, kernel); those outside the axis count as zero.
struct Window {
  std::int64_t kernel, stride = 1, padding = 0, dilation = 1;

  // How many places fit; less than one where the kernel is longer than the padded axis.
  std::int64_t places(std::int64_t size) const {
    const std::int64_t free = size + 2 * padding - dilation * (kernel - 1) - 1;
    return free < 0 ? 0 : free / stride + 1;
  }
};
using Window2d = std::array<Window, 2>;  // down, across

// bias: (O,) or undefined
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Window2d& window);
Tensor conv2d_input_grad(const Tensor& dy, const Tensor& w, std::int64_t height, std::int64_t width,
                         const Window2d& window);
Tensor conv2d_weight_grad(const Tensor& dy, const Tensor& x, const Window2d& window);

// The largest element at each place and where it stands in its (H, W) plane, read row by row: the first of
// several; a NaN counts as the largest. Elements outside do not take part.
struct MaxPooled {
  Tensor y, positions;  // (B, C, PH, PW), positions i64
};
MaxPooled max_pool2d(const Tensor& x, const Window2d& window);

// The mean at each place, zeros outside included, and its gradient.
Tensor avg_pool2d(const Tensor& x, const Window2d& window);
Tensor avg_pool2d_grad(const Tensor& dy, std::int64_t height, std::int64_t width, const Window2d& window);

}  // namespace gradus::kernels
