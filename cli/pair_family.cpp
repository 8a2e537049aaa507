#include <gradus/cli/pair_family.h>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/reduce.h>

namespace gradus::cli {
namespace fs = std::filesystem;

nn::Module& PairFamily::made() {
  model_ = &make_model();
  translator_ = translator();
  return *model_;
}

Training PairFamily::begin(const TrainSettings& settings, const fs::path& run) {
  corpus_.read(run);
  made();
  batches_.emplace(
      data::pair_batches(corpus_.training(), {.size = {.sequences = settings.batch_size},
                                              .ids = corpus_.ids(),
                                              .seed = static_cast<std::uint64_t>(settings.seed)}));
  return {.model = model_,
          .next_loss =
              [this] {
                const data::PairBatch batch = batches_->next();
                tokens_ += sum(batch.target.lengths).to_vector<std::int64_t>()[0];
                return loss(batch);
              },
          .parts = {optim::part("batches", *batches_)},
          .evaluate =
              [this] {
                return models::pair_loss(translator_.logits, corpus_.held_out(), {.ids = corpus_.ids()});
              },
          .sample = [this] { return sample_translations(corpus_, translator_); },
          .unit = "tokens",
          .units = [this] { return tokens_; }};
}

Results PairFamily::results() {
  Results results;
  const nn::EvalMode evaluating(*model_);
  no_grad([&] { add_pair_results(results, corpus_, translator_); });
  return results;
}

std::vector<std::string> PairFamily::uses(const std::string& run) const {
  const std::string begin = "./gradus translate --model " + run;
  if (!corpus_.is_en_fr()) return {begin + " < sentences.txt"};
  return {begin + " \"The animal didn't cross the street because it was too tired.\"",
          translator_.weights ? begin + " --attention \"The dogs sleep.\""
                              : begin + " --beam 1 \"The dogs sleep.\""};
}

nn::Module& PairFamily::open(const fs::path& run) {
  corpus_.open(run);
  return made();
}

}  // namespace gradus::cli
