#include <gradus/models/elmo.h>

#include <gradus/autograd/ops/compare.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/join.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/pad.h>

namespace gradus::models {
namespace {

// (B, to - from): whether each of these places is behind the row's end.
Tensor behind(const Tensor& lengths, std::int64_t from, std::int64_t to) {
  return arange(static_cast<double>(from), static_cast<double>(to), 1, i64) >= lengths.unsqueeze(1);
}

}  // namespace

Elmo::Elmo(const Options& o)
    : options(o),
      embedding({.count = o.vocabulary, .width = o.width}),
      head({.in = o.width, .out = o.vocabulary}),
      dropout({.p = o.dropout}) {
  check(o.layers > 0, "elmo", "needs at least one layer, not ", o.layers, ". 2?");
  for (nn::ModuleList<nn::LSTM>* const direction : {&forward_layers, &backward_layers})
    for (std::int64_t layer = 0; layer < o.layers; ++layer)
      direction->push_back(nn::LSTM({.in = o.width, .hidden = o.width}));
}

Elmo::States Elmo::run(const Tensor& ids, const Tensor& lengths) const {
  check(ids.rank() == 2 && ids.size(1) > 0, "elmo", "ids must be (B, T), not ", ids.shape(),
        ". Unsqueeze an axis?");
  const Tensor x = embedding(ids);
  const auto through = [&](const nn::ModuleList<nn::LSTM>& layers, bool reverse) {
    std::vector<Tensor> states{x};
    for (const nn::LSTM& layer : layers) {
      const Tensor below = dropout(states.back());
      const nn::Call call(layer);
      states.push_back(lstm(below, layer.weights[0], {}, {.lengths = lengths, .reverse = reverse}).output);
    }
    return states;
  };
  return {.forward = through(forward_layers, false), .backward = through(backward_layers, true)};
}

Tensor Elmo::loss(const Tensor& ids, const Tensor& lengths) const {
  const nn::Call call(*this);
  const States states = run(ids, lengths);
  const std::int64_t steps = ids.size(1);
  // Two neighbours are a word and its target, or the other way round, where the second is in the row.
  const auto loss_of = [&](const Tensor& from, Tensor to) {
    if (lengths.defined()) to = masked_fill(to, behind(lengths, 1, steps), data::ignore_index);
    return cross_entropy(head(dropout(from)), to);
  };
  const Tensor ahead = loss_of(states.forward.back().slice(1, 0, steps - 1), ids.slice(1, 1, steps));
  const Tensor back = loss_of(states.backward.back().slice(1, 1, steps), ids.slice(1, 0, steps - 1));
  return (ahead + back) / 2;
}

std::vector<Tensor> Elmo::features(const Tensor& ids, const Tensor& lengths) const {
  const nn::Call call(*this);
  const States states = run(ids, lengths);
  std::vector<Tensor> layers;
  for (std::size_t j = 0; j < states.forward.size(); ++j)
    layers.push_back(concat({states.forward[j], states.backward[j]}, 2));
  if (lengths.defined()) layers[0] = masked_fill(layers[0], behind(lengths, 0, ids.size(1)).unsqueeze(2), 0);
  return layers;
}

LayerMix::LayerMix(const Options& o) : options(o) {
  check(o.layers > 0, "layer_mix", "needs at least one layer, not ", o.layers,
        ". An Elmo gives its layers + 1?");
  scores = zeros({o.layers}).requires_grad_();
  gamma = ones({}).requires_grad_();
}

Tensor LayerMix::operator()(const std::vector<Tensor>& layers) const {
  const nn::Call call(*this);
  check(std::ssize(layers) == options.layers, "layer_mix", "weighs ", options.layers, " layers, not ",
        layers.size(), ". Are there as many, the embedding included?");
  const Tensor weights = softmax(scores, 0);
  return matmul(stack(layers, -1), weights) * gamma;
}

}  // namespace gradus::models
