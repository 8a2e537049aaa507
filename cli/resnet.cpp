// resnet: convolutions with a way around each pair.
#include <gradus/cli/families.h>
#include <gradus/cli/picture_family.h>
#include <gradus/models/resnet.h>

namespace gradus::cli {
namespace {

class ResnetFamily final : public PictureFamily {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    corpus_.describe(options);
    options.group("Model");
    options.add(layers_option("layers", blocks_, "blocks of two convolutions in each of the three stages"));
    options.add(
        units_option("width", width_, "channels of the first stage; each of the others doubles them"));
    options.add({.name = "residual",
                 .value = &residual_,
                 .shown = "KIND",
                 .says = "a way around each block: on or off",
                 .choices = {"on", "off"}});
    defaults = {.steps = 1000, .batch_size = 64, .eval_every = 100, .lr = 1e-2};
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --layers 3 --residual off",
            "./gradus train " + model + " --data fashion-mnist --steps 3000 --out runs/fashion"};
  }

 private:
  nn::Module& make_model(const PictureKind& kind) override {
    model_.emplace(models::Resnet::Options{.channels = kind.channels,
                                           .classes = std::ssize(kind.classes),
                                           .stages = {width_, 2 * width_, 4 * width_},
                                           .blocks = blocks_,
                                           .path = residual_ == "on" ? nn::Residual::on : nn::Residual::off});
    return *model_;
  }
  Tensor call(const Tensor& x) override { return (*model_)(x); }

  std::int64_t blocks_ = 1, width_ = 16;
  std::string residual_ = "on";
  std::optional<models::Resnet> model_;
};

}  // namespace

FamilyEntry resnet() {
  return {.models = {{"resnet", "tells pictures apart: convolutions, with a way around each pair"}},
          .make = [](const std::string&) { return std::make_unique<ResnetFamily>(); }};
}

}  // namespace gradus::cli
