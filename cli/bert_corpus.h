// What BERT is pre-trained on: the stories, or a text file of the user's, a sentence a line and empty lines
// between documents.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gradus/cli/family.h>
#include <gradus/data/bert_batches.h>
#include <gradus/models/bert.h>

namespace gradus::cli {

class BertCorpus {
 public:
  void describe(Options& options);
  void check_settings(const Options& options) const;
  // The tokenizer is the one in `run`, if a run goes on, or made of the text.
  void read(const std::filesystem::path& run);

  const data::Tokenizer& tokenizer() const { return *tokenizer_; }
  bool is_stories() const { return data_ == "stories"; }
  // Which tokens are hidden, and what stands for them: of stories no words that are in the tasks alone, since
  // nobody who knows stories would take them for one.
  data::Masking masking(const data::Corruption& corruption) const;
  const std::vector<data::Document>& training() const { return training_; }
  // What no training sees, its pairs and what is hidden of them always the same.
  const std::vector<data::BertBatch>& held_out() const { return held_out_; }
  void hold_out(std::int64_t context);

 private:
  void read_file(const std::filesystem::path& run);

  std::string data_ = "stories";
  std::int64_t vocabulary_ = 2000;
  std::unique_ptr<data::Tokenizer> tokenizer_;
  std::vector<data::Document> training_, unseen_;
  std::vector<data::BertBatch> held_out_;
};

// The mean loss of both questions over what is held out.
double pretraining_loss(const models::BertPretraining& model, const BertCorpus& corpus);

// How often hidden tokens and next sentences are told right; of stories also how often they can be.
void add_pretraining_results(Results& results, const models::BertPretraining& model,
                             const BertCorpus& corpus);

}  // namespace gradus::cli
