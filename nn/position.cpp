#include <gradus/nn/position.h>

#include <algorithm>
#include <cmath>

#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/core/create.h>
#include <gradus/nn/init.h>

namespace gradus::nn {
namespace {

void check_sizes(std::int64_t width, std::int64_t max_length, const char* op) {
  check(width > 0 && max_length > 0, op, "needs sizes above 0; got width ", width, " and max_length ",
        max_length, ". Set both?");
}

void check_input(const Tensor& x, std::int64_t width, std::int64_t offset, const char* op) {
  check(x.rank() >= 2 && x.size(-1) == width, op, "x must be (..., T, ", width, "), not ", x.shape(),
        ". Transpose it, or make the layer with that width?");
  check(offset >= 0, op, "the offset is the number of tokens before x, not ", offset, ". 0?");
}

// The rows of the positions of x.
Tensor rows_for(const Tensor& x, const Tensor& table, std::int64_t offset, const char* op) {
  const std::int64_t end = offset + x.size(-2);
  check(end <= table.size(0), op, "a sequence of ", end, " tokens is longer than max_length ", table.size(0),
        ". Cut it, or make the layer with a max_length of ", end, "?");
  return table.slice(0, offset, end);
}

}  // namespace

Tensor sinusoids(std::int64_t count, std::int64_t width, double base, DType dtype) {
  check(base > 0, "sinusoids", "the base of the wave lengths must be above 0, not ", base, ". 10,000?");
  Tensor table = zeros({count, width}, f64);
  double* const row = table.data<double>();
  for (std::int64_t i = 0; i < width; ++i) {
    const double frequency = std::pow(base, -static_cast<double>(i - i % 2) / static_cast<double>(width));
    for (std::int64_t p = 0; p < count; ++p) {
      const double angle = static_cast<double>(p) * frequency;
      row[p * width + i] = i % 2 == 0 ? std::sin(angle) : std::cos(angle);
    }
  }
  return table.to(dtype);
}

PositionalEncoding::PositionalEncoding(const Options& o) : options(o) {
  check_sizes(o.width, o.max_length, "positional_encoding");
  if (o.position == Position::learned) weight = normal({o.max_length, o.width}, 0, 1).requires_grad_();
  if (o.position == Position::sinusoidal) table_ = sinusoids(o.max_length, o.width, 10000, f64);
}

Tensor PositionalEncoding::operator()(const Tensor& x, std::int64_t offset) const {
  const Call call(*this);
  const char* const op = "positional_encoding";
  check_input(x, options.width, offset, op);
  const auto index = [&] {  // (T, 1)
    const std::int64_t end = offset + x.size(-2);
    return arange(static_cast<double>(offset), static_cast<double>(end), 1, x.dtype()).unsqueeze(-1);
  };
  switch (options.position) {
    case Position::none:
    case Position::rotary:
      return x;
    case Position::index:
      return x + index();
    case Position::normalised: {
      const std::int64_t last = offset + x.size(-2) - 1;
      return x + index() / static_cast<double>(std::max<std::int64_t>(1, last));
    }
    case Position::sinusoidal:
      return x + rows_for(x, table_, offset, op).to(x.dtype());
    case Position::learned:
      return x + rows_for(x, weight, offset, op);
  }
  fail(op, "there is no such position. One of enum Position?");
}

Rotary::Rotary(const Options& o) : options(o) {
  check_sizes(o.width, o.max_length, "rotary");
  check(o.width % 2 == 0, "rotary", "turns pairs of features, and a width of ", o.width,
        " is odd. An even width for each head?");
  table_ = sinusoids(o.max_length, o.width, o.base, f64);
}

Tensor Rotary::operator()(const Tensor& x, std::int64_t offset) const {
  const Call call(*this);
  check_input(x, options.width, offset, "rotary");
  return rotary(x, rows_for(x, table_, offset, "rotary").to(x.dtype()));
}

}  // namespace gradus::nn
