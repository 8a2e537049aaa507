#include "steps_models.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>

#include <gradus/autograd/explain.h>
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
Step mlp_tiny() {
  const Linear first(16, 16), second(16, 16), third(16, 1);
  const Tensor x = randn({8, 16}), target = randn({8, 1});
  const optim::Parameters parameters{{"first.weight", first.weight},   {"first.bias", first.bias},
                                     {"second.weight", second.weight}, {"second.bias", second.bias},
                                     {"third.weight", third.weight},   {"third.bias", third.bias}};
  return training(parameters, [=] {
    const Tensor y = third(tanh(second(tanh(first(x)))));  // (B, 1)
    return mse_loss(y, target);
  });
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
Step language_model(std::int64_t tokens, std::int64_t batch, std::int64_t steps, Net layers) {
  const auto model = std::make_shared<const LanguageModel<Net>>(tokens, std::move(layers));
  const Tensor ids = randint(0, tokens, {batch, steps}), next = randint(0, tokens, {batch, steps});
  return training(*model, [=] { return cross_entropy((*model)(ids), next); });
}

Step rnn_lm() { return language_model(2000, 20, 35, nn::RNN({.in = 256, .hidden = 256, .layers = 2})); }
Step gru_lm() { return language_model(2000, 20, 35, nn::GRU({.in = 256, .hidden = 256, .layers = 2})); }
Step lstm_lm() { return lstm_step({.tokens = 2000, .width = 256, .layers = 2, .batch = 20, .steps = 35}); }
Step lstm_char() { return language_model(65, 32, 64, nn::LSTM({.in = 64, .hidden = 128})); }

Step s2s_attn_d2l() {
  return seq2seq_step({.tokens = 200, .width = 32, .layers = 2, .batch = 64, .steps = 10});
}
Step s2s_attn_256() {
  return seq2seq_step({.tokens = 4000, .width = 256, .layers = 1, .batch = 64, .steps = 20});
}

// FNV-1a of the weights' bits, word by word.
std::uint64_t fingerprint(const optim::Parameters& parameters) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const NamedTensor& parameter : parameters) {
    const float* const weights = parameter.value.data<float>();
    for (std::int64_t i = 0; i < parameter.value.numel(); ++i)
      hash = (hash ^ std::bit_cast<std::uint32_t>(weights[i])) * 0x100000001b3;
  }
  return hash;
}

std::map<std::string, Step::Cost> work_of(const Explanation& explanation, std::int64_t parameters) {
  std::map<std::string, Step::Cost> ops;
  for (const ExplainedOp& op : explanation.ops) {
    Step::Cost& work = ops[op.name.substr(op.name.rfind('/') + 1)];
    std::int64_t elements = 1;
    for (const std::int64_t size : op.shape) elements *= size;
    work.all += std::max(op.flops, static_cast<double>(elements));
    work.products += op.products;
  }
  ops[update_of_weights] = {static_cast<double>(parameters), 0};
  return ops;
}

constexpr Model all[] = {
    {"mlp-tiny", mlp_tiny, 8},
    {"tr-d2l", tr_d2l, 64 * 10},
    {"s2s-attn-d2l", s2s_attn_d2l, 64 * 10},
    {"lstm-char", lstm_char, 32 * 64},
    {"rnn-lm", rnn_lm, 20 * 35},
    {"gru-lm", gru_lm, 20 * 35},
    {"lstm-lm", lstm_lm, 20 * 35},
    {"gpt-char-cpu", gpt_char_cpu, 12 * 64},
    {"s2s-attn-256", s2s_attn_256, 64 * 20},
    {"tr-256", tr_256, 32 * 32},
    {"bert-mini", bert_mini, 16 * 128},
    {"gpt-baby", gpt_baby, 8 * 256},
    {"gpt2-124m", gpt2_124m, 4 * 64},
};

}  // namespace

std::span<const Model> models() { return all; }

Step lstm_step(const Sizes& of) {
  return language_model(of.tokens, of.batch, of.steps,
                        nn::LSTM({.in = of.width, .hidden = of.width, .layers = of.layers}));
}

// Cross entropy on random translations of random sentences, without padding.
Step seq2seq_step(const Sizes& of) {
  const auto model = std::make_shared<const models::Seq2Seq>(models::Seq2Seq::Options{
      .source_vocabulary = of.tokens,
      .target_vocabulary = of.tokens,
      .padding = 0,
      .width = of.width,
      .hidden = of.width,
      .layers = of.layers,
  });
  const auto ids = [&] { return randint(1, of.tokens, {of.batch, of.steps}); };
  const data::Padded source{.ids = ids(), .mask = {}, .lengths = {}};
  const Tensor input = ids(), target = ids();
  return training(*model, [=] { return cross_entropy((*model)(source, input), target); });
}

Step training(const optim::Parameters& parameters, const std::function<Tensor()>& loss) {
  const auto optimiser = std::make_shared<optim::AdamW>(parameters, optim::AdamW::Options{});
  std::int64_t count = 0;
  for (const NamedTensor& parameter : parameters) count += parameter.value.numel();
  const Explanation explanation = explain(loss());
  return {.run =
              [=] {
                loss().backward();
                optimiser->step();
                optimiser->zero_grad();
              },
          .parameters = count,
          .fingerprint = [parameters] { return fingerprint(parameters); },
          .products = explanation.products,
          .ops = work_of(explanation, count)};
}

}  // namespace gradus::bench
