// rnn, lstm, gru: language models with a recurrent memory.
#include <optional>

#include <gradus/cli/families.h>
#include <gradus/cli/language_model.h>
#include <gradus/core/check.h>
#include <gradus/models/rnn_lm.h>

namespace gradus::cli {
namespace {

class RecurrentLm final : public LanguageModel {
 public:
  explicit RecurrentLm(const std::string& cell)
      : LanguageModel("--block", 32), cell_(models::cell_of_name(cell)) {}

  void describe(Options& options, TrainSettings& defaults) override {
    describe_data(options, "tokens that are read at a time, from no memory");
    options.group("Model");
    options.add(layers_option("layers", layers_, "recurrent layers, one above the other"));
    options.add(units_option("hidden", hidden_, "units of a layer"));
    options.add(units_option("width", width_, "of the tokens' vectors"));
    options.add(dropout_option(dropout_));
    options.add({.name = "tied",
                 .value = &tied_,
                 .says = "tokens' vectors serve the output as well; --width must be --hidden"});
    defaults = {.steps = 4000, .batch_size = 32, .eval_every = 500, .lr = 5e-3};
  }

  void check_settings(const Options& options) const override {
    check_data(options);
    check(!tied_ || width_ == hidden_, "train", "--tied uses one matrix twice, so that --width ", width_,
          " must be --hidden ", hidden_, ". --width ", hidden_, "?");
  }

  std::vector<std::string> examples(const std::string& model) const override {
    return {"./gradus train " + model,
            "./gradus train " + model + " --layers 2 --hidden 256 --dropout 0.1 --steps 8000",
            "./gradus train " + model + " --data book.txt --block 64 --out runs/book"};
  }

  std::unique_ptr<models::Writer> writer() const override { return model_->writer(); }
  models::WordVectors vectors() const override { return {words(), model_->embedding.weight}; }

 private:
  nn::Module& make_model(std::int64_t vocabulary) override {
    return model_.emplace(models::RnnLm::Options{.vocabulary = vocabulary,
                                                 .cell = cell_,
                                                 .width = width_,
                                                 .hidden = hidden_,
                                                 .layers = layers_,
                                                 .dropout = dropout_,
                                                 .tied = tied_});
  }
  Tensor logits(const Tensor& ids) const override { return (*model_)(ids).logits; }

  models::Cell cell_;
  std::int64_t layers_ = 1, hidden_ = 192, width_ = 64;
  double dropout_ = 0;
  bool tied_ = false;
  std::optional<models::RnnLm> model_;
};

}  // namespace

FamilyEntry recurrent_lm() {
  return {.models = {{"rnn", "language model with a plain recurrent network"},
                     {"lstm", "language model with long short-term memory"},
                     {"gru", "language model with gated recurrent units"}},
          .make = [](const std::string& model) { return std::make_unique<RecurrentLm>(model); }};
}

}  // namespace gradus::cli
