#include <gradus/models/word2vec.h>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/check.h>
#include <gradus/nn/init.h>

namespace gradus::models {

Word2Vec::Word2Vec(const Options& o)
    : options(o),
      input({.count = o.vocabulary, .width = o.width}),
      output({.count = o.vocabulary, .width = o.width}) {
  const double reach = 0.5 / static_cast<double>(o.width);
  input.weight = nn::uniform({o.vocabulary, o.width}, -reach, reach).requires_grad_();
  output.weight = zeros({o.vocabulary, o.width}).requires_grad_();
}

Tensor Word2Vec::hidden(const data::Padded& known) const {
  const Tensor vectors = input(known.ids);  // (B, C, width)
  const DType dtype = vectors.dtype();
  const Tensor share = known.mask.to(dtype) / known.lengths.to(dtype).unsqueeze(1);
  return sum(vectors * share.unsqueeze(2), 1);
}

Tensor Word2Vec::negative_sampling_loss(const data::ContextBatch& batch) const {
  const nn::Call call(*this);
  check(batch.negatives.size(1) > 0, "word2vec",
        "the batch has no negatives to tell the target from. Draw some, or take the softmax?");
  const Tensor h = hidden(batch.known);
  const Tensor words = output(concat({batch.target.unsqueeze(1), batch.negatives}, 1));  // (B, 1 + N, width)
  const Tensor scores = matmul(words, h.unsqueeze(2)).squeeze(2);                        // (B, 1 + N)
  // -log s(x) = softplus(-x)
  const Tensor right = softplus(-scores.select(1, 0)), wrong = softplus(scores.slice(1, 1, scores.size(1)));
  return mean(right + sum(wrong, 1));
}

Tensor Word2Vec::softmax_loss(const data::ContextBatch& batch) const {
  const nn::Call call(*this);
  return cross_entropy(linear(hidden(batch.known), output.weight), batch.target);
}

}  // namespace gradus::models
