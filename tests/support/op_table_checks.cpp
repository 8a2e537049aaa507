#include "support/op_table_checks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <regex>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/gradcheck_matcher.h>
#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/parallel.h>
#include <gradus/core/random.h>

#include "support/catch.h"

namespace gradus::test {
namespace {

// Rounding in f64 grows with the number of terms; no sample has more than a few hundred.
constexpr double f64_tolerance = 1e-11;
// Relative to the largest element of the result: f32 has 6e-8, and products and sums of a few hundred terms
// lose some.
constexpr double f32_tolerance = 1e-5;

double largest(const Array& x) {
  double most = 1;
  for (const double value : x.values)
    if (std::isfinite(value)) most = std::max(most, std::abs(value));
  return most;
}

// Equal shapes, and elements within `tolerance` of the largest one. Infinities must be the same, NaN meet
// NaN.
void require_close(const Array& got, const Array& expected, double tolerance, const std::string& what) {
  INFO(what);
  REQUIRE(got.shape == expected.shape);
  const double allowed = tolerance * largest(expected);
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    const double a = got.values[i], b = expected.values[i];
    if (a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= allowed) continue;
    INFO("element " << i << ": got " << a << ", expected " << b << ", allowed " << allowed);
    REQUIRE(std::abs(a - b) <= allowed);
  }
}

// Cotangents that are not all alike: a plain sum hides the errors of softmax and of norms.
Tensors cotangents_for(const Tensors& outputs) {
  Tensors all;
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    if (!outputs[k].requires_grad()) {
      all.emplace_back();
      continue;
    }
    all.push_back(draw({{.shape = outputs[k].shape(), .low = -1, .high = 1, .differentiable = false}},
                       outputs[k].dtype(), 1000 + k)[0]);
  }
  return all;
}

// The outputs' gradients with respect to every input that has one; undefined where there is none.
Tensors gradients(const Tensors& outputs, const Tensors& inputs, bool create_graph = false) {
  Tensors used, seeds, wanted;
  const Tensors cotangents = cotangents_for(outputs);
  for (std::size_t k = 0; k < outputs.size(); ++k)
    if (cotangents[k].defined()) {
      used.push_back(outputs[k]);
      seeds.push_back(cotangents[k]);
    }
  for (const Tensor& input : inputs)
    if (input.requires_grad()) wanted.push_back(input);
  if (used.empty() || wanted.empty()) return {};
  return grad(used, wanted, seeds, {.create_graph = create_graph, .allow_unused = true});
}

void require_all_close(const Tensors& got, const Tensors& expected, double tolerance,
                       const std::string& what) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    INFO(what << " " << k);
    if (!got[k].defined() || !expected[k].defined()) {
      // No gradient at all and a gradient of zeros say the same.
      for (const Tensor& one : {got[k], expected[k]})
        if (one.defined())
          for (const double value : Array(one).values) REQUIRE(value == 0);
      continue;
    }
    require_close(Array(got[k]), Array(expected[k]), tolerance, what);
  }
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.defined() != b.defined()) return false;
  if (!a.defined()) return true;
  const Tensor x = kernels::contiguous(a), y = kernels::contiguous(b);
  return x.shape() == y.shape() && x.dtype() == y.dtype() &&
         std::memcmp(x.block().data, y.block().data, static_cast<std::size_t>(x.bytes())) == 0;
}

template <class Body>
void for_each_sample(const OpRow& row, const Body& body) {
  for (std::size_t s = 0; s < row.samples.size(); ++s) {
    INFO("op " << row.name << ", sample " << s);
    body(row.samples[s], 17 * s + 1);
  }
}

}  // namespace

void check_value(const OpRow& row) {
  REQUIRE_FALSE(row.samples.empty());
  REQUIRE(row.reference);
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    const Tensors inputs = draw(sample, f64, seed);
    Arrays plain;
    for (const Tensor& input : inputs) plain.emplace_back(input);
    const Tensors outputs = row.op(inputs);
    const Arrays expected = row.reference(plain);
    REQUIRE(outputs.size() == expected.size());
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      REQUIRE(static_cast<std::int64_t>(expected[k].values.size()) == outputs[k].numel());
      require_close(Array(outputs[k]), expected[k], f64_tolerance, "output " + std::to_string(k));
    }
  });
}

void check_gradients(const OpRow& row) {
  if (!row.differentiable) return;
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    const Tensors inputs = draw(sample, f64, seed);
    std::vector<NamedTensor> named;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].requires_grad()) named.push_back({"input " + std::to_string(i), inputs[i]});
    const auto differentiable_outputs = [&] {
      Tensors outputs = row.op(inputs);
      std::erase_if(outputs, [](const Tensor& y) { return !is_floating(y.dtype()); });
      return outputs;
    };
    REQUIRE_THAT(gradcheck(differentiable_outputs, named, {.second_order = row.second_order}),
                 passes_gradcheck());
  });
}

void check_definition(const OpRow& row) {
  if (!row.definition) return;
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    // The fused op records first and is then differentiated twice, so that its own rule is what is compared.
    const auto derivatives = [&](const Call<Tensor>& f) {
      const Tensors inputs = draw(sample, f64, seed);
      const Tensors outputs = f(inputs);
      const Tensors plain = gradients(f(inputs), inputs), first = gradients(outputs, inputs, true);
      Tensors defined = first;
      std::erase_if(defined, [](const Tensor& g) { return !g.defined() || !g.requires_grad(); });
      return std::array{outputs, plain, first, gradients(defined, inputs)};
    };
    const auto fused = derivatives(row.op), defined = derivatives(row.definition);
    require_all_close(fused[0], defined[0], f64_tolerance, "output");
    require_all_close(fused[1], defined[1], f64_tolerance, "gradient");
    require_all_close(fused[2], defined[2], f64_tolerance, "gradient under create_graph");
    require_all_close(fused[3], defined[3], 10 * f64_tolerance, "second gradient");
  });
}

void check_strides(const OpRow& row) {
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    const Tensors plain = draw(sample, f64, seed), strided = draw(sample, f64, seed, true);
    const Tensors expected = row.op(plain), got = row.op(strided);
    require_all_close(got, expected, f64_tolerance, "output from strided inputs");
    require_all_close(gradients(got, strided), gradients(expected, plain), f64_tolerance,
                      "gradient from strided inputs");
  });
}

void check_empty(const OpRow& row) {
  INFO("op " << row.name);
  REQUIRE_FALSE(row.empty.empty());
  const bool has_zero = std::any_of(row.empty.begin(), row.empty.end(), [](const Input& input) {
    return std::find(input.shape.begin(), input.shape.end(), 0) != input.shape.end();
  });
  REQUIRE(has_zero);
  const Tensors inputs = draw(row.empty, f64, 1);
  if (row.refuses_empty) {
    REQUIRE_THROWS_AS(row.op(inputs), Error);
    return;
  }
  Arrays plain;
  for (const Tensor& input : inputs) plain.emplace_back(input);
  const Tensors outputs = row.op(inputs);
  const Arrays expected = row.reference(plain);
  for (std::size_t k = 0; k < outputs.size(); ++k)
    require_close(Array(outputs[k]), expected[k], f64_tolerance, "output of an empty input");
  if (!row.differentiable) return;
  const Tensors got = gradients(outputs, inputs);
  std::size_t next = 0;
  for (const Tensor& input : inputs) {
    if (!input.requires_grad() || got.empty()) continue;
    const Tensor& gradient = got[next++];
    if (gradient.defined()) REQUIRE(gradient.shape() == input.shape());
  }
}

void check_f32(const OpRow& row) {
  const bool has_floats = std::any_of(row.samples[0].begin(), row.samples[0].end(),
                                      [](const Input& input) { return is_floating(input.dtype); });
  if (!has_floats) return;
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    const Tensors narrow = draw(sample, f32, seed), wide = draw(sample, f64, seed);
    const Tensors got = row.op(narrow), expected = row.definition ? row.definition(wide) : row.op(wide);
    for (const Tensor& output : got) REQUIRE(output.dtype() != f64);
    require_all_close(got, expected, f32_tolerance, "f32 output");
    require_all_close(gradients(got, narrow), gradients(expected, wide), f32_tolerance, "f32 gradient");
  });
}

void check_threads(const OpRow& row) {
  if (row.large.empty()) return;
  const int before = threads();
  // In f64 as well: sums of f32 numbers run in double, and rounding the result hides in what order.
  for (const DType dtype : {f32, f64}) {
    INFO("op " << row.name << " in " << name_of(dtype));
    const auto results = [&](int count) {
      set_threads(count);
      const Tensors inputs = draw(row.large, dtype, 3);
      Tensors all = row.op(inputs);
      for (Tensor& gradient : gradients(all, inputs)) all.push_back(gradient);
      return all;
    };
    const Tensors alone = results(1);
    const std::int64_t regions = parallel_regions();
    const Tensors two = results(2);
    const bool ran_in_parallel = parallel_regions() > regions;
    const Tensors three = results(3);
    set_threads(before);
    REQUIRE(ran_in_parallel);
    for (std::size_t k = 0; k < alone.size(); ++k) {
      INFO("result " << k << " (outputs first, then gradients)");
      REQUIRE(same_bits(alone[k], two[k]));
      REQUIRE(same_bits(alone[k], three[k]));
    }
  }
}

void check_not_recorded(const OpRow& row) {
  if (row.differentiable) return;
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    for (const Tensor& output : row.op(draw(sample, f64, seed))) REQUIRE_FALSE(output.requires_grad());
  });
}

void check_refusals(const OpRow& row) {
  static const std::regex form(R"(\[[a-z0-9_ =!<>]+\] [^]+[?.])");
  for (const Refusal& refusal : row.refusals) {
    INFO("op " << row.name << ", refusal: " << refusal.text);
    std::string said = "(nothing was thrown)";
    const std::int64_t before = memory_stats().bytes_in_use;
    const RandomState place = default_generator().state();
    try {
      refusal.call();
    } catch (const Error& error) {
      said = error.what();
    }
    REQUIRE(said == refusal.text);
    REQUIRE(std::regex_match(said, form));
    REQUIRE(memory_stats().bytes_in_use == before);
    REQUIRE(default_generator().state() == place);
  }
}

void check_frees(const OpRow& row) {
  for_each_sample(row, [&](const Inputs& sample, std::uint64_t seed) {
    const Tensors inputs = draw(sample, f64, seed);
    const std::int64_t before = memory_stats().bytes_in_use;
    row.op(inputs);
    REQUIRE(memory_stats().bytes_in_use == before);
    gradients(row.op(inputs), inputs);
    REQUIRE(memory_stats().bytes_in_use == before);
  });
}

}  // namespace gradus::test
