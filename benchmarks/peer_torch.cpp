// The peer's side of the steps benchmark: the same models in libtorch.   bench_steps_torch MODEL THREADS
#include <dlfcn.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "peer.h"

namespace gradus::bench {
namespace {

// What libtorch's BLAS says about itself, if it is OpenBLAS.
std::string blas_description() {
  const std::string version = "libtorch " TORCH_VERSION ", ";
  const auto config = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  const auto parallel = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
  if (config == nullptr || parallel == nullptr) return version + "a BLAS that is not OpenBLAS";
  const char* const builds[] = {"sequential", "pthread", "OpenMP"};
  return version + config() + " (" + builds[parallel()] + " build)";
}

Step mlp_tiny() {
  namespace nn = torch::nn;
  auto model =
      nn::Sequential(nn::Linear(16, 16), nn::Tanh(), nn::Linear(16, 16), nn::Tanh(), nn::Linear(16, 1));
  const torch::Tensor x = torch::randn({8, 16}), target = torch::randn({8, 1});
  return training(model->parameters(), [=]() mutable { return torch::mse_loss(model->forward(x), target); });
}

// Ids step by step, (T, B), as libtorch's recurrent layers like them best.
template <class Net, class Options>
Step language_model(std::int64_t tokens, std::int64_t batch, std::int64_t steps, const Options& options) {
  namespace nn = torch::nn;
  nn::Embedding embedding(tokens, options.input_size());
  Net net(options);
  nn::Linear head(options.hidden_size(), tokens);
  const std::vector<torch::Tensor> parameters =
      joined({embedding->parameters(), net->parameters(), head->parameters()});
  const torch::Tensor ids = torch::randint(tokens, {steps, batch}),
                      next = torch::randint(tokens, {steps * batch});
  return training(parameters, [=, ids = ids.to(torch::kLong), next = next.to(torch::kLong)]() mutable {
    const torch::Tensor output = std::get<0>(net->forward(embedding->forward(ids)));
    const torch::Tensor logits = head->forward(output).view({steps * batch, tokens});
    return torch::nn::functional::cross_entropy(logits, next);
  });
}

Step rnn_lm() {
  return language_model<torch::nn::RNN>(2000, 20, 35, torch::nn::RNNOptions(256, 256).num_layers(2));
}
Step gru_lm() {
  return language_model<torch::nn::GRU>(2000, 20, 35, torch::nn::GRUOptions(256, 256).num_layers(2));
}
Step lstm_lm() {
  return language_model<torch::nn::LSTM>(2000, 20, 35, torch::nn::LSTMOptions(256, 256).num_layers(2));
}
Step lstm_char() { return language_model<torch::nn::LSTM>(65, 32, 64, torch::nn::LSTMOptions(64, 128)); }

// Bahdanau's decoder as Dive into Deep Learning has it, a GRU that is called for each step with [context;
// embedding], but the keys are projected once, before the first step. Step by step, (T, B), as above.
Step translator(std::int64_t tokens, std::int64_t width, std::int64_t layers, std::int64_t batch,
                std::int64_t steps) {
  namespace nn = torch::nn;
  nn::Embedding source_embedding(tokens, width), target_embedding(tokens, width);
  nn::GRU encoder(nn::GRUOptions(width, width).num_layers(layers)),
      decoder(nn::GRUOptions(2 * width, width).num_layers(layers));
  const auto projection = [&](std::int64_t out) {
    return nn::Linear(nn::LinearOptions(width, out).bias(false));
  };
  nn::Linear w_q = projection(width), w_k = projection(width), w_v = projection(1), head(width, tokens);
  const std::vector<torch::Tensor> parameters = joined(
      {source_embedding->parameters(), target_embedding->parameters(), encoder->parameters(),
       decoder->parameters(), w_q->parameters(), w_k->parameters(), w_v->parameters(), head->parameters()});
  const auto ids = [&] { return torch::randint(1, tokens, {steps, batch}).to(torch::kLong); };
  const torch::Tensor source = ids(), input = ids(), target = ids().view({steps * batch});
  return training(parameters, [=]() mutable {
    auto [seen, state] = encoder->forward(source_embedding->forward(source));
    const torch::Tensor values = seen.transpose(0, 1).contiguous();  // (B, S, H)
    const torch::Tensor keys = w_k->forward(values), embedded = target_embedding->forward(input);
    std::vector<torch::Tensor> outputs;
    for (std::int64_t t = 0; t < steps; ++t) {
      const torch::Tensor query = w_q->forward(state[-1]).unsqueeze(1);  // (B, 1, H)
      const torch::Tensor scores = w_v->forward(torch::tanh(query + keys)).transpose(1, 2);
      const torch::Tensor context = torch::bmm(torch::softmax(scores, -1), values).squeeze(1);
      torch::Tensor output;
      std::tie(output, state) = decoder->forward(torch::cat({context, embedded[t]}, -1).unsqueeze(0), state);
      outputs.push_back(output);
    }
    const torch::Tensor logits = head->forward(torch::cat(outputs)).view({steps * batch, tokens});
    return torch::nn::functional::cross_entropy(logits, target);
  });
}

Step s2s_attn_d2l() { return translator(200, 32, 2, 64, 10); }
Step s2s_attn_256() { return translator(4000, 256, 1, 64, 20); }

struct Model {
  const char* name;
  Step (*make)();
};
constexpr Model all[] = {
    {"mlp-tiny", mlp_tiny},
    {"tr-d2l", tr_d2l},
    {"s2s-attn-d2l", s2s_attn_d2l},
    {"lstm-char", lstm_char},
    {"rnn-lm", rnn_lm},
    {"gru-lm", gru_lm},
    {"lstm-lm", lstm_lm},
    {"gpt-char-cpu", gpt_char_cpu},
    {"s2s-attn-256", s2s_attn_256},
    {"tr-256", tr_256},
    {"bert-mini", bert_mini},
    {"gpt-baby", gpt_baby},
    {"gpt2-124m", gpt2_124m},
};

}  // namespace

Step training(const std::vector<torch::Tensor>& parameters, std::function<torch::Tensor()> loss) {
  const auto optimiser = std::make_shared<torch::optim::AdamW>(
      parameters, torch::optim::AdamWOptions(1e-3).betas({0.9, 0.999}).eps(1e-8).weight_decay(0.01));
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : parameters) count += parameter.numel();
  const auto run = [=]() mutable {
    loss().backward();
    optimiser->step();
    // zero_grad() of this version fills with zeros, to which backward() then adds; releasing them is quicker.
    for (const torch::Tensor& parameter : parameters) parameter.mutable_grad().reset();
  };
  return {run, count, {}, 0, {}};
}

std::vector<torch::Tensor> joined(std::initializer_list<std::vector<torch::Tensor>> lists) {
  std::vector<torch::Tensor> all;
  for (const auto& some : lists) all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace gradus::bench

int main(int count, char** words) {
  using namespace gradus::bench;
  if (count != 3) {
    std::cerr << "[bench] the peer is started by bench_steps, with a model and a number of threads.\n";
    return 2;
  }
  torch::set_num_threads(std::atoi(words[2]));
  torch::set_num_interop_threads(1);
  for (const Model& model : all)
    if (model.name == std::string(words[1])) {
      Worker(blas_description(), model.make, nullptr).serve();
      return 0;
    }
  std::cerr << "[bench] the peer has no '" << words[1] << "'. Add it to `all` in peer_torch.cpp?\n";
  return 2;
}
