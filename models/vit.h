// ViT: a picture as a sentence of patches. Of 224 x 224 pixels each a token there would be 50,176; of 16 x 16
// patches there are 196.
//
//   x = [class; W patch_1 + b; ... ; W patch_N + b] + positions, learned;  N layers, norms first;
//   logits = W norm(x_class) + b
//
// Dosovitskiy et al. 2021
#pragma once

#include <vector>

#include <gradus/nn/containers.h>
#include <gradus/nn/conv.h>
#include <gradus/nn/linear.h>
#include <gradus/nn/norm.h>
#include <gradus/nn/position.h>
#include <gradus/nn/transformer.h>

namespace gradus::models {

// Shapes: B pictures, each of N = (size / patch)^2 patches.
class Vit : public nn::ModuleOf<Vit> {
 public:
  struct Options {
    std::int64_t size = 28, channels = 1, patch = 4;  // pictures of size x size
    std::int64_t classes = 10;
    std::int64_t width = 64, layers = 4, heads = 4, hidden = 128;
    double dropout = 0;
  };
  explicit Vit(const Options& options);

  // Pictures (B, channels, size, size), best of mean 0 and deviation 1; logits (B, classes).
  Tensor operator()(const Tensor& pictures) const;
  // Patches (B, N, width), row by row, before positions.
  Tensor patches(const Tensor& pictures) const;
  // The same as the call, and how each head of each layer attended.
  struct Attended {
    Tensor logits;
    std::vector<Tensor> layers;  // (B, heads, 1 + N, 1 + N), the class token first
  };
  Attended with_weights(const Tensor& pictures) const;

  Options options;
  nn::Conv2d patch;    // each patch by itself: its kernel is as large as its stride
  Tensor class_token;  // (width,), at first zeros
  nn::PositionalEncoding position;
  nn::Dropout dropout;
  nn::ModuleList<nn::TransformerEncoderLayer> layers;
  nn::LayerNorm norm;
  nn::Linear head;

  template <class Self, class Visit>
  static void members(Self& self, Visit& visit) {
    visit.module("patch", self.patch);
    visit.parameter("class_token", self.class_token);
    visit.module("position", self.position);
    visit.module("dropout", self.dropout);
    visit.module("layers", self.layers);
    visit.module("norm", self.norm);
    visit.module("head", self.head);
  }

 private:
  Tensor sequence(const Tensor& pictures) const;
  Tensor classify(const Tensor& x) const;
};

}  // namespace gradus::models
