#include <gradus/models/vit.h>

#include <gradus/autograd/ops/join.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>

namespace gradus::models {
namespace {

const char* const op = "vit";

using Options = Vit::Options;

Options checked(const Options& o) {
  check(o.size > 0 && o.patch > 0 && o.channels > 0 && o.classes > 0 && o.layers > 0, op,
        "needs size, patch, channels, classes and layers above 0, not ", o.size, ", ", o.patch, ", ",
        o.channels, ", ", o.classes, " and ", o.layers, ". Set them?");
  check(o.size % o.patch == 0, op, "pictures of ", o.size, " x ", o.size, " cannot be cut into patches of ",
        o.patch, " x ", o.patch, ". A patch that divides the size?");
  return o;
}

std::int64_t tokens_of(const Options& o) {
  const std::int64_t a_side = o.size / o.patch;
  return 1 + a_side * a_side;
}

}  // namespace

Vit::Vit(const Options& o)
    : options(checked(o)),
      patch({.in = o.channels, .out = o.width, .kernel = {o.patch, o.patch}, .stride = {o.patch, o.patch}}),
      class_token(zeros({o.width}).requires_grad_()),
      position({.width = o.width, .position = nn::Position::learned, .max_length = tokens_of(o)}),
      dropout({.p = o.dropout}),
      norm({.width = o.width}),
      head({.in = o.width, .out = o.classes}) {
  for (std::int64_t k = 0; k < o.layers; ++k)
    layers.push_back(nn::TransformerEncoderLayer({.width = o.width,
                                                  .heads = o.heads,
                                                  .hidden = o.hidden,
                                                  .dropout = o.dropout,
                                                  .activation = nn::Activation::gelu,
                                                  .norm = nn::NormPlace::pre}));
}

Tensor Vit::patches(const Tensor& pictures) const {
  const nn::Call call(*this);
  const Shape& shape = pictures.shape();
  check(pictures.rank() == 4 && shape[1] == options.channels && shape[2] == options.size &&
            shape[3] == options.size,
        op, "takes pictures (B, ", options.channels, ", ", options.size, ", ", options.size, "), not ", shape,
        ". Cut or scale them?");
  return patch(pictures).flatten(2).transpose(1, 2);  // (B, width, side, side), (B, width, N), (B, N, width)
}

// What the layers read, (B, 1 + N, width).
Tensor Vit::sequence(const Tensor& pictures) const {
  const Tensor x = patches(pictures);
  const Tensor first = class_token.expand({x.size(0), 1, options.width});
  return dropout(position(concat({first, x}, 1)));
}

Tensor Vit::classify(const Tensor& x) const { return head(norm(x.select(1, 0))); }

Tensor Vit::operator()(const Tensor& pictures) const {
  const nn::Call call(*this);
  Tensor x = sequence(pictures);
  for (const nn::TransformerEncoderLayer& layer : layers) x = layer(x);
  return classify(x);
}

Vit::Attended Vit::with_weights(const Tensor& pictures) const {
  const nn::Call call(*this);
  Attended result;
  Tensor x = sequence(pictures);
  for (const nn::TransformerEncoderLayer& layer : layers) {
    AttentionResult seen = layer.with_weights(x);
    x = seen.output;
    result.layers.push_back(std::move(seen.weights));
  }
  result.logits = classify(x);
  return result;
}

}  // namespace gradus::models
