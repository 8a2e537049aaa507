#include <gradus/autograd/anomaly.h>

#include <limits>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/autograd/scope.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/throws.h"

using namespace gradus;
using namespace gradus::test;

TEST_CASE("anomaly mode names the op, its scopes and the count of the first value that is not finite",
          "[anomaly]") {
  const AnomalyMode anomaly;
  const Scope model("gpt"), block("block.3");
  const Tensor x = tensor({1, 0, -1, 0}, f64);
  CHECK(message_of([&] {
          const Scope attention("attn");
          log(x);
        }) ==
        "[log] the output of gpt.block.3.attn/log, of shape (4,), has 1 of 4 elements NaN. Look at its "
        "inputs: an "
        "overflow, log(0) or 0/0?");
  CHECK(message_of([&] { log(abs(x)); }) ==
        "[log] the output of gpt.block.3/log, of shape (4,), has 2 of 4 elements infinite. Look at its "
        "inputs: an "
        "overflow, log(0) or 0/0?");
}

TEST_CASE("anomaly mode finds a gradient that is not finite where the forward pass was fine", "[anomaly]") {
  const Tensor x = tensor({4, 0}, f64).requires_grad_();
  const AnomalyMode anomaly;
  Tensor y;
  {
    const Scope layer("layer");
    y = sqrt(x);
  }
  CHECK(message_of([&] { sum(y).backward(); }) ==
        "[div] the output of div, of shape (2,), has 1 of 2 elements infinite. Look at its inputs: an "
        "overflow, log(0) or "
        "0/0?");
}

TEST_CASE("anomaly mode tells NaN in the data from NaN that an op made", "[anomaly]") {
  const AnomalyMode anomaly;
  const Tensor data = tensor({1, std::numeric_limits<double>::quiet_NaN()}, f64);
  CHECK(message_of([&] { data + 1.0; }) ==
        "[add] input 0 of add, of shape (2,), came with NaN in it. Was NaN in the data?");
}

TEST_CASE("anomaly mode names an op with several outputs: split", "[anomaly]") {
  const AnomalyMode anomaly;
  const Scope model("gpt");
  const Tensor x = tensor({1, std::numeric_limits<double>::quiet_NaN(), 2}, f64);
  CHECK(message_of([&] { split(x, 1, 0); }) ==
        "[split] input 0 of gpt/split, of shape (3,), came with NaN in it. Was NaN in the data?");
}

TEST_CASE("anomaly mode lets a mask of -infinity pass", "[anomaly]") {
  const AnomalyMode anomaly;
  const Tensor scores = tensor({1, 2}, f64), hidden = tensor({0, 1}, f64) == 1;
  const Tensor masked = masked_fill(scores, hidden, -std::numeric_limits<double>::infinity());
  CHECK(exp(masked + 1.0).to_vector<double>()[1] == 0);
}

TEST_CASE("without anomaly mode nothing is checked", "[anomaly]") {
  { const AnomalyMode on_for_a_moment; }
  CHECK_NOTHROW(log(tensor({-1.0}, f64)));
}
