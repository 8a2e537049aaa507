#include <algorithm>

#include <gradus/autograd/ops/conv.h>
#include <gradus/core/kernels/copy.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Pair = std::array<std::int64_t, 2>;

std::int64_t places(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                    std::int64_t dilation) {
  return (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

// Calls f(b, o, p, q, c, i, j, r, s) for each product that convolution adds up: place (p, q) of filter o
// reads x at (r, s) of channel c through element (i, j) of the kernel.
template <class F>
void for_each_product(const Shape& x, const Shape& w, const Conv2dOptions& options, const F& f) {
  const auto along = [&](std::size_t axis) {
    const int at = 2 + static_cast<int>(axis);
    return places(x[at], w[at], options.stride[axis], options.padding[axis], options.dilation[axis]);
  };
  for_each_index(
      {x[0], w[0], along(0), along(1), w[1], w[2], w[3]}, [&](const std::vector<std::int64_t>& at) {
        const std::int64_t r = at[2] * options.stride[0] - options.padding[0] + at[5] * options.dilation[0];
        const std::int64_t s = at[3] * options.stride[1] - options.padding[1] + at[6] * options.dilation[1];
        if (r >= 0 && r < x[2] && s >= 0 && s < x[3])
          f(at[0], at[1], at[2], at[3], at[4], at[5], at[6], r, s);
      });
}

Shape output_shape(const Shape& x, const Shape& w, const Conv2dOptions& options) {
  return {x[0], w[0], places(x[2], w[2], options.stride[0], options.padding[0], options.dilation[0]),
          places(x[3], w[3], options.stride[1], options.padding[1], options.dilation[1])};
}

Array conv_of(const Arrays& in, const Conv2dOptions& options) {
  const Array &x = in[0], &w = in[1];
  Array y(output_shape(x.shape, w.shape, options));
  if (in.size() > 2) for_each_index(y.shape, [&](const auto& at) { y.at(at) = in[2][at[1]]; });
  for_each_product(x.shape, w.shape, options,
                   [&](auto b, auto o, auto p, auto q, auto c, auto i, auto j, auto r, auto s) {
                     y.at({b, o, p, q}) += w.at({o, c, i, j}) * x.at({b, c, r, s});
                   });
  return y;
}

Array input_grad_of(const Array& dy, const Array& w, const Pair& size, const Conv2dOptions& options) {
  Array dx(Shape{dy.size(0), w.size(1), size[0], size[1]});
  for_each_product(dx.shape, w.shape, options,
                   [&](auto b, auto o, auto p, auto q, auto c, auto i, auto j, auto r, auto s) {
                     dx.at({b, c, r, s}) += w.at({o, c, i, j}) * dy.at({b, o, p, q});
                   });
  return dx;
}

Array weight_grad_of(const Array& dy, const Array& x, const Pair& size, const Conv2dOptions& options) {
  Array dw(Shape{dy.size(1), x.size(1), size[0], size[1]});
  for_each_product(x.shape, dw.shape, options,
                   [&](auto b, auto o, auto p, auto q, auto c, auto i, auto j, auto r, auto s) {
                     dw.at({o, c, i, j}) += x.at({b, c, r, s}) * dy.at({b, o, p, q});
                   });
  return dw;
}

// Sequences are images one row high.
Array as_images(Array x) {
  x.shape.insert(2, 1);
  return x;
}
Array as_sequences(Array x) {
  x.shape.erase(2);
  return x;
}

template <class F>
Array pooled(const Array& x, const Pool2dOptions& options, const F& value_of) {
  const Pair stride = {options.stride[0] ? options.stride[0] : options.kernel[0],
                       options.stride[1] ? options.stride[1] : options.kernel[1]};
  Array y(Shape{x.size(0), x.size(1), places(x.size(2), options.kernel[0], stride[0], options.padding[0], 1),
                places(x.size(3), options.kernel[1], stride[1], options.padding[1], 1)});
  for_each_index(y.shape, [&](const auto& at) {
    std::vector<double> seen;
    for (std::int64_t i = 0; i < options.kernel[0]; ++i)
      for (std::int64_t j = 0; j < options.kernel[1]; ++j) {
        const std::int64_t r = at[2] * stride[0] - options.padding[0] + i;
        const std::int64_t s = at[3] * stride[1] - options.padding[1] + j;
        if (r >= 0 && r < x.size(2) && s >= 0 && s < x.size(3)) seen.push_back(x.at({at[0], at[1], r, s}));
      }
    y.at(at) = value_of(seen);
  });
  return y;
}

Array max_pool_of(const Array& x, const Pool2dOptions& options) {
  return pooled(x, options, [](const auto& seen) { return *std::max_element(seen.begin(), seen.end()); });
}
Array avg_pool_of(const Array& x, const Pool2dOptions& options) {
  const double count = static_cast<double>(options.kernel[0] * options.kernel[1]);
  return pooled(x, options, [count](const auto& seen) {
    double sum = 0;
    for (const double value : seen) sum += value;
    return sum / count;
  });
}
Array avg_pool_grad_of(const Array& dy, const Pair& size, const Pool2dOptions& options) {
  Array dx(Shape{dy.size(0), dy.size(1), size[0], size[1]});
  // The transpose of the pooling, column by column: what an image with a single one gives.
  for_each_index({size[0], size[1]}, [&](const auto& at) {
    Array one(Shape{1, 1, size[0], size[1]});
    one.at({0, 0, at[0], at[1]}) = 1;
    const Array reads = avg_pool_of(one, options);
    for_each_index(dy.shape, [&](const auto& place) {
      dx.at({place[0], place[1], at[0], at[1]}) += reads.at({0, 0, place[2], place[3]}) * dy.at(place);
    });
  });
  return dx;
}

Tensor make(const Shape& shape, DType dtype = f32) { return kernels::full(shape, 1, dtype); }

Inputs shapes(std::initializer_list<Shape> all) {
  Inputs inputs;
  for (const Shape& shape : all) inputs.push_back({.shape = shape});
  return inputs;
}

OpRow conv2d_row(const Conv2dOptions& options, std::vector<Inputs> samples, Inputs empty, Inputs large = {},
                 std::vector<Refusal> refusals = {}) {
  const auto with = [options](
                        Tensor (*f)(const Tensor&, const Tensor&, const Tensor&, const Conv2dOptions&)) {
    return [f, options](const Tensors& x) { return f(x[0], x[1], x.size() > 2 ? x[2] : Tensor(), options); };
  };
  return {.name = "conv2d",
          .op = with(conv2d),
          .reference = [options](const Arrays& x) { return conv_of(x, options); },
          .samples = std::move(samples),
          .empty = std::move(empty),
          .large = std::move(large),
          .definition = with(definition::conv2d),
          .refusals = std::move(refusals)};
}

const Conv2dOptions uneven{.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}};

std::vector<OpRow> convolutions() {
  return {
      conv2d_row(
          {},
          {shapes({{2, 3, 5, 6}, {4, 3, 3, 2}, {4}}), shapes({{1, 1, 1, 1}, {1, 1, 1, 1}, {1}}),
           shapes({{2, 3, 4, 5}, {2, 3, 1, 1}}), shapes({{1, 2, 7, 7}, {3, 2, 7, 7}})},
          shapes({{0, 3, 5, 5}, {4, 3, 3, 3}, {4}}), shapes({{6, 4, 20, 20}, {16, 4, 5, 5}, {16}}),
          {{[] {
              conv2d(make({2, 3, 5, 5}), make({4, 2, 3, 3}));
            },
            "[conv2d] channels must match: x is (2, 3, 5, 5), w is (4, 2, 3, 3), 3 != 2. Swap the first axes "
            "of w?"},
           {[] {
              conv2d(make({3, 5, 5}), make({4, 3, 3, 3}));
            },
            "[conv2d] needs x (B, C, H, W) and w (O, C, KH, KW), not (3, 5, 5) and (4, 3, 3, 3). Insert an "
            "axis "
            "with unsqueeze?"},
           {[] {
              conv2d(make({1, 1, 2, 9}), make({1, 1, 3, 3}));
            },
            "[conv2d] a kernel of 3 with dilation 1 does not fit an axis of 2 with padding 0. Pad more?"},
           {[] {
              conv2d(make({1, 1, 9, 9}), make({1, 1, 3, 3}), {}, {.stride = {0, 1}});
            },
            "[conv2d] needs kernel, stride and dilation of at least 1 and padding of at least 0, not kernel "
            "3, "
            "stride 0, padding 0, dilation 1. Is one left out or negative?"},
           {[] {
              conv2d(make({1, 1, 9, 9}), make({2, 1, 3, 3}), make({3}));
            },
            "[conv2d] bias must have one element for each kernel: bias is (3,), w is (2, 1, 3, 3). Reshape "
            "it "
            "to (2,)?"},
           {[] {
              conv2d(make({1, 1, 9, 9}), make({1, 1, 3, 3}, f64));
            },
            "[conv2d] dtypes do not mix: x is f32, w is f64. Convert one with .to(f64)?"},
           {[] {
              conv2d(make({1, 1, 9, 9}, i64), make({1, 1, 3, 3}, i64));
            },
            "[conv2d] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}}),
      conv2d_row(uneven, {shapes({{2, 2, 5, 6}, {3, 2, 3, 2}, {3}}), shapes({{1, 1, 2, 1}, {2, 1, 2, 3}})},
                 shapes({{2, 0, 5, 5}, {4, 0, 3, 3}, {4}}), shapes({{2, 4, 40, 40}, {16, 4, 5, 5}, {16}})),
      // One image, cut into blocks of rows; every place reads one element.
      conv2d_row({}, {shapes({{1, 2, 3, 4}, {5, 2, 1, 1}, {5}})}, shapes({{2, 3, 5, 5}, {0, 3, 3, 3}}),
                 shapes({{1, 32, 90, 30}, {33, 32, 1, 1}, {33}})),
      {.name = "conv1d",
       .op =
           [](const Tensors& x) {
             return conv1d(x[0], x[1], x[2], {.stride = 2, .padding = 1, .dilation = 2});
           },
       .reference =
           [](const Arrays& x) {
             return as_sequences(conv_of({as_images(x[0]), as_images(x[1]), x[2]},
                                         {.stride = {1, 2}, .padding = {0, 1}, .dilation = {1, 2}}));
           },
       .samples = {shapes({{2, 3, 9}, {4, 3, 3}, {4}}), shapes({{1, 1, 1}, {1, 1, 2}, {1}})},
       .empty = shapes({{0, 3, 9}, {4, 3, 3}, {4}}),
       .large = shapes({{4, 16, 900}, {16, 16, 3}, {16}}),
       .refusals =
           {{[] {
               conv1d(make({3, 9}), make({4, 3, 3}));
             },
             "[conv1d] needs x (B, C, L) and w (O, C, K), not (3, 9) and (4, 3, 3). Insert an axis with "
             "unsqueeze?"},
            {[] {
               conv1d(make({1, 1, 4}), make({1, 1, 3}), {}, {.dilation = 2});
             },
             "[conv1d] a kernel of 3 with dilation 2 does not fit an axis of 4 with padding 0. Pad more?"}}},
      {.name = "conv2d_input_grad",
       .op =
           [](const Tensors& x) {
             return conv2d_input_grad(x[0], x[1], {5, 6}, uneven);
           },
       .reference =
           [](const Arrays& x) {
             return input_grad_of(x[0], x[1], {5, 6}, uneven);
           },
       .samples = {shapes({{2, 3, 3, 8}, {3, 2, 3, 2}}), shapes({{1, 1, 3, 6}, {1, 1, 2, 3}})},
       .empty = shapes({{0, 3, 3, 8}, {3, 2, 3, 2}}),
       .large = shapes({{64, 32, 3, 8}, {32, 16, 3, 2}}),
       .refusals =
           {{[] {
               conv2d_input_grad(make({1, 1, 3, 3}), make({1, 1, 3, 3}), {6, 6});
             },
             "[conv2d_input_grad] dy must have the shape of the output, (1, 1, 4, 4), not (1, 1, 3, 3). Were "
             "the options the same in the forward pass?"},
            {[] {
               conv2d_input_grad(make({3, 3}), make({1, 1, 3, 3}), {6, 6});
             },
             "[conv2d_input_grad] needs dy (B, O, PH, PW) and w (O, C, KH, KW), not (3, 3) and (1, 1, 3, 3). "
             "Insert an axis with unsqueeze?"}}},
      {.name = "conv2d_weight_grad",
       .op =
           [](const Tensors& x) {
             return conv2d_weight_grad(x[0], x[1], {3, 2}, uneven);
           },
       .reference =
           [](const Arrays& x) {
             return weight_grad_of(x[0], x[1], {3, 2}, uneven);
           },
       .samples = {shapes({{2, 3, 3, 8}, {2, 2, 5, 6}}), shapes({{1, 1, 2, 3}, {1, 1, 4, 1}})},
       .empty = shapes({{0, 3, 3, 8}, {0, 2, 5, 6}}),
       .large = shapes({{64, 32, 3, 8}, {64, 16, 5, 6}}),
       .refusals =
           {{[] {
               conv2d_weight_grad(make({1, 1, 3, 3}), make({1, 1, 6, 6}), {3, 3});
             },
             "[conv2d_weight_grad] dy must have the shape of the output, (1, 1, 4, 4), not (1, 1, 3, 3). "
             "Were "
             "the options the same in the forward pass?"},
            {[] {
               conv2d_weight_grad(make({3, 3}), make({1, 1, 3, 3}), {1, 1});
             },
             "[conv2d_weight_grad] needs dy (B, O, PH, PW) and x (B, C, H, W), not (3, 3) and (1, 1, 3, 3). "
             "Insert an axis with unsqueeze?"}}},
  };
}

const Pool2dOptions overlapping{.kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 1}};

// Pooling is linear, as far as it has derivatives, so its second derivative is zero.
std::vector<OpRow> poolings() {
  std::vector<OpRow> rows;
  for (const Pool2dOptions& options : {Pool2dOptions{}, overlapping}) {
    rows.push_back({.name = "max_pool2d",
                    .op = [options](const Tensors& x) { return max_pool2d(x[0], options); },
                    .reference = [options](const Arrays& x) { return max_pool_of(x[0], options); },
                    .samples = {shapes({{2, 3, 5, 6}}), shapes({{1, 1, 2, 2}})},
                    .empty = shapes({{0, 3, 5, 6}}),
                    .large = shapes({{8, 3, 60, 60}}),
                    .second_order = false});
    rows.push_back(
        {.name = "avg_pool2d",
         .op = [options](const Tensors& x) { return avg_pool2d(x[0], options); },
         .reference = [options](const Arrays& x) { return avg_pool_of(x[0], options); },
         .samples = {shapes({{2, 3, 5, 6}}), shapes({{1, 1, 2, 2}})},
         .empty = shapes({{0, 3, 5, 6}}),
         .large = shapes({{8, 3, 60, 60}}),
         .definition = [options](const Tensors& x) { return definition::avg_pool2d(x[0], options); },
         .second_order = false});
  }
  rows[0].refusals = {
      {[] {
         max_pool2d(make({3, 4, 4}));
       },
       "[max_pool2d] needs x (B, C, H, W), not (3, 4, 4). Insert an axis with unsqueeze?"},
      {[] {
         max_pool2d(make({1, 1, 4, 4}), {.padding = {2, 0}});
       },
       "[max_pool2d] padding must be at most half of the kernel: kernel 2, padding 2. A larger kernel?"},
      {[] {
         max_pool2d(make({1, 1, 4, 4}), {.kernel = {5, 5}});
       },
       "[max_pool2d] a kernel of 5 with dilation 1 does not fit an axis of 4 with padding 0. Pad more?"},
      {[] {
         max_pool2d(make({1, 1, 4, 4}, i64));
       },
       "[max_pool2d] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}};
  const Pool1dOptions along{.kernel = 3, .stride = 2, .padding = 1};
  const Pool2dOptions in_images{.kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}};
  rows.push_back(
      {.name = "max_pool1d",
       .op = [along](const Tensors& x) { return max_pool1d(x[0], along); },
       .reference =
           [in_images](const Arrays& x) { return as_sequences(max_pool_of(as_images(x[0]), in_images)); },
       .samples = {shapes({{2, 3, 7}}), shapes({{1, 1, 2}})},
       .empty = shapes({{2, 0, 7}}),
       .large = shapes({{8, 16, 900}}),
       .second_order = false,
       .refusals = {{[] {
                       max_pool1d(make({3, 4}));
                     },
                     "[max_pool1d] needs x (B, C, L), not (3, 4). Insert an axis with unsqueeze?"}}});
  rows.push_back(
      {.name = "avg_pool1d",
       .op = [along](const Tensors& x) { return avg_pool1d(x[0], along); },
       .reference =
           [in_images](const Arrays& x) { return as_sequences(avg_pool_of(as_images(x[0]), in_images)); },
       .samples = {shapes({{2, 3, 7}}), shapes({{1, 1, 2}})},
       .empty = shapes({{2, 0, 7}}),
       .large = shapes({{8, 16, 900}}),
       .second_order = false});
  rows.push_back(
      {.name = "avg_pool2d_grad",
       .op =
           [](const Tensors& x) {
             return avg_pool2d_grad(x[0], {5, 6}, overlapping);
           },
       .reference =
           [](const Arrays& x) {
             return avg_pool_grad_of(x[0], {5, 6}, overlapping);
           },
       .samples = {shapes({{2, 3, 3, 7}}), shapes({{1, 1, 3, 7}})},
       .empty = shapes({{0, 3, 3, 7}}),
       .large = shapes({{100, 30, 3, 7}}),
       .second_order = false,
       .refusals = {{[] {
                       avg_pool2d_grad(make({1, 1, 3, 3}), {8, 8});
                     },
                     "[avg_pool2d_grad] dy must have the shape of the output, (1, 1, 4, 4), not (1, 1, 3, "
                     "3). Were the options the same in the forward pass?"}}});
  return rows;
}

}  // namespace

std::vector<OpRow> conv_rows() {
  std::vector<OpRow> rows = convolutions();
  for (OpRow& row : poolings()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
