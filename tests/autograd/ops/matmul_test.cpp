// What the op table cannot say about products.
#include <omp.h>

#include <cmath>
#include <thread>

#include <gradus/autograd/engine.h>
#include <gradus/autograd/node.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/allocator.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/parallel.h>

#include "support/catch.h"
#include "support/op_table.h"

using namespace gradus;
using gradus::test::Array;
using gradus::test::draw;

namespace {

Tensor drawn(const Shape& shape, DType dtype = f32) {
  return draw({{.shape = shape, .differentiable = false}}, dtype, 5)[0];
}

// The bytes that f() needs at its peak, its result included.
template <class F>
std::int64_t peak_of(const F& f) {
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak_bytes;
  const Tensor result = f();
  return memory_stats().peak_bytes - before;
}

}  // namespace

TEST_CASE("matmul reads transposed and expanded operands where they lie", "[op]") {
  // What a product brings into order at a time is less than any operand that could be copied.
  const Tensor a = drawn({8, 512, 512}), b = drawn({512, 16}), c = drawn({8, 512, 16}),
               d = drawn({512, 1024});
  const std::int64_t spare = d.bytes();
  REQUIRE(spare <= a.bytes());
  CHECK(peak_of([&] { return matmul(a, b); }) < c.bytes() + spare);
  CHECK(peak_of([&] { return matmul(a.transpose(1, 2), c); }) < c.bytes() + spare);
  CHECK(peak_of([&] { return matmul(a.transpose(0, 1), b); }) < c.bytes() + spare);
  CHECK(peak_of([&] { return matmul(b.t(), d.expand({8, 512, 1024})); }) < 2 * c.bytes() + spare);
  CHECK(peak_of([&] { return linear(a, b.t()); }) < c.bytes() + spare);
}

TEST_CASE("a stepped matrix behind an expanded axis is copied once, not for each index", "[op]") {
  const Tensor a = drawn({64, 256}).slice(1, 0, 256, 2).expand({32, 64, 128}), b = drawn({32, 128, 2});
  CHECK(peak_of([&] { return matmul(a, b); }) < 4 * a.shape()[1] * a.shape()[2] * 4);
  CHECK(equal(matmul(a, b), matmul(a.contiguous(), b)));
}

TEST_CASE("a product over no elements is zero, and linear then gives its bias", "[op]") {
  CHECK(Array(matmul(drawn({2, 0}), drawn({0, 3}))).values == std::vector<double>(6, 0));
  CHECK(Array(matmul(drawn({2, 2, 0}), drawn({2, 0, 3}))).values == std::vector<double>(12, 0));
  const Tensor bias = drawn({2});
  CHECK(equal(linear(drawn({3, 0}), drawn({2, 0}), bias), bias.expand({3, 2})));
}

TEST_CASE("a product of a million terms in f32 keeps five digits", "[op]") {
  constexpr std::int64_t depth = 1'000'000;
  const Tensor x = kernels::full({1, depth}, 0.1, f32);
  const double exact = static_cast<double>(depth) * 0.1f * 0.1f;
  for (const std::int64_t columns : {1, 2, 5}) {
    const Tensor y = matmul(x, kernels::full({columns, depth}, 0.1, f32).t());
    CHECK(std::abs(Array(y)[0] - exact) < 1e-5 * exact);
  }
}

TEST_CASE("products leave the caller's OpenMP threads as they were", "[op][threads]") {
  const int before = omp_get_max_threads();
  omp_set_num_threads(3);
  for (const std::int64_t size : {4, 50, 300}) {
    matmul(drawn({size, size}), drawn({size, size}));
    matmul(drawn({1, size}), drawn({size, size}));
    CHECK(omp_get_max_threads() == 3);
  }
  omp_set_num_threads(before);
}

TEST_CASE("products of all shapes have the same bits at 1, 2, 3, 5 and 16 threads", "[op][threads]") {
  // Tiles of whole panels leave a few rows or columns over, which alone would be multiplied otherwise.
  struct Sizes {
    std::int64_t m, k, n;
  };
  const int before = threads();
  for (const DType dtype : {f32, f64})
    for (const Sizes& of : {Sizes{26, 700, 100},
                            {1000, 400, 33},
                            {17, 64, 2000},
                            {530, 129, 257},
                            {100, 800, 530},
                            {3, 700, 4000}})
      for (const bool a_by_columns : {false, true})
        for (const bool b_by_columns : {false, true}) {
          const Tensor a = a_by_columns ? drawn({of.k, of.m}, dtype).t() : drawn({of.m, of.k}, dtype);
          const Tensor b = b_by_columns ? drawn({of.n, of.k}, dtype).t() : drawn({of.k, of.n}, dtype);
          const Tensor bias = drawn({of.n}, dtype);
          std::vector<Tensor> products, sums;
          for (const int count : {1, 2, 3, 5, 16}) {
            set_threads(count);
            products.push_back(matmul(a, b));
            sums.push_back(linear(a, b.t(), bias));
          }
          set_threads(before);
          INFO(of.m << " x " << of.k << " times " << of.k << " x " << of.n);
          for (std::size_t i = 1; i < products.size(); ++i) {
            CHECK(equal(products[i], products[0]));
            CHECK(equal(sums[i], sums[0]));
          }
          const double worst = max(abs(sums[0] - (products[0] + bias))).item();
          CHECK(worst < (dtype == f32 ? 1e-6 : 1e-15) * max(abs(products[0])).item());
        }
}

TEST_CASE("threads of the user's may multiply at once", "[op][threads]") {
  const Tensor a = drawn({150, 120}), b = drawn({120, 140});
  const Tensor expected = matmul(a, b);
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int& count : wrong)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) count += !equal(matmul(a, b), expected);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("one weight for many rows gets its gradient from a single product", "[op][grad]") {
  Tensor x = drawn({4, 3, 5}, f64), w = drawn({5, 2}, f64);
  w.requires_grad_();
  const Tensor y = matmul(x, w);
  CHECK(node_of(y)->cost_in_flops == 2.0 * 4 * 3 * 5 * 2);
  const Tensor dw = grad({y}, {w}, {drawn({4, 3, 2}, f64)}, {.create_graph = true})[0];
  CHECK_FALSE(dw.requires_grad());  // x needs none, and dy none
  Tensor dy = drawn({4, 3, 2}, f64);
  dy.requires_grad_();
  const Tensor again = grad({matmul(x, w)}, {w}, {dy}, {.create_graph = true})[0];
  CHECK(node_of(again)->cost_in_flops == 2.0 * 5 * (4 * 3) * 2);
}
