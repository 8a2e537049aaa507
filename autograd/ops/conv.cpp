#include <gradus/autograd/ops/conv.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/index.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/ops/view.h>
#include <gradus/autograd/record.h>
#include <gradus/core/kernels/conv.h>

namespace gradus {
namespace {

using Pair = std::array<std::int64_t, 2>;
using kernels::Window;
using kernels::Window2d;

// A window that takes at least one place on an axis of `size`.
Window checked_window(const char* op, std::int64_t size, const Window& window) {
  check(window.kernel >= 1 && window.stride >= 1 && window.padding >= 0 && window.dilation >= 1, op,
        "needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel ",
        window.kernel, ", stride ", window.stride, ", padding ", window.padding, ", dilation ",
        window.dilation, ". Is one left out or negative?");
  check(window.places(size) >= 1, op, "a kernel of ", window.kernel, " with dilation ", window.dilation,
        " does not fit an axis of ", size, " with padding ", window.padding, ". Pad more?");
  return window;
}

Window2d window_of(const char* op, const Pair& size, const Pair& kernel, const Conv2dOptions& options) {
  const auto along = [&](std::size_t i) {
    return checked_window(op, size[i],
                          {kernel[i], options.stride[i], options.padding[i], options.dilation[i]});
  };
  return {along(0), along(1)};
}

// Pooling takes at least one element at each place.
Window2d window_of(const char* op, const Pair& size, const Pool2dOptions& options) {
  const auto along = [&](std::size_t i) {
    const std::int64_t kernel = options.kernel[i], stride = options.stride[i], padding = options.padding[i];
    check(padding <= kernel / 2, op, "padding must be at most half of the kernel: kernel ", kernel,
          ", padding ", padding, ". A larger kernel?");
    return checked_window(op, size[i], {kernel, stride == 0 ? kernel : stride, padding, 1});
  };
  return {along(0), along(1)};
}

Pair last_two(const Tensor& x) { return {x.shape()[2], x.shape()[3]}; }

// 2 operations for each element of y and each of the kernel elements behind it.
double convolution_flops(const Tensor& y, const Tensor& w) {
  return 2.0 * static_cast<double>(y.numel()) *
         static_cast<double>(w.shape()[1] * w.shape()[2] * w.shape()[3]);
}

// What dy must look like for an image of `input_size`.
void check_output_gradient(const char* op, const Tensor& dy, const Shape& expected) {
  check(dy.shape() == expected, op, "dy must have the shape of the output, ", expected, ", not ", dy.shape(),
        ". Were the options the same in the forward pass?");
}

void check_convolution(const char* op, int rank, const Tensor& x, const Tensor& w, const Tensor& bias) {
  const char* const layout =
      rank == 4 ? "x (B, C, H, W) and w (O, C, KH, KW)" : "x (B, C, L) and w (O, C, K)";
  check_floating(x.dtype(), op);
  check_same_dtype("x", x.dtype(), "w", w.dtype(), op);
  check(x.rank() == rank && w.rank() == rank, op, "needs ", layout, ", not ", x.shape(), " and ", w.shape(),
        ". Insert an axis with unsqueeze?");
  check(x.shape()[1] == w.shape()[1], op, "channels must match: x is ", x.shape(), ", w is ", w.shape(), ", ",
        x.shape()[1], " != ", w.shape()[1], ". Swap the first axes of w?");
  if (!bias.defined()) return;
  check_same_dtype("x", x.dtype(), "bias", bias.dtype(), op);
  check(bias.shape() == Shape{w.shape()[0]}, op, "bias must have one element for each kernel: bias is ",
        bias.shape(), ", w is ", w.shape(), ". Reshape it to ", Shape{w.shape()[0]}, "?");
}

// x (B, C, H, W) with zeros around it.
Tensor padded(const Tensor& x, const Window2d& window) {
  Tensor wide = x;
  for (int axis : {2, 3}) {
    const std::int64_t padding = window[static_cast<std::size_t>(axis - 2)].padding;
    Shape shape = wide.shape();
    shape[axis] += 2 * padding;
    wide = pad_slice(wide, shape, axis, padding, 1);
  }
  return wide;
}

// (B, C, PH, PW): what element (i, j) of the kernel reads at each place.
Tensor read_by(std::int64_t i, std::int64_t j, const Tensor& wide, const Window2d& window) {
  Tensor seen = wide;
  for (int axis : {2, 3}) {
    const Window& along = window[static_cast<std::size_t>(axis - 2)];
    const Window inside{along.kernel, along.stride, 0, along.dilation};
    const std::int64_t from = (axis == 2 ? i : j) * along.dilation,
                       places = inside.places(wide.shape()[axis]);
    seen = seen.slice(axis, from, from + (places - 1) * along.stride + 1, along.stride);
  }
  return seen;
}

}  // namespace

// Element by element of the kernel: what it reads, (C, PH PW) for each image, times a (O, C) matrix.
Tensor definition::conv2d(const Tensor& x, const Tensor& w, const Tensor& bias,
                          const Conv2dOptions& options) {
  const Window2d window = window_of("conv2d", last_two(x), last_two(w), options);
  const Tensor wide = padded(x, window);
  Shape shape;
  Tensor y;
  for (std::int64_t i = 0; i < w.shape()[2]; ++i)
    for (std::int64_t j = 0; j < w.shape()[3]; ++j) {
      const Tensor seen = read_by(i, j, wide, window);
      shape = seen.shape();
      const Tensor part =
          matmul(w.select(3, j).select(2, i), seen.reshape({shape[0], shape[1], shape[2] * shape[3]}));
      y = y.defined() ? y + part : part;
    }
  y = y.reshape({shape[0], w.shape()[0], shape[2], shape[3]});
  return bias.defined() ? y + bias.reshape({w.shape()[0], 1, 1}) : y;
}

namespace {

Tensor convolve(const char* op, const Tensor& x, const Tensor& w, const Tensor& bias,
                const Conv2dOptions& options) {
  const Window2d window = window_of(op, last_two(x), last_two(w), options);
  Tensor y = kernels::conv2d(x, w, bias, window);
  const OpInfo info{op, products(convolution_flops(y, w), x, w)};
  return record(info, std::move(y), inputs(x, w, bias), saves(needed_by(w, x), needed_by(x, w)),
                [options, size = last_two(x), kernel = last_two(w)](Backward& back, const Tensor& dy,
                                                                    const Tensor& x, const Tensor& w) {
                  if (back.wants(0)) back.give(0, conv2d_input_grad(dy, w, size, options));
                  if (back.wants(1)) back.give(1, conv2d_weight_grad(dy, x, kernel, options));
                  if (back.wants(2)) back.give(2, sum(dy, {0, 2, 3}));
                });
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv2dOptions& options) {
  check_convolution("conv2d", 4, x, w, bias);
  return convolve("conv2d", x, w, bias, options);
}

Tensor conv1d(const Tensor& x, const Tensor& w, const Tensor& bias, const Conv1dOptions& options) {
  check_convolution("conv1d", 3, x, w, bias);
  const auto [stride, padding, dilation] = options;
  return convolve("conv1d", x.unsqueeze(2), w.unsqueeze(2), bias,
                  {.stride = {1, stride}, .padding = {0, padding}, .dilation = {1, dilation}})
      .squeeze(2);
}

Tensor conv2d_input_grad(const Tensor& dy, const Tensor& w, const Pair& input_size,
                         const Conv2dOptions& options) {
  const char* const op = "conv2d_input_grad";
  check_floating(dy.dtype(), op);
  check_same_dtype("dy", dy.dtype(), "w", w.dtype(), op);
  check(dy.rank() == 4 && w.rank() == 4, op, "needs dy (B, O, PH, PW) and w (O, C, KH, KW), not ", dy.shape(),
        " and ", w.shape(), ". Insert an axis with unsqueeze?");
  const Window2d window = window_of(op, input_size, last_two(w), options);
  check_output_gradient(
      op, dy,
      {dy.shape()[0], w.shape()[0], window[0].places(input_size[0]), window[1].places(input_size[1])});
  return record(
      {op, products(convolution_flops(dy, w), dy, w)},
      kernels::conv2d_input_grad(dy, w, input_size[0], input_size[1], window), inputs(dy, w),
      saves(needed_by(w, dy), needed_by(dy, w)),
      [options, kernel = last_two(w)](Backward& back, const Tensor& ddx, const Tensor& dy, const Tensor& w) {
        if (back.wants(0)) back.give(0, conv2d(ddx, w, {}, options));
        if (back.wants(1)) back.give(1, conv2d_weight_grad(dy, ddx, kernel, options));
      });
}

Tensor conv2d_weight_grad(const Tensor& dy, const Tensor& x, const Pair& kernel_size,
                          const Conv2dOptions& options) {
  const char* const op = "conv2d_weight_grad";
  check_floating(dy.dtype(), op);
  check_same_dtype("dy", dy.dtype(), "x", x.dtype(), op);
  check(dy.rank() == 4 && x.rank() == 4, op, "needs dy (B, O, PH, PW) and x (B, C, H, W), not ", dy.shape(),
        " and ", x.shape(), ". Insert an axis with unsqueeze?");
  const Window2d window = window_of(op, last_two(x), kernel_size, options);
  check_output_gradient(
      op, dy, {x.shape()[0], dy.shape()[1], window[0].places(x.shape()[2]), window[1].places(x.shape()[3])});
  Tensor dw = kernels::conv2d_weight_grad(dy, x, window);
  const OpInfo info{op, products(convolution_flops(dy, dw), dy, x)};
  return record(
      info, std::move(dw), inputs(dy, x), saves(needed_by(x, dy), needed_by(dy, x)),
      [options, size = last_two(x)](Backward& back, const Tensor& ddw, const Tensor& dy, const Tensor& x) {
        if (back.wants(0)) back.give(0, conv2d(x, ddw, {}, options));
        if (back.wants(1)) back.give(1, conv2d_input_grad(dy, ddw, size, options));
      });
}

namespace {

void check_pooled(const char* op, int rank, const Tensor& x) {
  check_floating(x.dtype(), op);
  check(x.rank() == rank, op, "needs x ", rank == 4 ? "(B, C, H, W)" : "(B, C, L)", ", not ", x.shape(),
        ". Insert an axis with unsqueeze?");
}

Pool2dOptions in_two_axes(const Pool1dOptions& options) {
  return {.kernel = {1, options.kernel}, .stride = {1, options.stride}, .padding = {0, options.padding}};
}

Tensor max_pool(const char* op, const Tensor& x, const Pool2dOptions& options) {
  kernels::MaxPooled pooled = kernels::max_pool2d(x, window_of(op, last_two(x), options));
  const Tensor positions = pooled.positions;
  const OpInfo info{op, static_cast<double>(pooled.y.numel() * options.kernel[0] * options.kernel[1])};
  return record(
      info, std::move(pooled.y), inputs(x), saves(positions),
      [shape = x.shape()](Backward& back, const Tensor& dy, const Tensor& positions) {
        const Shape flat{dy.shape()[0], dy.shape()[1], dy.shape()[2] * dy.shape()[3]};
        back.give(
            0, gather_grad(dy.reshape(flat), 2, positions.reshape(flat), shape[2] * shape[3]).reshape(shape));
      });
}

Tensor avg_pool(const char* op, const Tensor& x, const Pool2dOptions& options) {
  Tensor y = kernels::avg_pool2d(x, window_of(op, last_two(x), options));
  const OpInfo info{op, static_cast<double>(y.numel() * options.kernel[0] * options.kernel[1])};
  return record(info, std::move(y), inputs(x), saves(),
                [options, size = last_two(x)](Backward& back, const Tensor& dy) {
                  back.give(0, avg_pool2d_grad(dy, size, options));
                });
}

}  // namespace

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  check_pooled("max_pool2d", 4, x);
  return max_pool("max_pool2d", x, options);
}
Tensor max_pool1d(const Tensor& x, const Pool1dOptions& options) {
  check_pooled("max_pool1d", 3, x);
  return max_pool("max_pool1d", x.unsqueeze(2), in_two_axes(options)).squeeze(2);
}

Tensor definition::avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const Window2d window = window_of("avg_pool2d", last_two(x), options);
  const Tensor wide = padded(x, window);
  Tensor sum;
  for (std::int64_t i = 0; i < options.kernel[0]; ++i)
    for (std::int64_t j = 0; j < options.kernel[1]; ++j) {
      const Tensor seen = read_by(i, j, wide, window);
      sum = sum.defined() ? sum + seen : seen;
    }
  return sum / static_cast<double>(options.kernel[0] * options.kernel[1]);
}

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  check_pooled("avg_pool2d", 4, x);
  return avg_pool("avg_pool2d", x, options);
}
Tensor avg_pool1d(const Tensor& x, const Pool1dOptions& options) {
  check_pooled("avg_pool1d", 3, x);
  return avg_pool("avg_pool1d", x.unsqueeze(2), in_two_axes(options)).squeeze(2);
}

Tensor avg_pool2d_grad(const Tensor& dy, const Pair& input_size, const Pool2dOptions& options) {
  const char* const op = "avg_pool2d_grad";
  check_pooled(op, 4, dy);
  const Window2d window = window_of(op, input_size, options);
  check_output_gradient(
      op, dy,
      {dy.shape()[0], dy.shape()[1], window[0].places(input_size[0]), window[1].places(input_size[1])});
  return record({op, static_cast<double>(dy.numel() * options.kernel[0] * options.kernel[1])},
                kernels::avg_pool2d_grad(dy, input_size[0], input_size[1], window), inputs(dy), saves(),
                [options](Backward& back, const Tensor& ddx) { back.give(0, avg_pool2d(ddx, options)); });
}

}  // namespace gradus
