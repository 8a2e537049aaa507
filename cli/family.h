// A family of models as the verbs see it. To add one: a file with a class that is a Family and, of what its
// models can do, a WritesText, Translates, HasVectors or ClassifiesPictures; and its line in families.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gradus/cli/options.h>
#include <gradus/data/tokenizer.h>
#include <gradus/models/decoding.h>
#include <gradus/models/word_vectors.h>
#include <gradus/nn/module.h>
#include <gradus/optim/training_state.h>

namespace gradus::cli {

// What every training is told. A family changes the defaults for its own.
struct TrainSettings {
  std::int64_t steps = 2000, batch_size = 32, warmup = -1, eval_every = 250, seed = 0, threads = 0;
  double lr = 3e-3, clip = 1;
  std::string out = {}, config = {};
  bool resume = false, json = false;
};

// What a training needs of a family, which keeps all that this refers to.
struct Training {
  nn::Module* model;
  std::function<Tensor()> next_loss;
  std::vector<optim::Part> parts;       // of next_loss: where its batches are
  std::function<double()> evaluate;     // on what is held out, least where best: mostly the loss
  std::function<std::string()> sample;  // what the model does by now
  std::string unit;                     // of what its batches hold: tokens
  std::function<std::int64_t()> units;  // in the batches until now
};

// What is told in the end, to machines and to readers.
struct Results {
  Json::Object values;
  std::vector<std::pair<std::string, std::string>> lines;  // ("loss", "0.87 nats a word")

  void add(const std::string& name, Json value, std::string line);
};

class Family {
 public:
  virtual ~Family() = default;

  // Adds the options that are its own, kept in this object, and sets what else it would have for defaults.
  virtual void describe(Options& options, TrainSettings& defaults) = 0;
  // Refuses settings that do not fit each other, in a word about the flags.
  virtual void check_settings(const Options&) const {}

  // Reads the data and makes the model, with random weights. Tokenizers are those in `run`, if a run goes on,
  // or are made of the data.
  virtual Training begin(const TrainSettings& settings, const std::filesystem::path& run) = 0;
  // Writes what a run needs beside options and weights, such as its tokenizer, after begin().
  virtual void keep(const std::filesystem::path& run) const = 0;
  // How good the model is, after begin().
  virtual Results results() = 0;
  // What the results say that need more words than they have: ("bleu", "up to 100: ...").
  virtual std::vector<std::pair<std::string, std::string>> explained_results() const { return {}; }
  // Commands that use the model in the folder, for who has just trained it.
  virtual std::vector<std::string> uses(const std::string& run) const = 0;

  // Commands that train one of its models.
  virtual std::vector<std::string> examples(const std::string& model) const = 0;

  // Makes the model with the tokenizers in `run`, instead of begin(). Weights are the caller's to load.
  virtual nn::Module& open(const std::filesystem::path& run) = 0;
};

class WritesText {
 public:
  virtual ~WritesText() = default;
  virtual const data::Tokenizer& tokenizer() const = 0;
  virtual std::unique_ptr<models::Writer> writer() const = 0;
  // What the model reads where there is no prompt.
  virtual std::int64_t begin_id() const = 0;
};

class Translates {
 public:
  virtual ~Translates() = default;
  virtual const data::Tokenizer& source() const = 0;
  virtual const data::Tokenizer& target() const = 0;
  virtual data::DecoderIds ids() const = 0;
  virtual std::unique_ptr<models::Writer> writer(const data::Padded& source) const = 0;
  // How much each token of input (B, T) attended to each of the source, (B, T, S); undefined if none does.
  virtual Tensor weights(const data::Padded& source, const Tensor& input) const = 0;
};

class HasVectors {
 public:
  virtual ~HasVectors() = default;
  virtual const data::Vocabulary& words() const = 0;
  virtual models::WordVectors vectors() const = 0;
};

// The pictures that a model takes, and what it calls them.
struct PictureKind {
  std::int64_t channels = 0, height = 0, width = 0;
  std::vector<std::string> classes;
};

class ClassifiesPictures {
 public:
  virtual ~ClassifiesPictures() = default;
  virtual const PictureKind& pictures() const = 0;
  // (B, classes) for (B, channels, height, width) in [0, 1].
  virtual Tensor logits(const Tensor& pictures) = 0;
};

struct FamilyEntry {
  std::vector<std::pair<std::string, std::string>> models;  // names and what they are
  std::function<std::unique_ptr<Family>(const std::string& model)> make;
  // A model, in eval mode, of a folder with a config.json that another program has made; null if it is of
  // none of these models.
  std::function<std::unique_ptr<Family>(const std::filesystem::path& folder)> open_other = {};
};
const std::vector<FamilyEntry>& families();

std::vector<std::string> model_names();
// Refuses a name that is none, with the nearest; `verb` is for errors.
std::unique_ptr<Family> family_of(const std::string& verb, const std::string& model);

}  // namespace gradus::cli
