#include <cmath>

#include <gradus/autograd/ops/norm.h>
#include <gradus/core/create.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

using Index = std::vector<std::int64_t>;

// Which optional inputs follow x, in this order.
struct Given {
  bool weight, bias;
};
constexpr Given all_combinations[] = {{false, false}, {true, false}, {false, true}, {true, true}};

// The weight and bias among the inputs, or what stands for them.
struct Affine {
  Tensor weight, bias;
  Affine(const Tensors& x, Given given, std::size_t first = 1) {
    if (given.weight) weight = x[first++];
    if (given.bias) bias = x[first];
  }
};
double affine(double z, const Arrays& x, Given given, std::int64_t channel, std::size_t first = 1) {
  if (given.weight) z *= x[first++][channel];
  return given.bias ? z + x[first][channel] : z;
}

// (x - mean) / sqrt(var + eps) over the elements that `same_group` says belong together with the one at i.
template <class SameGroup>
Array normalised(const Array& x, double eps, bool centred, const SameGroup& same_group) {
  Array y(x.shape);
  for_each_index(x.shape, [&](const Index& i) {
    double count = 0, sum = 0, squares = 0;
    for_each_index(x.shape, [&](const Index& j) {
      if (!same_group(i, j)) return;
      count += 1;
      sum += x.at(j);
    });
    const double mean = centred ? sum / count : 0;
    for_each_index(x.shape, [&](const Index& j) {
      if (same_group(i, j)) squares += (x.at(j) - mean) * (x.at(j) - mean);
    });
    y.at(i) = (x.at(i) - mean) / std::sqrt(squares / count + eps);
  });
  return y;
}

Call<Array> reference_of_rows(Given given, double eps, bool centred) {
  return [=](const Arrays& x) {
    Array y = normalised(x[0], eps, centred, [](const Index& i, const Index& j) {
      return std::equal(i.begin(), i.end() - 1, j.begin());
    });
    for_each_index(y.shape, [&](const Index& i) { y.at(i) = affine(y.at(i), x, given, i.back()); });
    return y;
  };
}

Call<Array> reference_of_batch(Given given, double eps) {
  return [=](const Arrays& x) {
    Array y = normalised(x[0], eps, true, [](const Index& i, const Index& j) { return i[1] == j[1]; });
    for_each_index(y.shape, [&](const Index& i) { y.at(i) = affine(y.at(i), x, given, i[1]); });
    return y;
  };
}

// x, mean and var, then weight and bias.
Call<Array> reference_of_inference(Given given, double eps) {
  return [=](const Arrays& x) {
    Array y(x[0].shape);
    for_each_index(y.shape, [&](const Index& i) {
      y.at(i) = affine((x[0].at(i) - x[1][i[1]]) / std::sqrt(x[2][i[1]] + eps), x, given, i[1], 3);
    });
    return y;
  };
}

// An input of this shape and those of the given kind for its channels.
Inputs with_affine(const Shape& shape, std::int64_t channels, Given given) {
  Inputs inputs = {{.shape = shape}};
  if (given.weight) inputs.push_back({.shape = {channels}});
  if (given.bias) inputs.push_back({.shape = {channels}});
  return inputs;
}

std::vector<Inputs> samples_of_rows(Given given) {
  std::vector<Inputs> samples;
  for (const Shape& shape : {Shape{3, 5}, Shape{2, 3, 17}, Shape{4}, Shape{4, 1}})
    samples.push_back(with_affine(shape, shape.back(), given));
  return samples;
}

// Channels that are adjacent in memory, and more of them than one group; channels of stretches; a single
// element each.
std::vector<Inputs> samples_of_batch(Given given) {
  std::vector<Inputs> samples;
  for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 5}, Shape{3, 35}, Shape{2, 2, 2, 3}, Shape{1, 3}})
    samples.push_back(with_affine(shape, shape[1], given));
  return samples;
}

std::vector<OpRow> layer_norm_rows() {
  std::vector<OpRow> rows;
  for (const Given given : all_combinations)
    rows.push_back({.name = "layer_norm",
                    .op =
                        [=](const Tensors& x) {
                          const Affine a(x, given);
                          return layer_norm(x[0], a.weight, a.bias);
                        },
                    .reference = reference_of_rows(given, 1e-5, true),
                    .samples = samples_of_rows(given),
                    .empty = with_affine({0, 3}, 3, given),
                    .large = with_affine({300, 257}, 257, given),
                    .definition =
                        [=](const Tensors& x) {
                          const Affine a(x, given);
                          return definition::layer_norm(x[0], a.weight, a.bias, 1e-5);
                        }});
  rows.back().refusals = {
      {[] {
         layer_norm(zeros({2, 3}, i64));
       },
       "[layer_norm] needs f32 or f64 elements, not i64. Convert with .to(f32)?"},
      {[] { layer_norm(zeros({})); },
       "[layer_norm] normalises over the last axis, and x of shape () has none. Reshape it to (1,)?"},
      {[] {
         layer_norm(zeros({2, 3}), zeros({2}));
       },
       "[layer_norm] weight has shape (2,); x of shape (2, 3) needs one element for each of its 3 channels. "
       "Of shape "
       "(3,)?"},
      {[] {
         layer_norm(zeros({2, 3}), {}, zeros({3}, f64));
       },
       "[layer_norm] dtypes do not mix: x is f32, bias is f64. Convert one with .to(f64)?"},
      {[] {
         layer_norm(zeros({2, 3}), {}, {}, -1);
       },
       "[layer_norm] eps keeps the square root off 0 and cannot be -1. 1e-5?"},
  };
  return rows;
}

std::vector<OpRow> rms_norm_rows() {
  std::vector<OpRow> rows;
  for (const Given given : {Given{false, false}, Given{true, false}})
    rows.push_back(
        {.name = "rms_norm",
         .op = [=](const Tensors& x) { return rms_norm(x[0], Affine(x, given).weight, 1e-3); },
         .reference = reference_of_rows(given, 1e-3, false),
         .samples = samples_of_rows(given),
         .empty = with_affine({2, 0}, 0, given),
         .large = with_affine({300, 257}, 257, given),
         .definition =
             [=](const Tensors& x) { return definition::rms_norm(x[0], Affine(x, given).weight, 1e-3); }});
  rows.back().refusals = {
      {[] { rms_norm(zeros({})); },
       "[rms_norm] normalises over the last axis, and x of shape () has none. Reshape it to (1,)?"},
      {[] {
         rms_norm(zeros({2, 3}), zeros({1, 3}));
       },
       "[rms_norm] weight has shape (1, 3); x of shape (2, 3) needs one element for each of its 3 channels. "
       "Of shape "
       "(3,)?"},
  };
  return rows;
}

std::vector<OpRow> batch_norm_rows() {
  std::vector<OpRow> rows;
  for (const Given given : all_combinations)
    rows.push_back(
        {.name = "batch_norm",
         .op =
             [=](const Tensors& x) {
               const Affine a(x, given);
               return batch_norm(x[0], a.weight, a.bias, 1e-2).y;
             },
         .reference = reference_of_batch(given, 1e-2),
         .samples = samples_of_batch(given),
         .empty = with_affine({2, 0, 3}, 0, given),
         .large = given.weight ? with_affine({1100, 70}, 70, given) : with_affine({5, 3, 81, 91}, 3, given),
         .definition =
             [=](const Tensors& x) {
               const Affine a(x, given);
               return definition::batch_norm(x[0], a.weight, a.bias, 1e-2);
             }});
  rows.back().refusals = {
      {[] { batch_norm(zeros({3})); },
       "[batch_norm] x must be (B, C, ...), batch first, channels second, not (3,). Unsqueeze an axis?"},
      {[] {
         batch_norm(zeros({0, 3}));
       },
       "[batch_norm] x of shape (0, 3) has no elements to take a channel's mean of. Leave empty batches out, "
       "or use "
       "batch_norm_inference?"},
      {[] {
         batch_norm(zeros({2, 3, 4}), zeros({4}));
       },
       "[batch_norm] weight has shape (4,); x of shape (2, 3, 4) needs one element for each of its 3 "
       "channels. Of "
       "shape (3,)?"},
  };
  return rows;
}

std::vector<OpRow> batch_norm_inference_rows() {
  std::vector<OpRow> rows;
  for (const Given given : all_combinations) {
    const auto inputs = [=](const Shape& shape) {
      Inputs all = with_affine(shape, shape[1], given);
      const Inputs statistics = {{.shape = {shape[1]}}, {.shape = {shape[1]}, .low = 0.5, .high = 2}};
      all.insert(all.begin() + 1, statistics.begin(), statistics.end());
      return all;
    };
    OpRow row{.name = "batch_norm_inference",
              .op =
                  [=](const Tensors& x) {
                    const Affine a(x, given, 3);
                    return batch_norm_inference(x[0], x[1], x[2], a.weight, a.bias);
                  },
              .reference = reference_of_inference(given, 1e-5),
              .samples = {},
              .empty = inputs({0, 2, 3}),
              .large = inputs({5, 3, 81, 91}),
              .definition =
                  [=](const Tensors& x) {
                    const Affine a(x, given, 3);
                    return definition::batch_norm_inference(x[0], x[1], x[2], a.weight, a.bias, 1e-5);
                  }};
    for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 5}, Shape{1, 1}})
      row.samples.push_back(inputs(shape));
    rows.push_back(row);
  }
  rows.back().refusals = {
      {[] {
         batch_norm_inference(zeros({2, 3}), zeros({3}), {});
       },
       "[batch_norm_inference] needs the mean and var of each channel; one of them is undefined. batch_norm "
       "computes "
       "them?"},
      {[] {
         batch_norm_inference(zeros({2, 3}), zeros({3}), zeros({2}));
       },
       "[batch_norm_inference] var has shape (2,); x of shape (2, 3) needs one element for each of its 3 "
       "channels. Of "
       "shape (3,)?"},
  };
  return rows;
}

// A group is `groups` times smaller than the channels; its elements in one row of the batch belong together.
Call<Array> reference_of_groups(std::int64_t groups, Given given) {
  return [=](const Arrays& x) {
    const std::int64_t channels = x[0].size(1), in_group = channels / groups;
    Array y = normalised(x[0], 1e-5, true, [=](const Index& i, const Index& j) {
      return i[0] == j[0] && i[1] / in_group == j[1] / in_group;
    });
    for_each_index(y.shape, [&](const Index& i) { y.at(i) = affine(y.at(i), x, given, i[1]); });
    return y;
  };
}

std::vector<OpRow> group_norm_rows() {
  std::vector<OpRow> rows;
  for (const std::int64_t groups : {1, 2, 4})
    for (const Given given : all_combinations)
      rows.push_back({.name = "group_norm",
                      .op =
                          [=](const Tensors& x) {
                            const Affine a(x, given);
                            return group_norm(x[0], groups, a.weight, a.bias);
                          },
                      .reference = reference_of_groups(groups, given),
                      .samples = {with_affine({2, 4, 3}, 4, given), with_affine({1, 4, 2, 3}, 4, given)},
                      .empty = with_affine({0, 4, 3}, 4, given),
                      .large = with_affine({24, 4, 31, 33}, 4, given)});
  rows.back().refusals = {
      {[] { group_norm(zeros({4}), 2); },
       "[group_norm] x must be (B, C, ...), batch first, channels second, not (4,). Unsqueeze an axis?"},
      {[] {
         group_norm(zeros({2, 4, 3}), 3);
       },
       "[group_norm] the 4 channels of x, of shape (2, 4, 3), do not make 3 equal groups. A number that "
       "divides 4?"},
      {[] {
         group_norm(zeros({2, 4, 3}), 2, zeros({2}));
       },
       "[group_norm] weight has shape (2,); x of shape (2, 4, 3) needs one element for each of its 4 "
       "channels. Of shape (4,)?"},
      {[] {
         group_norm(zeros({2, 4}), 2, {}, {}, -1);
       },
       "[group_norm] eps keeps the square root off 0 and cannot be -1. 1e-5?"},
  };
  return rows;
}

}  // namespace

std::vector<OpRow> norm_rows() {
  std::vector<OpRow> rows;
  for (const auto& some : {layer_norm_rows(), rms_norm_rows(), batch_norm_rows(), batch_norm_inference_rows(),
                           group_norm_rows()})
    rows.insert(rows.end(), some.begin(), some.end());
  return rows;
}

}  // namespace gradus::test
