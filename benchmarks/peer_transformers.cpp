// The Transformers in libtorch 1.13, whose scaled_dot_product_attention is composed of other ops on a CPU.
// What is below takes less time than that or than baddbmm: matrices (B T, width), which addmm takes as they
// are; q, k and v by one product; q scaled before its product and not the scores behind it; and in place
// what no gradient needs.
#include <cmath>
#include <limits>
#include <memory>
#include <optional>

#include "peer.h"

namespace gradus::bench {
namespace {

namespace nn = torch::nn;
namespace F = torch::nn::functional;
using torch::Tensor;

struct Sizes {
  std::int64_t width, heads, hidden, batch, steps;
};

nn::LayerNorm norm_of(std::int64_t width, double eps = 1e-5) {
  return nn::LayerNorm(nn::LayerNormOptions({width}).eps(eps));
}

// -infinity where a query must not look, for sequences of `steps`.
Tensor causal_mask(std::int64_t steps) {
  return torch::full({steps, steps}, -std::numeric_limits<float>::infinity()).triu(1);
}

Tensor random_ids(std::int64_t first, std::int64_t end, std::int64_t count) {
  return torch::randint(first, end, {count}, torch::kLong);
}

// Queries of x, keys and values of x too or of a memory; (B T, width).
class Attention : public nn::Module {
 public:
  Attention(const Sizes& sizes, bool of_memory) : s_(sizes) {
    const std::int64_t d = s_.width;
    in_ = register_module("in", nn::Linear(d, of_memory ? d : 3 * d));
    if (of_memory) memory_in_ = register_module("memory_in", nn::Linear(d, 2 * d));
    out_ = register_module("out", nn::Linear(d, d));
  }

  // mask: undefined, or (T, T) to add to scores.
  Tensor forward(const Tensor& x, const Tensor& memory, const Tensor& mask) {
    std::vector<Tensor> parts = in_->forward(x).split(s_.width, 1);
    if (memory.defined())
      for (const Tensor& part : memory_in_->forward(memory).split(s_.width, 1)) parts.push_back(part);
    for (Tensor& part : parts) part = by_heads(part);
    const double scale = 1 / std::sqrt(static_cast<double>(s_.width / s_.heads));
    Tensor scores = torch::bmm(parts[0] * scale, parts[1].transpose(1, 2));
    if (mask.defined()) scores.add_(mask);
    const Tensor seen = torch::bmm(torch::softmax(scores, -1), parts[2]);  // (B heads, T, width / heads)
    return out_->forward(seen.view({s_.batch, s_.heads, s_.steps, s_.width / s_.heads})
                             .transpose(1, 2)
                             .reshape({s_.batch * s_.steps, s_.width}));
  }

 private:
  Tensor by_heads(const Tensor& x) const {
    const std::int64_t of_head = s_.width / s_.heads;
    return x.view({s_.batch, s_.steps, s_.heads, of_head})
        .transpose(1, 2)
        .reshape({s_.batch * s_.heads, s_.steps, of_head});
  }

  Sizes s_;
  nn::Linear in_{nullptr}, memory_in_{nullptr}, out_{nullptr};
};

enum class Activation { relu, gelu, gelu_tanh };

Tensor activate(Tensor x, Activation activation) {
  switch (activation) {
    case Activation::relu:
      return x.relu_();
    case Activation::gelu:
      return torch::gelu(x);
    case Activation::gelu_tanh:
      break;
  }
  return torch::gelu(x, "tanh");
}

struct LayerOptions {
  bool norm_first = false, decodes = false;
  Activation activation = Activation::relu;
  double eps = 1e-5;
};

// Of an encoder, or of a decoder that attends to a memory.
class Layer : public nn::Module {
 public:
  Layer(const Sizes& sizes, const LayerOptions& options) : o_(options) {
    own_ = register_module("own", std::make_shared<Attention>(sizes, false));
    if (o_.decodes) cross_ = register_module("cross", std::make_shared<Attention>(sizes, true));
    linear1_ = register_module("linear1", nn::Linear(sizes.width, sizes.hidden));
    linear2_ = register_module("linear2", nn::Linear(sizes.hidden, sizes.width));
    for (std::int64_t k = 0; k < (o_.decodes ? 3 : 2); ++k) norms_->push_back(norm_of(sizes.width, o_.eps));
    register_module("norms", norms_);
  }

  Tensor forward(Tensor x, const Tensor& mask, const Tensor& memory = {}) {
    x = around(x, 0, [&](const Tensor& h) { return own_->forward(h, {}, mask); });
    if (o_.decodes) x = around(x, 1, [&](const Tensor& h) { return cross_->forward(h, memory, {}); });
    return around(x, norms_->size() - 1, [&](const Tensor& h) {
      return linear2_->forward(activate(linear1_->forward(h), o_.activation));
    });
  }

 private:
  // f's last op is a Linear, whose output no gradient needs.
  template <class Sublayer>
  Tensor around(const Tensor& x, std::size_t norm, const Sublayer& f) {
    auto& normed = *norms_[norm]->as<nn::LayerNorm>();
    return o_.norm_first ? f(normed.forward(x)).add_(x) : normed.forward(f(x).add_(x));
  }

  LayerOptions o_;
  std::shared_ptr<Attention> own_, cross_;
  nn::Linear linear1_{nullptr}, linear2_{nullptr};
  nn::ModuleList norms_;
};

using Layers = std::vector<std::shared_ptr<Layer>>;

Layers layers_of(std::int64_t count, const Sizes& sizes, const LayerOptions& options) {
  Layers layers;
  for (std::int64_t k = 0; k < count; ++k) layers.push_back(std::make_shared<Layer>(sizes, options));
  return layers;
}

std::vector<Tensor> parameters_of(const Layers& layers) {
  std::vector<Tensor> all;
  for (const auto& layer : layers) all = joined({all, layer->parameters()});
  return all;
}

nn::Embedding embedding_of(std::int64_t count, std::int64_t width, double deviation) {
  nn::Embedding made(count, width);
  nn::init::normal_(made->weight, 0, deviation);
  return made;
}

Step translator(std::int64_t tokens, std::int64_t layers, const Sizes& s) {
  const double root = std::sqrt(static_cast<double>(s.width));
  nn::Embedding source_embedding = embedding_of(tokens, s.width, 1 / root),
                target_embedding = embedding_of(tokens, s.width, 1 / root);
  const Layers encoder = layers_of(layers, s, {});
  LayerOptions decodes;
  decodes.decodes = true;
  const Layers decoder = layers_of(layers, s, decodes);
  nn::Linear head(nn::LinearOptions(s.width, tokens).bias(false));
  const std::int64_t count = s.batch * s.steps;
  const Tensor source = random_ids(1, tokens, count), input = random_ids(1, tokens, count),
               target = random_ids(1, tokens, count), mask = causal_mask(s.steps);
  // As large as sinusoids, and as constant.
  const Tensor positions = torch::rand({s.steps, s.width}).repeat({s.batch, 1});
  return training(joined({source_embedding->parameters(), target_embedding->parameters(),
                          parameters_of(encoder), parameters_of(decoder), head->parameters()}),
                  [=]() mutable {
                    Tensor memory = source_embedding->forward(source).mul_(root).add_(positions);
                    for (const auto& layer : encoder) memory = layer->forward(memory, {});
                    Tensor x = target_embedding->forward(input).mul_(root).add_(positions);
                    for (const auto& layer : decoder) x = layer->forward(x, mask, memory);
                    return F::cross_entropy(head->forward(x), target);
                  });
}

// GPT-2; the head's matrix is the embedding's.
Step language_model(std::int64_t tokens, std::int64_t context, std::int64_t layers, const Sizes& s) {
  nn::Embedding embedding = embedding_of(tokens, s.width, 0.02),
                position = embedding_of(context, s.width, 0.02);
  LayerOptions options;
  options.norm_first = true, options.activation = Activation::gelu_tanh;
  const Layers blocks = layers_of(layers, s, options);
  nn::LayerNorm norm = norm_of(s.width);
  const Tensor ids = random_ids(0, tokens, s.batch * s.steps),
               next = random_ids(0, tokens, s.batch * s.steps), mask = causal_mask(s.steps);
  return training(
      joined({embedding->parameters(), position->parameters(), parameters_of(blocks), norm->parameters()}),
      [=]() mutable {
        Tensor x = embedding->forward(ids).view({s.batch, s.steps, s.width});
        x = x.add_(position->weight.narrow(0, 0, s.steps)).view({s.batch * s.steps, s.width});
        for (const auto& block : blocks) x = block->forward(x, mask);
        return F::cross_entropy(F::linear(norm->forward(x), embedding->weight), next);
      });
}

}  // namespace

Step tr_d2l() { return translator(200, 2, {32, 4, 64, 64, 10}); }
Step tr_256() { return translator(4000, 3, {256, 8, 1024, 32, 32}); }
Step gpt_char_cpu() { return language_model(65, 64, 4, {128, 4, 512, 12, 64}); }
Step gpt_baby() { return language_model(65, 256, 6, {384, 6, 1536, 8, 256}); }
Step gpt2_124m() { return language_model(50'257, 1024, 12, {768, 12, 3072, 4, 64}); }

Step bert_mini() {
  constexpr std::int64_t tokens = 8000;
  constexpr double eps = 1e-12;
  const Sizes s{256, 4, 1024, 16, 128};
  nn::Embedding word = embedding_of(tokens, s.width, 0.02), position = embedding_of(s.steps, s.width, 0.02),
                segment = embedding_of(2, s.width, 0.02);
  nn::LayerNorm first_norm = norm_of(s.width, eps), last_norm = norm_of(s.width, eps);
  LayerOptions options;
  options.activation = Activation::gelu, options.eps = eps;
  const Layers layers = layers_of(4, s, options);
  nn::Linear pooler(s.width, s.width), transform(s.width, s.width), next(s.width, 2);
  Tensor bias = torch::zeros({tokens}, torch::requires_grad());
  const std::int64_t count = s.batch * s.steps;
  const Tensor ids = random_ids(1, tokens, count), segments = random_ids(0, 2, count),
               labels = random_ids(1, tokens, count), is_random = random_ids(0, 2, s.batch);
  return training(
      joined({word->parameters(),
              position->parameters(),
              segment->parameters(),
              first_norm->parameters(),
              parameters_of(layers),
              pooler->parameters(),
              transform->parameters(),
              last_norm->parameters(),
              {bias},
              next->parameters()}),
      [=]() mutable {
        Tensor x = word->forward(ids).add_(segment->forward(segments)).view({s.batch, s.steps, s.width});
        x = first_norm->forward(x.add_(position->weight)).view({count, s.width});
        for (const auto& layer : layers) x = layer->forward(x, {});
        const Tensor transformed = last_norm->forward(torch::gelu(transform->forward(x)));
        const Tensor of_tokens = F::cross_entropy(F::linear(transformed, word->weight, bias), labels);
        const Tensor starts = x.view({s.batch, s.steps, s.width}).select(1, 0);
        return of_tokens + F::cross_entropy(next->forward(torch::tanh(pooler->forward(starts))), is_random);
      });
}

}  // namespace gradus::bench
