// finetune bert: a pre-trained BERT learns a task from few labelled examples.
#include <optional>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/elementwise.h>
#include <gradus/cli/bert.h>
#include <gradus/cli/families.h>
#include <gradus/cli/nearest.h>
#include <gradus/cli/print.h>
#include <gradus/cli/run.h>
#include <gradus/cli/tasks.h>
#include <gradus/core/check.h>
#include <gradus/core/create.h>
#include <gradus/data/masking.h>
#include <gradus/data/source.h>
#include <gradus/data/streams.h>
#include <gradus/models/hugging_face_bert.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;
using data::Split;
using data::TaskExample;
using models::Tuning;

// Of the examples that are held out: those that choose the best weights, and those that the results are of.
constexpr std::uint64_t choosing = 1, judging = 0;
constexpr std::int64_t choosing_count = 500, judging_count = 2000;

// Of the loss of hidden words, beside the task's. With more, a net learns the words of its few examples by
// heart.
constexpr double words_weight = 0.3;

const char* const pretrained_folder = "pretrained";  // its configuration and tokenizer
const char* const be_finetuned = "be finetuned";

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const data::Task& task : data::tasks()) names.push_back(task.name);
  names.push_back(data::word_senses().name);
  return names;
}

const data::Task& task_of(const std::string& name) {
  return name == data::word_senses().name ? data::word_senses() : data::find_task(name);
}

std::vector<TaskExample> examples_of(const data::Task& task, std::uint64_t seed, Split split,
                                     std::int64_t count) {
  std::vector<TaskExample> list;
  for (std::int64_t i = 0; i < count; ++i) list.push_back(task.example(seed, i, split));
  return list;
}

class FinetunedBert final : public Family, public KnowsTask {
 public:
  void describe(Options& options, TrainSettings& defaults) override {
    options.group("Task");
    options.add({.name = "task",
                 .value = &task_name_,
                 .shown = "NAME",
                 .says = one_of(task_names()),
                 .choices = task_names()});
    options.add({.name = "model",
                 .value = &model_,
                 .shown = "DIR",
                 .says = "the run of a BERT that train has made",
                 .kept = Kept::no});
    options.add({.name = "examples",
                 .value = &examples_,
                 .shown = "N",
                 .says = "labelled examples to learn from",
                 .least = 1,
                 .most = 100'000});
    options.add(
        {.name = "mode",
         .value = &mode_,
         .shown = "KIND",
         .says = "what learns: all weights, and hidden words of the examples are told as in pre-training; "
                 "with frozen, the head and the pooler; with features, a head that sees the last "
                 "layers. The last two want a larger --lr",
         .choices = {"all", "frozen", "features"}});
    options.add({.name = "from-scratch",
                 .value = &from_scratch_,
                 .says = "begin with random weights, to see what pre-training gives"});
    defaults = {.steps = 800, .batch_size = 32, .eval_every = 100, .lr = 2e-4};
  }

  void check_settings(const Options&) const override {
    check(!task_name_.empty(), "finetune", "for which task? --task ", one_of(task_names()));
  }

  Training begin(const TrainSettings& settings, const fs::path& run) override {
    if (run.empty())
      before_ = open_run("finetune", model_);
    else
      before_ = open_untrained("finetune", (run / pretrained_folder).string());
    const auto& bert = ability<IsBert>("finetune", before_, be_finetuned);
    make_model(bert);
    if (run.empty() && !from_scratch_) {
      task_model_->bert.load_state(bert.pretrained().bert.state());
      if (task_model_->words) task_model_->words->load_state(bert.pretrained().mlm.state());
    }
    masking_ = {.vocabulary = bert.tokenizer().vocabulary().size(),
                .special = data::special_ids(bert.tokenizer().vocabulary())};
    const data::Task& task = task_of(task_name_);
    const auto seed = static_cast<std::uint64_t>(settings.seed);
    learned_ = examples_of(task, seed, Split::train, examples_);
    chosen_by_ = examples_of(task, choosing, Split::held_out, choosing_count);
    batches_.emplace(data::Order(examples_, std::min(examples_, settings.batch_size), seed),
                     [this](const std::vector<std::int64_t>& items, std::int64_t) {
                       std::vector<TaskExample> some;
                       for (const std::int64_t item : items)
                         some.push_back(learned_[static_cast<std::size_t>(item)]);
                       return reader_->batch(some);
                     });
    return {.model = &*task_model_,
            .next_loss =
                [this, seed] {
                  data::Random random(
                      seed, {data::streams::masks, batches_->place().epoch, batches_->place().batch});
                  const TaskReader::Batch batch = batches_->next();
                  seen_ += batch.text.ids.size(0);
                  const Tensor loss = task_model_->loss(batch.text, batch.labels);
                  return task_model_->words ? loss + words_weight * words_loss(batch.text, random) : loss;
                },
            .parts = {optim::part("batches", *batches_)},
            .evaluate = [this] { return 1 - (choosing_score_ = choosing_score()); },
            .sample = [this] { return sample(); },
            .unit = "examples",
            .units = [this] { return seen_; }};
  }

  void keep(const fs::path& run) const override {
    const fs::path folder = run / pretrained_folder;
    const auto& bert = ability<IsBert>("finetune", before_, be_finetuned);
    if (before_.module == nullptr) {  // of another program's, whose folders hold weights as well
      bert.tokenizer().save(folder);
      models::save_bert(bert.pretrained(), folder);
      return;
    }
    bert.tokenizer().save(folder / "tokenizer");
    write_config(folder, before_.model, before_.options.object());
  }

  Results results() override {
    const data::Task& task = task_of(task_name_);
    const std::vector<TaskExample> examples = examples_of(task, judging, Split::held_out, judging_count);
    const nn::EvalMode evaluating(*task_model_);
    const double score =
        no_grad([&] { return reader_->score(reader_->answers(*task_model_, examples), examples); });
    Results results;
    results.add("task", task.name, task.name + ", as " + task.stands_for);
    results.values.emplace_back("metric", name_of(task.metric));
    results.add("score", score,
                printed("%s %.1f %%, on %lld held-out examples", name_of(task.metric), 100 * score,
                        static_cast<long long>(judging_count)));
    return results;
  }

  std::vector<std::pair<std::string, std::string>> explained_results() const override {
    return {{"evaluation",
             "on the way: what the score on 500 other examples lacks of 1; the weights where it is least are "
             "kept"},
            {"score", "of these weights, on 2000 examples more"}};
  }

  std::vector<std::string> uses(const std::string& run) const override {
    const data::Task& task = task_of(task_name_);
    const TaskExample example = task.example(judging, 0, Split::held_out);
    std::string line = "./gradus ";
    line.append(verb_for(task)).append(" --model ").append(run);
    std::vector<std::string> texts{example.first};
    if (!example.second.empty()) texts.push_back(example.second);
    texts.insert(texts.end(), example.choices.begin(), example.choices.end());
    for (const std::string& text : texts) line.append(" \"").append(text).append("\"");
    return {line};
  }

  std::vector<std::string> examples(const std::string& model) const override {
    const std::string begin = "./gradus finetune " + model;
    return {begin + " --task sentiment --model runs/bert-1",
            begin + " --task ner --model runs/bert-1 --mode frozen --lr 3e-3",
            begin + " --task qa --model runs/bert-1 --from-scratch"};
  }

  nn::Module& open(const fs::path& run) override {
    before_ = open_untrained("finetune", (run / pretrained_folder).string());
    make_model(ability<IsBert>("finetune", before_, be_finetuned));
    return *task_model_;
  }

  const data::Task& task() const override { return task_of(task_name_); }
  const TaskReader& reader() const override { return *reader_; }
  const models::BertTask& model() const override { return *task_model_; }

 private:
  void make_model(const IsBert& bert) {
    const models::BertConfig& config = bert.pretrained().options;
    reader_.emplace("finetune", task_of(task_name_), bert.tokenizer(), config.context);
    task_model_.emplace(models::BertTask::Options{.bert = config,
                                                  .head = reader_->head(),
                                                  .outputs = reader_->outputs(),
                                                  .tuning = mode_ == "all"      ? Tuning::all
                                                            : mode_ == "frozen" ? Tuning::frozen
                                                                                : Tuning::features,
                                                  .feature_layers = std::min<std::int64_t>(4, config.layers),
                                                  .tells_words = mode_ == "all"});
  }

  Tensor words_loss(const models::BertText& text, data::Random& random) const {
    const data::Masked masked = data::mask_tokens(text.ids.to_vector<std::int64_t>(), masking_, random);
    models::BertText hidden = text;
    hidden.ids = from_vector(masked.ids, text.ids.shape());
    return task_model_->words_loss(hidden, from_vector(masked.labels, text.ids.shape()));
  }

  // Not the loss: with so few examples a net is soon too sure of itself, and the loss on others grows while
  // more of them are told right.
  double choosing_score() const {
    return reader_->score(reader_->answers(*task_model_, chosen_by_), chosen_by_);
  }

  std::string sample() const {
    return printed("%s %.1f %% on other examples", name_of(task().metric), 100 * choosing_score_);
  }

  std::string task_name_, model_, mode_ = "all";
  std::int64_t examples_ = 500, seen_ = 0;
  bool from_scratch_ = false;
  OpenRun before_;
  std::optional<TaskReader> reader_;
  data::Masking masking_{};
  std::optional<models::BertTask> task_model_;
  std::vector<TaskExample> learned_, chosen_by_;
  double choosing_score_ = 0;
  std::optional<data::Source<TaskReader::Batch>> batches_;
};

}  // namespace

const char* verb_for(const data::Task& task) {
  if (task.kind == data::TaskKind::span) return "answer";
  return task.kind == data::TaskKind::tags ? "tag" : "classify";
}

FamilyEntry finetuned_bert() {
  return {.models = {{std::string(finetuned) + "bert", "BERT with the head of a task"}},
          .make = [](const std::string&) { return std::make_unique<FinetunedBert>(); }};
}

}  // namespace gradus::cli
