#include <gradus/autograd/ops/random.h>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/record.h>
#include <gradus/core/create.h>
#include <gradus/core/kernels/random.h>

namespace gradus {
namespace {

void check_dropout(const Tensor& x, double p) {
  check_floating(x.dtype(), "dropout");
  check(p >= 0 && p <= 1, "dropout",
        "p is the probability of dropping an element, between 0 and 1; this one is ", p,
        ". Divide a percentage by 100?");
}

}  // namespace

// y = mask * x / (1 - p)
Tensor definition::dropout(const Tensor& x, double p, const RandomState& from) {
  const Tensor dropped = logical_not(bernoulli(1 - p, x.shape(), from));
  const double scale = p < 1 ? 1 / (1 - p) : 0;
  return masked_fill(x * scale, dropped, 0);
}

Tensor dropout(const Tensor& x, double p, const RandomState& from) {
  check_dropout(x, p);
  if (p == 0) return x;
  return record("dropout", kernels::dropout(x, p, from), inputs(x), saves(),
                [p, from](Backward& back, const Tensor& dy) { back.give(0, dropout(dy, p, from)); });
}

Tensor dropout(const Tensor& x, double p, Generator& generator) {
  check_dropout(x, p);
  if (p == 0) return x;
  return generator.draw(kernels::random_blocks(x.numel(), boolean),
                        [&](const RandomState& from) { return dropout(x, p, from); });
}

}  // namespace gradus
