// What families that classify pictures share: all but the model.
#pragma once

#include <optional>

#include <gradus/cli/picture_corpus.h>

namespace gradus::cli {

class PictureFamily : public Family, public ClassifiesPictures {
 public:
  Training begin(const TrainSettings& settings, const std::filesystem::path& run) final;
  void keep(const std::filesystem::path& run) const final { corpus_.save(run); }
  Results results() final;
  std::vector<std::string> uses(const std::string& run) const final;
  nn::Module& open(const std::filesystem::path& run) final;
  const PictureKind& pictures() const final { return corpus_.kind(); }
  Tensor logits(const Tensor& pictures) final;

 protected:
  PictureCorpus corpus_;

 private:
  // Makes the model, which call() asks from then on. Refuses pictures that it cannot take.
  virtual nn::Module& make_model(const PictureKind& kind) = 0;
  virtual Tensor call(const Tensor& x) = 0;

  nn::Module* model_ = nullptr;
  std::optional<data::Source<PictureCorpus::Batch>> batches_;
  std::int64_t seen_ = 0;
  PictureReport last_;  // of the validation
};

}  // namespace gradus::cli
