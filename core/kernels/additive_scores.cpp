#include <algorithm>

#include <gradus/core/kernels/attention.h>
#include <gradus/core/kernels/copy.h>
#include <gradus/core/kernels/map.h>
#include <gradus/core/kernels/reduce.h>
#include <gradus/core/kernels/row.h>
#include <gradus/core/kernels/vector_math.h>

namespace gradus::kernels {
namespace {

namespace vm = vector_math;

// Calls body(b) for each sequence.
template <class Body>
void for_each_sequence(const Tensor& q, const Tensor& k, const Body& body) {
  const std::int64_t each = q.shape()[1] * k.shape()[1] * q.shape()[2];
  parallel_for(q.shape()[0], worth_a_thread(each, costly_grain), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) body(b);
  });
}

}  // namespace

Tensor additive_scores(const Tensor& any_q, const Tensor& any_k, const Tensor& any_weight) {
  const Tensor q = contiguous(any_q), k = contiguous(any_k), weight = contiguous(any_weight);
  const std::int64_t queries = q.shape()[1], keys = k.shape()[1], hidden = q.shape()[2];
  const Tensor scores = Tensor::empty({q.shape()[0], queries, keys}, q.dtype(), "additive_scores");
  dispatch_floating(q.dtype(), "additive_scores", [&]<class T>() {
    const T* const v = weight.data<T>();
    for_each_sequence(q, k, [&](std::int64_t b) {
      T* to = scores.data<T>() + b * queries * keys;
      for (std::int64_t i = 0; i < queries; ++i)
        for (std::int64_t j = 0; j < keys; ++j) {
          const T *const query = q.data<T>() + (b * queries + i) * hidden, *const key =
                                                                               k.data<T>() +
                                                                               (b * keys + j) * hidden;
          *to++ = static_cast<T>(
              row_sum<T>(0, hidden, [=](std::int64_t h) { return v[h] * vm::tanh(query[h] + key[h]); }));
        }
    });
  });
  return scores;
}

AdditiveScoresGradients additive_scores_backward(const Tensor& any_dscores, const Tensor& any_q,
                                                 const Tensor& any_k, const Tensor& any_weight) {
  const Tensor dscores = contiguous(any_dscores), q = contiguous(any_q), k = contiguous(any_k),
               weight = contiguous(any_weight);
  const std::int64_t queries = q.shape()[1], keys = k.shape()[1], hidden = q.shape()[2];
  const Tensor dq = full(q.shape(), 0, q.dtype()), dk = full(k.shape(), 0, q.dtype());
  const Tensor dweights = full({q.shape()[0], hidden}, 0, q.dtype());  // each sequence's part
  dispatch_floating(q.dtype(), "additive_scores", [&]<class T>() {
    const T* const v = weight.data<T>();
    for_each_sequence(q, k, [&](std::int64_t b) {
      const T* ds = dscores.data<T>() + b * queries * keys;
      T* const dv = dweights.data<T>() + b * hidden;
      for (std::int64_t i = b * queries; i < (b + 1) * queries; ++i)
        for (std::int64_t j = b * keys; j < (b + 1) * keys; ++j) {
          const T d = *ds++, *const query = q.data<T>() + i * hidden, *const key = k.data<T>() + j * hidden;
          T *const to_query = dq.data<T>() + i * hidden, *const to_key = dk.data<T>() + j * hidden;
#pragma omp simd
          for (std::int64_t h = 0; h < hidden; ++h) {
            const T y = vm::tanh(query[h] + key[h]);
            const T dx = d * v[h] * (1 - y * y);
            dv[h] += d * y;
            to_query[h] += dx;
            to_key[h] += dx;
          }
        }
    });
  });
  return {dq, dk, sum(dweights, {0}, true)};
}

}  // namespace gradus::kernels
