// What the families of language models share: their data, training, evaluation and what their models serve
// for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gradus/cli/family.h>
#include <gradus/cli/text_corpus.h>

namespace gradus::cli {

class LanguageModel : public Family, public WritesText, public HasVectors {
 public:
  Training begin(const TrainSettings& settings, const std::filesystem::path& run) override;
  void keep(const std::filesystem::path& run) const override;
  Results results() override;
  std::vector<std::pair<std::string, std::string>> explained_results() const override;
  std::vector<std::string> uses(const std::string& run) const override;
  nn::Module& open(const std::filesystem::path& run) override;

  const data::Tokenizer& tokenizer() const override { return tokenizer_ ? *tokenizer_ : corpus_.tokenizer(); }
  std::int64_t begin_id() const override { return id_between_texts(tokenizer()); }
  const data::Vocabulary& words() const override { return tokenizer().vocabulary(); }

 protected:
  // `flag` asks for how many tokens a model reads at a time.
  LanguageModel(const char* flag, std::int64_t block) : flag_(flag), block_(block) {}

  void describe_data(Options& options, std::string says_of_block);
  void check_data(const Options& options) const { corpus_.check_settings(options); }
  std::int64_t block() const { return block_; }

  // Makes the model, for so many tokens.
  virtual nn::Module& make_model(std::int64_t vocabulary) = 0;
  // (B, T) to (B, T, V), each row from no memory.
  virtual Tensor logits(const Tensor& ids) const = 0;

  std::unique_ptr<data::Tokenizer> tokenizer_;  // of a model that was opened

 private:
  LogitsOf logits_of() const {
    return [this](const Tensor& ids) { return logits(ids); };
  }
  std::string sample() const;

  const char* flag_;
  std::int64_t block_, tokens_ = 0;
  TextCorpus corpus_{"characters"};
  nn::Module* model_ = nullptr;
  std::optional<data::Source<data::LmBatch>> batches_;
};

}  // namespace gradus::cli
