// Convolution and pooling over images and sequences, laid out as PyTorch does it:
//   images x (B, C, H, W), kernels w (O, C, KH, KW);   sequences x (B, C, L), kernels w (O, C, K)
// A window of size k takes (n + 2 padding - dilation (k - 1) - 1) / stride + 1 places on an axis of size n.
#pragma once

#include <array>

#include <gradus/core/tensor.h>

namespace gradus {

struct Conv2dOptions {
  std::array<std::int64_t, 2> stride{1, 1};
  std::array<std::int64_t, 2> padding{0, 0};   // zeros at both ends of the axis
  std::array<std::int64_t, 2> dilation{1, 1};  // the distance of neighbouring kernel elements
};
struct Conv1dOptions {
  std::int64_t stride = 1, padding = 0, dilation = 1;
};

// Linear in each of x, w and bias, and so differentiable everywhere. LeCun et al. 1989
// y[b, o, p, q] = bias[o] + sum_cij w[o, c, i, j] x[b, c, p stride - padding + i dilation, likewise q and j].
// bias: (O,) or undefined, y: (B, O, PH, PW)
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias = {}, const Conv2dOptions& options = {});
// y: (B, O, P)
Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& bias = {}, const Conv1dOptions& options = {});

// The gradients of conv2d as ops of their own. Each of the three is linear in both
// operands, and its derivatives are the other two. input_size is (H, W) of x, kernel_size
// (KH, KW) of w: places do not tell them.
Tensor conv2d_input_grad(const Tensor& dy, const Tensor& w, const std::array<std::int64_t, 2>& input_size,
                         const Conv2dOptions& options = {});
Tensor conv2d_weight_grad(const Tensor& dy, const Tensor& x, const std::array<std::int64_t, 2>& kernel_size,
                          const Conv2dOptions& options = {});

struct Pool2dOptions {
  std::array<std::int64_t, 2> kernel{2, 2};
  std::array<std::int64_t, 2> stride{0, 0};   // 0: the kernel's size, so that windows do not overlap
  std::array<std::int64_t, 2> padding{0, 0};  // at most half of the kernel
};
struct Pool1dOptions {
  std::int64_t kernel = 2, stride = 0, padding = 0;
};

// The largest element of each window; padding does not take part. The first of several equal ones (read row
// by row) gets the gradient.
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options = {});
Tensor max_pool1d(const Tensor& x, const Pool1dOptions& options = {});

// The mean of each window, zeros of the padding included.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options = {});
Tensor avg_pool1d(const Tensor& x, const Pool1dOptions& options = {});
// Its gradient, differentiable again. input_size is (H, W) of x.
Tensor avg_pool2d_grad(const Tensor& dy, const std::array<std::int64_t, 2>& input_size,
                       const Pool2dOptions& options = {});

namespace definition {
Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias = {}, const Conv2dOptions& options = {});
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options = {});
}  // namespace definition

}  // namespace gradus
