#include <gradus/autograd/explain.h>

#include <sstream>

#include <gradus/autograd/ops/attention.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/recurrent.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/scope.h>
#include <gradus/core/allocator.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor small_loss(const Tensor& x, const Tensor& w) {
  const Scope model("net");
  Tensor hidden;
  {
    const Scope layer("fc");
    hidden = tanh(matmul(x, w));
  }
  return sum(hidden * hidden);
}

}  // namespace

TEST_CASE("explain lists the ops in the order they ran, with scopes, shapes, FLOPs and bytes kept",
          "[explain]") {
  const Tensor x = full({4, 3}, 0.5, f32), w = full({3, 5}, 0.5, f32).requires_grad_();
  const Explanation told = explain(small_loss(x, w));
  REQUIRE(told.ops.size() == 4);
  CHECK(told.ops[0].name == "net.fc/matmul");
  CHECK(told.ops[1].name == "net.fc/tanh");
  CHECK(told.ops[2].name == "net/mul");
  CHECK(told.ops[3].name == "net/sum");
  CHECK(told.ops[0].shape == Shape{4, 5});
  CHECK(told.ops[0].flops == 2 * 4 * 3 * 5);
  CHECK(told.ops[1].inputs == std::vector<std::size_t>{0});
  // matmul keeps x, tanh its output; mul keeps that output again, which is counted once; w is a leaf.
  CHECK(told.ops[0].kept == 4 * 3 * 4);
  CHECK(told.ops[1].kept == 4 * 5 * 4);
  CHECK(told.ops[2].kept == 0);
}

TEST_CASE("explain counts a product once more for each gradient that is wanted, and other ops not at all",
          "[explain]") {
  const Tensor x = full({4, 3}, 0.5, f32), w = full({3, 5}, 0.5, f32).requires_grad_();
  const double product = 2 * 4 * 3 * 5;
  const Explanation weight_alone = explain(small_loss(x, w));
  CHECK(weight_alone.ops[0].products == 2 * product);
  CHECK(weight_alone.products == 2 * product);
  CHECK(explain(small_loss(x.clone().requires_grad_(), w)).products == 3 * product);

  const Tensor q = full({2, 4, 8}, 0.1, f32).requires_grad_();  // 2 heads of 4 queries, 8 features
  const double scores = 2 * 2 * 4 * 4 * 8;
  CHECK(explain(scaled_dot_product_attention(q, q, q)).products == 3 * 2 * scores);
  CHECK(explain(scaled_dot_product_attention(q, q, q, {.causal = true})).products ==
        3 * 2 * scores * 10 / 16);

  // 3 steps of 2 rows; gates of W_ih (24, 5) and W_hh (24, 6).
  const Tensor inputs = full({2, 3, 5}, 0.1, f32), ih = full({24, 5}, 0.1, f32).requires_grad_(),
               hh = full({24, 6}, 0.1, f32).requires_grad_();
  const auto products = [&](const Tensor& of) { return explain(lstm(of, {ih, hh, {}, {}}).output).products; };
  CHECK(products(inputs) == 2 * 6 * 24 * (2 * 5 + 3 * 6));
  CHECK(products(inputs.clone().requires_grad_()) == 2 * 6 * 24 * 3 * (5 + 6));
}

TEST_CASE("what explain says is kept is what a backward pass frees", "[explain]") {
  const Tensor x = full({64, 64}, 0.5, f32), w = full({64, 64}, 0.01, f32).requires_grad_();
  const Tensor loss = sum(exp(exp(matmul(x, w))));
  const double kept = static_cast<double>(explain(loss).kept) - static_cast<double>(x.bytes());
  const std::int64_t before = memory_stats().bytes_in_use;
  loss.backward();
  w.zero_grad();
  const double freed = static_cast<double>(before - memory_stats().bytes_in_use);
  CHECK(freed >= kept);
  CHECK(freed <= kept * 1.3);  // the allocator's classes and the tape's own nodes
}

TEST_CASE("explain's table fits 80 columns and ends with the totals", "[explain]") {
  const Tensor x = full({4, 3}, 0.5, f32), w = full({3, 5}, 0.5, f32).requires_grad_();
  const Scope deep("a_model_with_a_long_name.and_a_block_inside_it");
  std::istringstream table(explain(small_loss(x, w)).table());
  std::string line, last;
  while (std::getline(table, line)) {
    CHECK(line.size() <= 80);
    last = line;
  }
  CHECK(last.starts_with("4 ops"));
}

TEST_CASE("explain's DOT names every op and every use", "[explain]") {
  const Tensor x = full({4, 3}, 0.5, f32), w = full({3, 5}, 0.5, f32).requires_grad_();
  const std::string dot = explain(small_loss(x, w)).dot();
  CHECK(dot.starts_with("digraph"));
  CHECK(dot.find("net.fc/tanh") != std::string::npos);
  CHECK(dot.find("n0 -> n1") != std::string::npos);
}

TEST_CASE("explain refuses what has no tape", "[explain][error]") {
  const Tensor x = full({2}, 1, f32).requires_grad_();
  CHECK(message_of([] { explain(full({2}, 1, f32)); }) ==
        "[explain] nothing was recorded for this tensor of shape (2,). Compute it from a tensor with "
        "requires_grad_()?");
  const Tensor y = sum(x);
  y.backward();
  CHECK(message_of([&] { explain(y); }) ==
        "[explain] the tape behind this tensor was freed by backward(). Call explain first?");
}
