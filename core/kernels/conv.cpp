#include <gradus/core/kernels/conv.h>

#include <algorithm>
#include <cmath>

#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/gemm.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/optional.h>

namespace gradus::kernels {
namespace {

// How many pieces the work is cut into at most where pieces cost memory or time.
constexpr std::int64_t few_pieces = 8;

struct Range {
  std::int64_t begin, end;
};

// The places p in [0, places) at which element `i` of the kernel reads inside the axis.
Range places_inside(const Window& window, std::int64_t i, std::int64_t size, std::int64_t places) {
  // Inside: shift <= p * stride < size + shift
  const std::int64_t shift = window.padding - i * window.dilation;
  const auto first_from = [&](std::int64_t at) {
    return at <= 0 ? 0 : (at + window.stride - 1) / window.stride;
  };
  const std::int64_t begin = std::min(first_from(shift), places);
  return {begin, std::clamp(first_from(size + shift), begin, places)};
}

// One image's plane seen through the window: for element (i, j) of the kernel, body(place row, source row,
// columns inside, source column of place column 0) for each place row in [first, last) that reads inside.
struct Planes {
  std::int64_t height, width, places_down, places_across;
  Window down, across;

  Planes(std::int64_t h, std::int64_t w, const Window2d& window)
      : height(h),
        width(w),
        places_down(window[0].places(h)),
        places_across(window[1].places(w)),
        down(window[0]),
        across(window[1]) {}
  std::int64_t elements() const { return height * width; }
  std::int64_t places() const { return places_down * places_across; }
  std::int64_t kernel() const { return down.kernel * across.kernel; }
  // Every place reads the element of the same index, as a (1, 1) kernel does.
  bool is_identity() const {
    return kernel() == 1 && down.stride == 1 && across.stride == 1 && down.padding == 0 &&
           across.padding == 0;
  }

  template <class Body>
  void each_row(std::int64_t i, std::int64_t j, std::int64_t first, std::int64_t last,
                const Body& body) const {
    const Range rows = places_inside(down, i, height, places_down);
    const Range columns = places_inside(across, j, width, places_across);
    const std::int64_t from_row = i * down.dilation - down.padding,
                       from_column = j * across.dilation - across.padding;
    for (std::int64_t row = std::max(rows.begin, first); row < std::min(rows.end, last); ++row)
      body(row, (row * down.stride + from_row) * width + from_column, columns);
  }
};

// What the three convolutions share. An image is worked on in blocks of place rows, so that its columns, the
// matrix (C * KH * KW, places of the block) of what each place reads, stay small.
struct Convolution {
  std::int64_t images, channels, filters;
  Planes planes;
  std::int64_t patch;           // C * KH * KW
  std::int64_t rows_per_block;  // place rows
  std::int64_t blocks;          // in one image

  Convolution(std::int64_t b, std::int64_t c, std::int64_t o, std::int64_t h, std::int64_t w,
              const Window2d& window)
      : images(b), channels(c), filters(o), planes(h, w, window), patch(c * planes.kernel()) {
    // The weights are brought into BLAS's order once a block: 256 places make that cheap.
    const std::int64_t wanted =
        std::max<std::int64_t>((std::int64_t{1} << 18) / std::max<std::int64_t>(patch, 1), 256);
    rows_per_block = std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(planes.places_across, 1), 1,
                                              std::max<std::int64_t>(planes.places_down, 1));
    blocks = (planes.places_down + rows_per_block - 1) / rows_per_block;
  }
  std::int64_t image_size() const { return channels * planes.elements(); }
  std::int64_t output_size() const { return filters * planes.places(); }
  std::int64_t block_products() const { return rows_per_block * planes.places_across * patch * filters; }

  Range block_rows(std::int64_t block) const {
    return {block * rows_per_block, std::min((block + 1) * rows_per_block, planes.places_down)};
  }
  template <class T>
  Matrix<T> block_of_output(T* image, const Range& rows) const {
    return row_major(image, filters, planes.places())
        .from_column(rows.begin * planes.places_across, (rows.end - rows.begin) * planes.places_across);
  }

  // Memory for the columns of one block; none where the image itself is that matrix.
  Tensor column_memory(std::int64_t of_channels, DType dtype) const {
    if (planes.is_identity()) return {};
    return Tensor::empty({of_channels * planes.kernel(), rows_per_block * planes.places_across}, dtype,
                         "conv2d");
  }

  // The columns of a block, from an image (C, H, W).
  template <class T>
  Matrix<const T> columns(const T* image, const Range& rows, const Tensor& memory) const {
    const std::int64_t across = planes.places_across, width = (rows.end - rows.begin) * across;
    if (planes.is_identity())
      return row_major(image, channels, planes.elements()).from_column(rows.begin * across, width);
    T* to = memory.data<T>();
    const std::int64_t step = planes.across.stride;
    for (std::int64_t c = 0; c < channels; ++c, image += planes.elements())
      for (std::int64_t i = 0; i < planes.down.kernel; ++i)
        for (std::int64_t j = 0; j < planes.across.kernel; ++j, to += width) {
          T* filled = to;
          planes.each_row(
              i, j, rows.begin, rows.end, [&](std::int64_t row, std::int64_t from, const Range& inside) {
                T* const line = to + (row - rows.begin) * across;
                std::fill(filled, line + inside.begin, T(0));
                if (step == 1)
                  std::copy(image + from + inside.begin, image + from + inside.end, line + inside.begin);
                else
                  for (std::int64_t p = inside.begin; p < inside.end; ++p) line[p] = image[from + p * step];
                filled = line + inside.end;
              });
          std::fill(filled, to + width, T(0));
        }
    return row_major<const T>(memory.data<T>(), patch, width);
  }

  // The other way: each column's elements added to where they were read from, in `count` channels.
  template <class T>
  void add_columns(const T* columns, const Range& rows, std::int64_t count, T* image) const {
    const std::int64_t across = planes.places_across, width = (rows.end - rows.begin) * across;
    const std::int64_t step = planes.across.stride;
    for (std::int64_t c = 0; c < count; ++c, image += planes.elements())
      for (std::int64_t i = 0; i < planes.down.kernel; ++i)
        for (std::int64_t j = 0; j < planes.across.kernel; ++j, columns += width)
          planes.each_row(i, j, rows.begin, rows.end,
                          [&](std::int64_t row, std::int64_t to, const Range& inside) {
                            const T* const line = columns + (row - rows.begin) * across;
                            if (step == 1) {
#pragma omp simd
                              for (std::int64_t p = inside.begin; p < inside.end; ++p)
                                image[to + p] += line[p];
                            } else {
                              for (std::int64_t p = inside.begin; p < inside.end; ++p)
                                image[to + p * step] += line[p];
                            }
                          });
  }
};

Convolution convolution_of(const Shape& image, const Shape& weight, const Window2d& window) {
  return {image[0], image[1], weight[0], image[2], image[3], window};
}

}  // namespace

// y = w columns + bias for each block
Tensor conv2d(const Tensor& any_x, const Tensor& any_w, const Tensor& bias, const Window2d& window) {
  const Tensor x = contiguous(any_x), w = contiguous(any_w), b = contiguous_if(bias);
  const Convolution conv = convolution_of(x.shape(), w.shape(), window);
  Tensor y = Tensor::empty({conv.images, conv.filters, conv.planes.places_down, conv.planes.places_across},
                           x.dtype(), "conv2d");
  if (y.numel() == 0) return y;
  dispatch_floating(x.dtype(), "conv2d", [&]<class T>() {
    const Matrix<const T> weight = row_major<const T>(w.data<T>(), conv.filters, conv.patch);
    const T* const added = data_if<T>(b);
    parallel_for(conv.images * conv.blocks, worth_a_thread(conv.block_products(), product_grain),
                 [&](std::int64_t begin, std::int64_t end) {
                   const Tensor memory = conv.column_memory(conv.channels, x.dtype());
                   for (std::int64_t task = begin; task < end; ++task) {
                     const std::int64_t image = task / conv.blocks;
                     const Range rows = conv.block_rows(task % conv.blocks);
                     const Matrix<T> to =
                         conv.block_of_output(y.data<T>() + image * conv.output_size(), rows);
                     if (added != nullptr)
                       for (std::int64_t o = 0; o < to.rows; ++o)
                         std::fill_n(to.data + o * to.row_stride, to.columns, added[o]);
                     gemm(weight, conv.columns(x.data<T>() + image * conv.image_size(), rows, memory), to,
                          added != nullptr);
                   }
                 });
  });
  return y;
}

// columns of dx = w^T dy for each block, added up where the windows overlap
Tensor conv2d_input_grad(const Tensor& any_dy, const Tensor& any_w, std::int64_t height, std::int64_t width,
                         const Window2d& window) {
  const Tensor dy = contiguous(any_dy), w = contiguous(any_w);
  const Shape shape{dy.shape()[0], w.shape()[1], height, width};
  const Convolution conv = convolution_of(shape, w.shape(), window);
  Tensor dx = Tensor::empty(shape, dy.dtype(), "conv2d_input_grad");
  if (dx.numel() == 0) return dx;
  // A task has some channels of one image to itself, so that no two add to the same element.
  const std::int64_t wanted = std::max<std::int64_t>(few_pieces / conv.images, 1);
  const std::int64_t part = (conv.channels + wanted - 1) / wanted, parts = (conv.channels + part - 1) / part;
  dispatch_floating(dy.dtype(), "conv2d_input_grad", [&]<class T>() {
    const Matrix<const T> weight = row_major<const T>(w.data<T>(), conv.filters, conv.patch);
    parallel_for(
        conv.images * parts, worth_a_thread(conv.block_products() * conv.blocks / parts, product_grain),
        [&](std::int64_t begin, std::int64_t end) {
          const Tensor memory = conv.column_memory(part, dy.dtype());
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t image = task / parts, channel = task % parts * part;
            const std::int64_t count = std::min(part, conv.channels - channel), kernel = conv.planes.kernel();
            const Matrix<const T> turned = weight.from_column(channel * kernel, count * kernel).transposed();
            T* const to = dx.data<T>() + image * conv.image_size() + channel * conv.planes.elements();
            std::fill_n(to, count * conv.planes.elements(), T(0));
            for (std::int64_t block = 0; block < conv.blocks; ++block) {
              const Range rows = conv.block_rows(block);
              const Matrix<const T> from =
                  conv.block_of_output<const T>(dy.data<T>() + image * conv.output_size(), rows);
              if (conv.planes.is_identity()) {
                gemm(turned, from,
                     row_major(to, count, conv.planes.elements())
                         .from_column(rows.begin * conv.planes.places_across, from.columns));
                continue;
              }
              gemm(turned, from, row_major(memory.data<T>(), count * kernel, from.columns));
              conv.add_columns<T>(memory.data<T>(), rows, count, to);
            }
          }
        });
  });
  return dx;
}

// dw = sum over images and blocks of dy columns^T. A few pieces of that sum are added up apart from each
// other, each in memory of its own, and then together in their order.
Tensor conv2d_weight_grad(const Tensor& any_dy, const Tensor& any_x, const Window2d& window) {
  const Tensor dy = contiguous(any_dy), x = contiguous(any_x);
  const Shape shape{dy.shape()[1], x.shape()[1], window[0].kernel, window[1].kernel};
  const Convolution conv = convolution_of(x.shape(), shape, window);
  const std::int64_t tasks = conv.images * conv.blocks, size = numel_of(shape, "conv2d_weight_grad");
  if (size == 0 || tasks == 0 || conv.planes.places() == 0) return full(shape, 0, dy.dtype());
  const std::int64_t most = std::clamp<std::int64_t>((std::int64_t{1} << 22) / size, 2, few_pieces);
  const std::int64_t piece =
      std::max((tasks + most - 1) / most, worth_a_thread(conv.block_products(), product_grain));
  const std::int64_t pieces = (tasks + piece - 1) / piece;
  Tensor dw = Tensor::empty(shape, dy.dtype(), "conv2d_weight_grad");
  const Tensor apart = Tensor::empty({pieces - 1, size}, dy.dtype(), "conv2d_weight_grad");
  dispatch_floating(dy.dtype(), "conv2d_weight_grad", [&]<class T>() {
    parallel_for(tasks, piece, [&](std::int64_t begin, std::int64_t end) {
      const Tensor memory = conv.column_memory(conv.channels, x.dtype());
      T* const to = begin == 0 ? dw.data<T>() : apart.data<T>() + (begin / piece - 1) * size;
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t image = task / conv.blocks;
        const Range rows = conv.block_rows(task % conv.blocks);
        gemm(conv.block_of_output<const T>(dy.data<T>() + image * conv.output_size(), rows),
             conv.columns(x.data<T>() + image * conv.image_size(), rows, memory).transposed(),
             row_major(to, conv.filters, conv.patch), task > begin);
      }
    });
    T *const sum = dw.data<T>(), *const more = apart.data<T>();
    parallel_for(size, cheap_grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t p = 0; p < pieces - 1; ++p)
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) sum[i] += more[p * size + i];
    });
  });
  return dw;
}

namespace {

// The part of an axis that a pooling window covers at a place.
Range covered(const Window& window, std::int64_t place, std::int64_t size) {
  const std::int64_t begin = place * window.stride - window.padding;
  return {std::max<std::int64_t>(begin, 0), std::min(begin + window.kernel, size)};
}

// Where in a plane the largest element of a rectangle stands.
template <class T>
std::int64_t place_of_largest(const T* plane, std::int64_t width, const Range& rows, const Range& columns) {
  std::int64_t best = rows.begin * width + columns.begin;
  for (std::int64_t row = rows.begin; row < rows.end; ++row)
    for (std::int64_t at = row * width + columns.begin; at < row * width + columns.end; ++at)
      if (plane[at] > plane[best] || (std::isnan(plane[at]) && !std::isnan(plane[best]))) best = at;
  return best;
}

}  // namespace

MaxPooled max_pool2d(const Tensor& any_x, const Window2d& window) {
  const Tensor x = contiguous(any_x);
  const Planes planes(x.shape()[2], x.shape()[3], window);
  const Shape shape{x.shape()[0], x.shape()[1], planes.places_down, planes.places_across};
  const MaxPooled pooled{Tensor::empty(shape, x.dtype(), "max_pool2d"),
                         Tensor::empty(shape, i64, "max_pool2d")};
  dispatch_floating(x.dtype(), "max_pool2d", [&]<class T>() {
    parallel_for(x.shape()[0] * x.shape()[1], worth_a_thread(planes.places() * planes.kernel(), cheap_grain),
                 [&](std::int64_t begin, std::int64_t end) {
                   const T* plane = x.data<T>() + begin * planes.elements();
                   T* y = pooled.y.data<T>() + begin * planes.places();
                   std::int64_t* position = pooled.positions.data<std::int64_t>() + begin * planes.places();
                   for (; begin < end; ++begin, plane += planes.elements())
                     for (std::int64_t i = 0; i < planes.places_down; ++i) {
                       const Range rows = covered(planes.down, i, planes.height);
                       for (std::int64_t j = 0; j < planes.places_across; ++j) {
                         const Range columns = covered(planes.across, j, planes.width);
                         *position = place_of_largest(plane, planes.width, rows, columns);
                         *y++ = plane[*position++];
                       }
                     }
                 });
  });
  return pooled;
}

namespace {

// Calls body(plane, element of the kernel by row and column) over all planes, in parallel.
template <class Body>
void each_plane(std::int64_t count, const Planes& planes, const Body& body) {
  parallel_for(count, worth_a_thread(planes.places() * planes.kernel(), cheap_grain),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t plane = begin; plane < end; ++plane)
                   for (std::int64_t i = 0; i < planes.down.kernel; ++i)
                     for (std::int64_t j = 0; j < planes.across.kernel; ++j) body(plane, i, j);
               });
}

}  // namespace

Tensor avg_pool2d(const Tensor& any_x, const Window2d& window) {
  const Tensor x = contiguous(any_x);
  const Planes planes(x.shape()[2], x.shape()[3], window);
  Tensor y = full({x.shape()[0], x.shape()[1], planes.places_down, planes.places_across}, 0, x.dtype());
  dispatch_floating(x.dtype(), "avg_pool2d", [&]<class T>() {
    const T share = T(1) / static_cast<T>(planes.kernel());
    each_plane(x.shape()[0] * x.shape()[1], planes, [&](std::int64_t plane, std::int64_t i, std::int64_t j) {
      const T* const from = x.data<T>() + plane * planes.elements();
      T* const to = y.data<T>() + plane * planes.places();
      planes.each_row(i, j, 0, planes.places_down,
                      [&](std::int64_t row, std::int64_t at, const Range& inside) {
                        for (std::int64_t p = inside.begin; p < inside.end; ++p)
                          to[row * planes.places_across + p] += share * from[at + p * planes.across.stride];
                      });
    });
  });
  return y;
}

Tensor avg_pool2d_grad(const Tensor& any_dy, std::int64_t height, std::int64_t width,
                       const Window2d& window) {
  const Tensor dy = contiguous(any_dy);
  const Planes planes(height, width, window);
  Tensor dx = full({dy.shape()[0], dy.shape()[1], height, width}, 0, dy.dtype());
  dispatch_floating(dy.dtype(), "avg_pool2d_grad", [&]<class T>() {
    const T share = T(1) / static_cast<T>(planes.kernel());
    each_plane(
        dy.shape()[0] * dy.shape()[1], planes, [&](std::int64_t plane, std::int64_t i, std::int64_t j) {
          const T* const from = dy.data<T>() + plane * planes.places();
          T* const to = dx.data<T>() + plane * planes.elements();
          planes.each_row(
              i, j, 0, planes.places_down, [&](std::int64_t row, std::int64_t at, const Range& inside) {
                for (std::int64_t p = inside.begin; p < inside.end; ++p)
                  to[at + p * planes.across.stride] += share * from[row * planes.places_across + p];
              });
        });
  });
  return dx;
}

}  // namespace gradus::kernels
