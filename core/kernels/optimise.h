// Updates of weights in place: each rule is one pass over memory, and one parallel region, for any number of
// tensors. What the letters mean stands with the rules, in optim/.
#pragma once

#include <array>
#include <span>

#include <gradus/core/tensor.h>

namespace gradus::kernels {

// One weight's part in such a pass. All tensors of a pass have one dtype, those of a weight one shape; they
// may have any strides. Pointers, because a list of handles would count them up and down in every step.
struct Update {
  const Tensor *w, *g;
  std::array<const Tensor*, 2> memory{};  // what the rule remembers of earlier gradients
  double lr = 0, weight_decay = 0;
  std::int64_t steps = 0;  // how many updates it has had, this one included
  // For the pass itself: see adam; and the number of elements of this weight and all before it.
  double rate = 0, eps = 0;
  std::int64_t end = 0;
};

void sgd(std::span<Update> updates);
void sgd_momentum(std::span<Update> updates, double momentum, bool nesterov);  // memory: b
void adagrad(std::span<Update> updates, double eps);                           // memory: s
void rmsprop(std::span<Update> updates, double alpha, double eps);             // memory: v
// memory: m, v. Decoupled: the weights shrink by lr * weight_decay; else weight_decay * w joins the gradient.
void adam(std::span<Update> updates, double beta1, double beta2, double eps, bool decoupled);

// w <- w + (1 - decay) (g - w): w is the average, g the weight.
void average(std::span<Update> updates, double decay);

// w and memory[0] change places; g is not used, and w will do.
void exchange(std::span<Update> updates);

// Summed in double from the first square on, so that no finite f32 element overflows.
double sum_of_squares(const Tensor& x);

}  // namespace gradus::kernels
