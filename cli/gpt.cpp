// gpt: language models that are Transformers.
#include <optional>

#include <gradus/cli/families.h>
#include <gradus/cli/language_model.h>
#include <gradus/core/check.h>
#include <gradus/data/bpe.h>
#include <gradus/models/gpt.h>
#include <gradus/models/hugging_face_gpt2.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;

class GptFamily final : public LanguageModel {
 public:
  GptFamily() : LanguageModel("--context", 64) {}

  // A GPT-2 in a folder of Hugging Face's.
  explicit GptFamily(const fs::path& folder) : GptFamily() {
    tokenizer_ = std::make_unique<data::Bpe>(data::load_bpe(folder));
    model_.emplace(models::load_gpt2(folder));
    const std::int64_t size = words().size();
    check(size == model_->options.vocabulary, "gpt2", (folder / "vocab.json").string(), " has ", size,
          " tokens, and the model ", model_->options.vocabulary, ". Another model's?");
    end_of_text_ = words().find("<|endoftext|>");
  }

  void describe(Options& options, TrainSettings& defaults) override {
    describe_data(options, "tokens that are read at a time");
    options.group("Model");
    options.add(layers_option("layers", layers_, "layers of attention and feed-forward"));
    options.add(units_option("heads", heads_, "that each layer attends with"));
    options.add(units_option("width", width_, "of the tokens' vectors, and of all layers"));
    options.add(dropout_option(dropout_));
    options.add({.name = "norm",
                 .value = &norm_,
                 .shown = "PLACE",
                 .says = "pre: before each sublayer, as in GPT-2; post: behind it, as in GPT-1",
                 .choices = {"pre", "post"}});
    defaults = {.steps = 2500, .batch_size = 16, .eval_every = 500, .lr = 2e-3};
  }

  void check_settings(const Options& options) const override {
    check_data(options);
    check(width_ % heads_ == 0, "train", "--width ", width_, " cannot be shared by --heads ", heads_,
          ". --width ", (width_ / heads_ + 1) * heads_, "?");
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model, "./gradus train " + model + " --norm post --layers 2",
            "./gradus train " + model + " --data book.txt --context 128 --out runs/book"};
  }

  std::unique_ptr<models::Writer> writer() const override { return model_->writer(); }
  std::int64_t begin_id() const override { return end_of_text_ ? *end_of_text_ : LanguageModel::begin_id(); }
  models::WordVectors vectors() const override { return {words(), model_->embedding.weight}; }

 private:
  nn::Module& make_model(std::int64_t vocabulary) override {
    return model_.emplace(models::GptConfig{.vocabulary = vocabulary,
                                            .context = block(),
                                            .width = width_,
                                            .layers = layers_,
                                            .heads = heads_,
                                            .dropout = dropout_,
                                            .norm = norm_ == "pre" ? nn::NormPlace::pre : nn::NormPlace::post,
                                            .scaled_residuals = norm_ == "pre"});
  }
  Tensor logits(const Tensor& ids) const override { return (*model_)(ids); }

  std::int64_t layers_ = 4, heads_ = 4, width_ = 128;
  double dropout_ = 0;
  std::string norm_ = "pre";
  std::optional<std::int64_t> end_of_text_;  // what texts are parted by where a model knows of it
  std::optional<models::Gpt> model_;
};

}  // namespace

FamilyEntry gpt() {
  return {.models = {{"gpt", "language model with a Transformer"}},
          .make = [](const std::string&) { return std::make_unique<GptFamily>(); },
          .open_other = [](const fs::path& folder) -> std::unique_ptr<Family> {
            if (!models::is_gpt2_folder(folder)) return nullptr;
            return std::make_unique<GptFamily>(folder);
          }};
}

}  // namespace gradus::cli
