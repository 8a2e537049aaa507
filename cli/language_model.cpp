#include <gradus/cli/language_model.h>

#include <utility>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/models/sampling.h>

namespace gradus::cli {

namespace fs = std::filesystem;

void LanguageModel::describe_data(Options& options, std::string says_of_block) {
  corpus_.describe(options);
  options.add({.name = std::string(flag_).substr(2),
               .value = &block_,
               .shown = "N",
               .says = std::move(says_of_block),
               .least = 1});
}

Training LanguageModel::begin(const TrainSettings& settings, const fs::path& run) {
  corpus_.read(run, flag_, block_);
  model_ = &make_model(corpus_.tokenizer().vocabulary().size());
  batches_.emplace(
      data::window_batches(corpus_.training(), {.batch_size = settings.batch_size,
                                                .block = block_,
                                                .seed = static_cast<std::uint64_t>(settings.seed)}));
  return {.model = model_,
          .next_loss =
              [this] {
                const data::LmBatch batch = batches_->next();
                tokens_ += batch.target.numel();
                return cross_entropy(logits(batch.input).flatten(0, 1), batch.target.flatten());
              },
          .parts = {optim::part("batches", *batches_)},
          .evaluate = [this] { return window_loss(logits_of(), corpus_.held_out(), block_); },
          .sample = [this] { return sample(); },
          .unit = "tokens",
          .units = [this] { return tokens_; }};
}

void LanguageModel::keep(const fs::path& run) const { corpus_.tokenizer().save(run / "tokenizer"); }

Results LanguageModel::results() {
  Results results;
  const nn::EvalMode evaluating(*model_);
  no_grad([&] { add_text_results(results, corpus_, logits_of(), block_); });
  return results;
}

std::vector<std::pair<std::string, std::string>> LanguageModel::explained_results() const {
  return {{"perplexity", "e to the loss: who is as unsure chooses among so many, all as likely"},
          {"floor", "of stories: the loss of somebody who knows the rules by which they are made"},
          {"agreement: ...",
           "of stories: words that earlier ones decide, and how often the right one is found "
           "the likeliest, by the model and by who knows the rules. The loss is in nats a "
           "word"},
          {"  pronoun", "she or he, as the name says"},
          {"  name, object", "whom the story is about, and what is wished for"},
          {"  kind", "what the object is a kind of, such as fruit for apple"},
          {"  number", "was or were, by a noun that is not the last one before"},
          {"  feeling", "good or bad, by how it went"}};
}

std::vector<std::string> LanguageModel::uses(const std::string& run) const {
  return {"./gradus generate --model " + run + (corpus_.is_stories() ? " \"mia went to the\"" : "")};
}

nn::Module& LanguageModel::open(const fs::path& run) {
  tokenizer_ = data::load_tokenizer(run / "tokenizer");
  return make_model(tokenizer_->vocabulary().size());
}

std::string LanguageModel::sample() const {
  return models::generate(*writer(), tokenizer(), "",
                          {.tokens = 40, .sampling = {.temperature = 0.8}, .begin = begin_id()});
}

}  // namespace gradus::cli
