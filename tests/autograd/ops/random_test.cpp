#include <cmath>
#include <limits>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/random.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>

#include "support/catch.h"

using namespace gradus;

TEST_CASE("dropout with p = 0 gives x itself and draws nothing", "[op]") {
  Generator generator(3);
  const Tensor x = rand({4}, generator);
  const RandomState before = generator.state();
  CHECK(dropout(x, 0, generator).shares_handle_with(x));
  CHECK(generator.state() == before);
}

TEST_CASE("dropout with p = 1 gives zeros, even of infinities", "[op]") {
  const Tensor x = full({300}, std::numeric_limits<double>::infinity());
  CHECK(equal(dropout(x, 1), zeros({300})));
}

TEST_CASE("dropout keeps a share of 1 - p and the mean", "[op]") {
  Generator generator(5);
  const Tensor x = ones({100000}, f64);
  double kept = 0, sum = 0;
  for (const double value : dropout(x, 0.3, generator).to_vector<double>()) {
    kept += value != 0;
    sum += value;
  }
  // Five standard deviations of a share of 100,000.
  CHECK(std::abs(kept / 1e5 - 0.7) < 5 * std::sqrt(0.3 * 0.7 / 1e5));
  CHECK(std::abs(sum - kept / 0.7) < 1e-6);
}

TEST_CASE("dropout draws anew each time, and the same again from the same state", "[op]") {
  Generator generator(7);
  const Tensor x = ones({64});
  const RandomState start = generator.state();
  const Tensor first = dropout(x, 0.5, generator), second = dropout(x, 0.5, generator);
  CHECK_FALSE(equal(first, second));
  generator.set_state(start);
  CHECK(equal(dropout(x, 0.5, generator), first));
  CHECK(equal(dropout(x, 0.5, start), first));
}

TEST_CASE("random ops that find no memory draw nothing", "[op][error]") {
  Generator generator(13);
  generator.reserve(5);
  const RandomState before = generator.state();
  const std::int64_t in_use = memory_stats().bytes_in_use;
  {
    const Tensor wide = ones({1, 1}).expand({std::int64_t{1} << 43, 1}), one = ones({1, 1});
    const AttentionOptions options{.dropout = 0.5, .generator = &generator};
    CHECK_THROWS_AS(dropout(wide, 0.5, generator), OutOfMemory);
    CHECK_THROWS_AS(scaled_dot_product_attention(wide, one, one, options), OutOfMemory);
    CHECK_THROWS_AS(attention_with_weights(wide, one, one, options), OutOfMemory);
    CHECK_THROWS_AS(rand({std::int64_t{1} << 43}, generator), OutOfMemory);
  }
  CHECK(generator.state() == before);
  CHECK(memory_stats().bytes_in_use == in_use);
}

TEST_CASE("dropout's gradient drops what its forward dropped, with graph and without", "[op][grad]") {
  Generator generator(11);
  Tensor x = ones({50}, f64);
  x.requires_grad_();
  const Tensor y = dropout(x, 0.4, generator);
  CHECK(equal(grad({y}, {x}, {ones({50}, f64)}, {.create_graph = true})[0].detach(), y.detach()));
  generator.set_state({99, 0});  // the draw was kept with the node, not with the generator
  CHECK(equal(grad({y}, {x}, {ones({50}, f64)})[0], y.detach()));
}
