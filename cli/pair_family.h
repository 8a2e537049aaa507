// What families that translate have in common: pairs to learn from, and what is asked of a translator.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gradus/cli/pair_corpus.h>

namespace gradus::cli {

class PairFamily : public Family, public Translates {
 public:
  Training begin(const TrainSettings& settings, const std::filesystem::path& run) override;
  void keep(const std::filesystem::path& run) const override { corpus_.save_tokenizers(run); }
  Results results() override;
  std::vector<std::pair<std::string, std::string>> explained_results() const override;
  std::vector<std::string> uses(const std::string& run) const override;
  nn::Module& open(const std::filesystem::path& run) override;

  const data::Tokenizer& source() const override { return corpus_.source(); }
  const data::Tokenizer& target() const override { return corpus_.target(); }
  data::DecoderIds ids() const override { return corpus_.ids(); }
  std::unique_ptr<models::Writer> writer(const data::Padded& source) const override {
    return translator_.writer(source);
  }
  Tensor weights(const data::Padded& source, const Tensor& input) const override {
    return translator_.weights ? translator_.weights(source, input) : Tensor();
  }

 protected:
  // Makes the model, of the corpus's words, with random weights.
  virtual nn::Module& make_model() = 0;
  // Of the model that was made.
  virtual Translator translator() const = 0;
  virtual Tensor loss(const data::PairBatch& batch) const = 0;

  PairCorpus corpus_;

 private:
  nn::Module& made();

  nn::Module* model_ = nullptr;
  Translator translator_;
  std::optional<data::Source<data::PairBatch>> batches_;
  std::int64_t tokens_ = 0;
};

}  // namespace gradus::cli
