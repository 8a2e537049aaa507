// vit: a Transformer over the patches of a picture.
#include <algorithm>

#include <gradus/cli/families.h>
#include <gradus/cli/picture_family.h>
#include <gradus/core/check.h>
#include <gradus/models/vit.h>

namespace gradus::cli {
namespace {

class VitFamily final : public PictureFamily {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.group("Model");
    options.add(units_option("patch", patch_, "rows and columns of a patch, which is a token"));
    options.add(layers_option("layers", layers_, "Transformer layers, one above the other"));
    options.add(units_option("heads", heads_, "of each layer's attention; they share the width"));
    options.add(units_option("width", width_, "of the patches' vectors"));
    options.add(units_option("hidden", hidden_, "units of each layer's feed-forward network"));
    options.add(dropout_option(dropout_));
    defaults = {.steps = 6000, .batch_size = 32, .eval_every = 500, .lr = 2e-3};
  }

  void check_settings(const Options&) const override {
    check(width_ % heads_ == 0, "train", "--heads ", heads_, " do not share --width ", width_,
          " evenly. --width ", heads_ * std::max<std::int64_t>(1, width_ / heads_), "?");
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --patch 7 --layers 6",
            "./gradus train " + model + " --data fashion-mnist --out runs/fashion"};
  }

 private:
  nn::Module& make_model(const PictureKind& kind) override {
    check(kind.height == kind.width, "train", "--data ", corpus_.data(), " has pictures of ", kind.width,
          " x ", kind.height, ", and a ViT takes square ones. train resnet?");
    check(kind.width % patch_ == 0, "train", "--patch ", patch_, " does not divide pictures of ", kind.width,
          " x ", kind.height, ". 4?");
    model_.emplace(models::Vit::Options{.size = kind.width,
                                        .channels = kind.channels,
                                        .patch = patch_,
                                        .classes = std::ssize(kind.classes),
                                        .width = width_,
                                        .layers = layers_,
                                        .heads = heads_,
                                        .hidden = hidden_,
                                        .dropout = dropout_});
    return *model_;
  }
  Tensor call(const Tensor& x) override { return (*model_)(x); }

  std::int64_t patch_ = 4, layers_ = 4, heads_ = 4, width_ = 64, hidden_ = 128;
  double dropout_ = 0;
  std::optional<models::Vit> model_;
};

}  // namespace

FamilyEntry vit() {
  return {.models = {{"vit", "tells pictures apart: a Transformer over their patches"}},
          .make = [](const std::string&) { return std::make_unique<VitFamily>(); }};
}

}  // namespace gradus::cli
