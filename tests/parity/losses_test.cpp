// Losses against PyTorch.
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/softmax.h>
#include <gradus/core/create.h>

#include "support/catch.h"
#include "support/golden.h"

using namespace gradus;
using namespace gradus::test;

namespace {

Tensor class_weights() { return tensor({0.5, 1.5, 0.25, 2}, f64); }

ParityCase cross_entropy_with(const CrossEntropyOptions& options) {
  return function([=](const NamedValues& in) { return cross_entropy(in["x"], in["t"], options); });
}
ParityCase nll_with(const NllLossOptions& options) {
  return function(
      [=](const NamedValues& in) { return nll_loss(log_softmax(in["x"], -1), in["t"], options); });
}

}  // namespace

TEST_CASE("losses agree with PyTorch", "[parity]") {
  std::map<std::string, ParityCase> cases = {
      {"cross_entropy", cross_entropy_with({})},
      {"cross_entropy of tokens", cross_entropy_with({})},
      {"cross_entropy summed", cross_entropy_with({.reduction = Reduction::sum})},
      {"cross_entropy of each", cross_entropy_with({.reduction = Reduction::none})},
      {"cross_entropy of weighted classes", cross_entropy_with({.class_weights = class_weights()})},
      {"cross_entropy ignoring 2", cross_entropy_with({.ignore_index = 2})},
      {"cross_entropy smoothed", cross_entropy_with({.label_smoothing = 0.2})},
      {"cross_entropy smoothed and weighted",
       cross_entropy_with({.label_smoothing = 0.2, .class_weights = class_weights()})},
      {"nll", nll_with({})},
      {"nll of tokens", nll_with({})},
      {"nll summed", nll_with({.reduction = Reduction::sum})},
      {"nll of each", nll_with({.reduction = Reduction::none})},
      {"nll of weighted classes", nll_with({.class_weights = class_weights()})},
      {"nll ignoring 2", nll_with({.ignore_index = 2})},
  };
  const std::map<std::string, Reduction> reductions = {
      {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
  for (const auto& [name, reduction] : reductions) {
    const auto add = [&, name = name](const std::string& loss, auto f) {
      cases[loss + ", " + name] = function(f);
    };
    add("mse", [r = reduction](const NamedValues& in) { return mse_loss(in["x"], in["t"], r); });
    add("mae", [r = reduction](const NamedValues& in) { return mae_loss(in["x"], in["t"], r); });
    add("huber", [r = reduction](const NamedValues& in) { return huber_loss(in["x"], in["t"], 0.7, r); });
    add("bce", [r = reduction](const NamedValues& in) {
      return binary_cross_entropy_with_logits(in["x"], in["t"], {.reduction = r});
    });
    add("bce with pos_weight", [r = reduction](const NamedValues& in) {
      return binary_cross_entropy_with_logits(in["x"], in["t"],
                                              {.pos_weight = tensor({0.5, 3, 1.25}, f64), .reduction = r});
    });
    add("hinge", [r = reduction](const NamedValues& in) { return hinge_loss(in["x"], in["t"], r); });
    add("kl", [r = reduction](const NamedValues& in) {
      return kl_divergence(log_softmax(in["x"], -1), softmax(in["p"], -1), r);
    });
    add("cosine", [r = reduction](const NamedValues& in) {
      return cosine_embedding_loss(in["a"], in["b"], in["t"], -0.6, r);
    });
  }
  check_family("losses", cases);
}
