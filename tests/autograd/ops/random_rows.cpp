#include <cmath>

#include <gradus/autograd/ops/random.h>
#include <gradus/core/create.h>

#include "support/op_table.h"

namespace gradus::test {
namespace {

constexpr RandomState place{.seed = 0x1234567890abcdef,
                            .counter = 0xfffffffe};  // the counter's lower half runs over

// The 32-bit word that element i reads: lane i % 4 of block i / 4.
std::uint32_t word_of(std::int64_t i) {
  const std::uint64_t block = place.counter + static_cast<std::uint64_t>(i / 4);
  return philox(
      {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0},
      {static_cast<std::uint32_t>(place.seed), static_cast<std::uint32_t>(place.seed >> 32)})[i % 4];
}

// An element stays where its word, as a fraction of 2^32, is below 1 - p.
Call<Array> dropout_reference(double p) {
  return [p](const Arrays& x) {
    Array y(x[0].shape);
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      const bool stays = word_of(static_cast<std::int64_t>(i)) / std::ldexp(1.0, 32) < 1 - p;
      y.values[i] = stays ? x[0].values[i] / (1 - p) : 0;
    }
    return y;
  };
}

OpRow dropout_row(double p) {
  return {.name = "dropout",
          .op = [p](const Tensors& x) { return dropout(x[0], p, place); },
          .reference = dropout_reference(p),
          .samples = {{{.shape = {5, 13}}}, {{.shape = {1}}}, {{.shape = {}}}, {{.shape = {3, 1, 9}}}},
          .empty = {{.shape = {0, 3}}},
          .large = p > 0 ? Inputs{{.shape = {257, 259}}} : Inputs{},
          .definition = [p](const Tensors& x) { return definition::dropout(x[0], p, place); },
          .refusals = {}};
}

}  // namespace

std::vector<OpRow> random_rows() {
  std::vector<OpRow> rows;
  for (const double p : {0.0, 0.1, 0.5, 1.0}) rows.push_back(dropout_row(p));
  rows.back().refusals = {{[] { dropout(zeros({2}), 1.5); },
                           "[dropout] p is the probability of dropping an element, between 0 and 1; this one "
                           "is 1.5. Divide a percentage by "
                           "100?"},
                          {[] { dropout(zeros({2}), -0.1); },
                           "[dropout] p is the probability of dropping an element, between 0 and 1; this one "
                           "is -0.1. Divide a percentage by "
                           "100?"},
                          {[] { dropout(zeros({2}, i64), 0.5); },
                           "[dropout] needs f32 or f64 elements, not i64. Convert with .to(f32)?"}};
  return rows;
}

}  // namespace gradus::test
