// What a translator is trained on: English with its French, or a file of pairs of the user's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gradus/cli/family.h>
#include <gradus/data/en_fr.h>
#include <gradus/data/pair_batches.h>
#include <gradus/models/translation.h>

namespace gradus::cli {

class PairCorpus {
 public:
  void describe(Options& options);
  // Tokenizers are those in `run`, if a run goes on, or are made of what is learned from.
  void read(const std::filesystem::path& run);
  // The tokenizers alone, of a run.
  void open(const std::filesystem::path& run);
  void save_tokenizers(const std::filesystem::path& run) const;

  const data::Tokenizer& source() const { return *source_; }
  const data::Tokenizer& target() const { return *target_; }
  data::DecoderIds ids() const;  // the same in both vocabularies
  const std::vector<data::IdsPair>& training() const { return training_; }
  // What no training sees: of en-fr, sentences of the same kind; of a file a tenth, by what is read.
  const std::vector<data::IdsPair>& held_out() const { return held_out_; }
  data::IdsPair ids_of(const data::Pair& pair) const;  // of en-fr
  bool is_en_fr() const { return data_ == "en-fr"; }

 private:
  void read_en_fr(const std::filesystem::path& run);
  void read_file(const std::filesystem::path& run);

  std::string data_ = "en-fr";
  std::unique_ptr<data::Tokenizer> source_, target_;
  std::vector<data::IdsPair> training_, held_out_;
};

using models::Translator;

// Of the held-out pairs: loss, translations that are right, and tokens by the length of the sentence; of
// en-fr also of longer and of unseen sentences, whether *it* is il or elle as its noun asks, and whether
// attention finds the word that is translated, and a head of it the noun that *it* stands for.
void add_pair_results(Results& results, const PairCorpus& corpus, const Translator& model);

// The first held-out pairs, as the model translates them by now.
std::string sample_translations(const PairCorpus& corpus, const Translator& model);

}  // namespace gradus::cli
