// The peer's side of the steps benchmark: the same models in libtorch.   bench_steps_torch MODEL THREADS
#include <dlfcn.h>
#include <torch/torch.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "worker.h"

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

struct Optimiser {
  torch::optim::AdamW adamw;
  std::vector<torch::Tensor> parameters;

  explicit Optimiser(const std::vector<torch::Tensor>& weights)
      : adamw(weights, torch::optim::AdamWOptions(1e-3).betas({0.9, 0.999}).eps(1e-8).weight_decay(0.01)),
        parameters(weights) {}
  void step() {
    adamw.step();
    // zero_grad() of this version fills with zeros, to which backward() then adds; releasing them is quicker.
    for (torch::Tensor& w : parameters) w.mutable_grad().reset();
  }
};

Work mlp_tiny() {
  namespace nn = torch::nn;
  auto model =
      nn::Sequential(nn::Linear(16, 16), nn::Tanh(), nn::Linear(16, 16), nn::Tanh(), nn::Linear(16, 1));
  const torch::Tensor x = torch::randn({8, 16}), target = torch::randn({8, 1});
  return [=, optimiser = std::make_shared<Optimiser>(model->parameters())]() mutable {
    torch::mse_loss(model->forward(x), target).backward();
    optimiser->step();
  };
}

// Ids step by step, (T, B), as libtorch's recurrent layers like them best.
template <class Net, class Options>
Work language_model(std::int64_t tokens, std::int64_t batch, std::int64_t steps, const Options& options) {
  namespace nn = torch::nn;
  nn::Embedding embedding(tokens, options.input_size());
  Net net(options);
  nn::Linear head(options.hidden_size(), tokens);
  std::vector<torch::Tensor> parameters;
  for (const auto& some : {embedding->parameters(), net->parameters(), head->parameters()})
    parameters.insert(parameters.end(), some.begin(), some.end());
  const torch::Tensor ids = torch::randint(tokens, {steps, batch}),
                      next = torch::randint(tokens, {steps * batch});
  return [=, ids = ids.to(torch::kLong), next = next.to(torch::kLong),
          optimiser = std::make_shared<Optimiser>(parameters)]() mutable {
    const torch::Tensor output = std::get<0>(net->forward(embedding->forward(ids)));
    const torch::Tensor logits = head->forward(output).view({steps * batch, tokens});
    torch::nn::functional::cross_entropy(logits, next).backward();
    optimiser->step();
  };
}

Work rnn_lm() {
  return language_model<torch::nn::RNN>(2000, 20, 35, torch::nn::RNNOptions(256, 256).num_layers(2));
}
Work gru_lm() {
  return language_model<torch::nn::GRU>(2000, 20, 35, torch::nn::GRUOptions(256, 256).num_layers(2));
}
Work lstm_lm() {
  return language_model<torch::nn::LSTM>(2000, 20, 35, torch::nn::LSTMOptions(256, 256).num_layers(2));
}
Work lstm_char() { return language_model<torch::nn::LSTM>(65, 32, 64, torch::nn::LSTMOptions(64, 128)); }

struct Model {
  const char* name;
  Work (*make)();
};
constexpr Model all[] = {
    {"mlp-tiny", mlp_tiny}, {"lstm-char", lstm_char}, {"rnn-lm", rnn_lm},
    {"gru-lm", gru_lm},     {"lstm-lm", lstm_lm},
};

}  // namespace
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
    if (model.name == std::string(words[1])) Worker(blas_description(), model.make, nullptr).serve();
  return 0;
}
