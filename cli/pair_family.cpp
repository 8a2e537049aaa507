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

std::vector<std::pair<std::string, std::string>> PairFamily::explained_results() const {
  return {{"exact", "sentences that are translated without a fault"},
          {"bleu", "0 to 100: how many runs of one to four words are also in the right translation"},
          {"exact unseen",
           "the same of sentences in which words meet that never met in training, a subject and its "
           "verb or an adjective and its noun"},
          {"exact longer",
           "the same of sentences of 17 to 25 words; those that were learned from have 16 at most"},
          {"tokens: 1-5 words",
           "French words that are right where all before them are told, in sentences of so many "
           "English ones"},
          {"alignment",
           "French nouns, verbs and the like which, of all English words, attend most to the one that "
           "they translate"},
          {"it agreement",
           "il or elle for an it: how often the right one is found the likeliest word; the gender "
           "of its noun decides"},
          {"pronoun head",
           "the encoder's head that finds nouns best: how often, of all words, it attends from it "
           "most to its noun. \"Two words back in 65.3 %\" is what a head would find that only looks there; "
           "one that finds more looks for the noun"},
          {"slope",
           "by how much the share of right words changes with each word that a sentence is longer: near 0, "
           "length costs nothing"}};
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
