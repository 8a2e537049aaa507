#include "steps_models.h"

#include <cmath>
#include <memory>

#include <gradus/autograd/ops/elementwise.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/matmul.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/core/create.h>
#include <gradus/models/seq2seq.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/recurrent.h>
#include <gradus/optim/adam.h>

namespace gradus::bench {
namespace {

// y = x W^T + b, W: (out, in), b: (out,), uniform in +-1 / sqrt(in).
struct Linear {
  Tensor weight, bias;

  Linear(std::int64_t in, std::int64_t out)
      : weight(uniform({out, in}, in).requires_grad_()), bias(uniform({out}, in).requires_grad_()) {}
  Tensor operator()(const Tensor& x) const { return linear(x, weight, bias); }

 private:
  static Tensor uniform(const Shape& shape, std::int64_t in) {
    return (rand(shape) * 2.0 - 1.0) / std::sqrt(static_cast<double>(in));
  }
};

// 16-16-16-1, tanh, B = 8, mean squared error.
Work mlp_tiny() {
  const Linear first(16, 16), second(16, 16), third(16, 1);
  const Tensor x = randn({8, 16}), target = randn({8, 1});
  const optim::Parameters parameters{{"first.weight", first.weight},   {"first.bias", first.bias},
                                     {"second.weight", second.weight}, {"second.bias", second.bias},
                                     {"third.weight", third.weight},   {"third.bias", third.bias}};
  const auto optimiser = std::make_shared<optim::AdamW>(parameters, optim::AdamW::Options{});
  return [=] {
    const Tensor y = third(tanh(second(tanh(first(x)))));  // (B, 1)
    mean(square(y - target)).backward();
    optimiser->step();
    optimiser->zero_grad();
  };
}

// Embedding -> recurrent layers -> Linear to V, cross entropy on the ids that follow.
template <class Net>
class LanguageModel : public nn::ModuleOf<LanguageModel<Net>> {
 public:
  LanguageModel(std::int64_t tokens, Net layers)
      : embedding({.count = tokens, .width = layers.options.in}),
        net(std::move(layers)),
        head({.in = net.options.hidden, .out = tokens}) {}
  Tensor operator()(const Tensor& ids) const {
    const nn::Call call(*this);
    return head(net(embedding(ids)).output);
  }

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("embedding", self.embedding);
    visit.module("net", self.net);
    visit.module("head", self.head);
  }

 private:
  nn::Embedding embedding;
  Net net;
  nn::Linear head;
};

template <class Net>
Work language_model(std::int64_t tokens, std::int64_t batch, std::int64_t steps, Net layers) {
  const auto model = std::make_shared<const LanguageModel<Net>>(tokens, std::move(layers));
  const Tensor ids = randint(0, tokens, {batch, steps}), next = randint(0, tokens, {batch, steps});
  const auto optimiser = std::make_shared<optim::AdamW>(model->parameters(), optim::AdamW::Options{});
  return [=] {
    cross_entropy((*model)(ids), next).backward();
    optimiser->step();
    optimiser->zero_grad();
  };
}

Work rnn_lm() { return language_model(2000, 20, 35, nn::RNN({.in = 256, .hidden = 256, .layers = 2})); }
Work gru_lm() { return language_model(2000, 20, 35, nn::GRU({.in = 256, .hidden = 256, .layers = 2})); }
Work lstm_lm() { return language_model(2000, 20, 35, nn::LSTM({.in = 256, .hidden = 256, .layers = 2})); }
Work lstm_char() { return language_model(65, 32, 64, nn::LSTM({.in = 64, .hidden = 128})); }

// GRUs and additive attention, cross entropy on random translations of random sentences, without padding.
Work translator(std::int64_t tokens, std::int64_t width, std::int64_t layers, std::int64_t batch,
                std::int64_t steps) {
  const auto model = std::make_shared<const models::Seq2Seq>(models::Seq2Seq::Options{
      .source_vocabulary = tokens,
      .target_vocabulary = tokens,
      .padding = 0,
      .width = width,
      .hidden = width,
      .layers = layers,
  });
  const auto ids = [&] { return randint(1, tokens, {batch, steps}); };
  const data::Padded source{.ids = ids(), .mask = {}, .lengths = {}};
  const Tensor input = ids(), target = ids();
  const auto optimiser = std::make_shared<optim::AdamW>(model->parameters(), optim::AdamW::Options{});
  return [=] {
    cross_entropy((*model)(source, input), target).backward();
    optimiser->step();
    optimiser->zero_grad();
  };
}

Work s2s_attn_d2l() { return translator(200, 32, 2, 64, 10); }
Work s2s_attn_256() { return translator(4000, 256, 1, 64, 20); }

constexpr Model all[] = {
    {"mlp-tiny", mlp_tiny},
    {"lstm-char", lstm_char},
    {"rnn-lm", rnn_lm},
    {"gru-lm", gru_lm},
    {"lstm-lm", lstm_lm},
    {"s2s-attn-d2l", s2s_attn_d2l},
    {"s2s-attn-256", s2s_attn_256},
};

}  // namespace

std::span<const Model> models() { return all; }

}  // namespace gradus::bench
