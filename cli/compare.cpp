#include <gradus/cli/compare.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include <gradus/autograd/grad_mode.h>
#include <gradus/autograd/ops/loss.h>
#include <gradus/autograd/ops/reduce.h>
#include <gradus/cli/guarded.h>
#include <gradus/cli/options.h>
#include <gradus/cli/print.h>
#include <gradus/core/allocator.h>
#include <gradus/core/check.h>
#include <gradus/core/io/file.h>
#include <gradus/core/parallel.h>
#include <gradus/core/random.h>
#include <gradus/data/en_fr_ids.h>
#include <gradus/models/arena.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/fit.h>
#include <gradus/optim/schedule.h>

namespace gradus::cli {
namespace {

namespace fs = std::filesystem;
using data::EnFr;

void describe(Options& options, CompareSettings& s) {
  options.group("Options");
  options.add({.name = "params",
               .value = &s.parameters,
               .shown = "N",
               .says = "weights of each model, within 3 %",
               .least = 1});
  options.add({.name = "steps",
               .value = &s.steps,
               .shown = "N",
               .says = "batches that each learns from",
               .least = 1});
  options.add({.name = "batch-size",
               .value = &s.batch_size,
               .shown = "N",
               .says = "sentences in a batch",
               .least = 1});
  options.add({.name = "quick", .value = &s.quick, .says = "smaller models, fewer batches: under a minute"});
  options.add({.name = "seed", .value = &s.seed, .shown = "N", .says = "of weights and order", .least = 0});
  options.add(threads_option(s.threads));
  options.add({.name = "out",
               .value = &s.out,
               .shown = "DIR",
               .says = "keep the table as table.txt, results.csv and results.json",
               .unset = "nothing is kept"});
}

// What models are asked about: pairs that none of them learns from.
struct Examination {
  std::vector<data::IdsPair> held_out, longer;
  std::vector<models::Choice> adjectives;  // of held_out
  std::vector<models::ReferringPair> with_it;
  std::vector<Sentence> sentences;
  std::vector<data::Ids> sentence_ids;

  Examination(const data::EnFrIds& corpus, std::int64_t count) {
    const EnFr drawn(0);
    const auto pairs = [&](EnFr::Split split, std::int64_t n) {
      std::vector<data::Pair> all;
      for (std::int64_t i = 0; i < n; ++i) all.push_back(drawn.pair(split, i));
      return all;
    };
    const auto ids = [&](const std::vector<data::Pair>& all) {
      std::vector<data::IdsPair> found;
      for (const data::Pair& pair : all) found.push_back(corpus.ids_of(pair));
      return found;
    };
    const std::vector<data::Pair> random = pairs(EnFr::Split::random, count);
    held_out = ids(random);
    longer = ids(pairs(EnFr::Split::longer, count / 2));
    ask_of_adjectives(random, corpus.french);
    for (std::int64_t i = 0; std::ssize(with_it) < count / 2; ++i)
      ask_of_it(drawn.pair(EnFr::Split::random, i), corpus);
    choose_sentences(random);
  }

 private:
  void ask_of_adjectives(const std::vector<data::Pair>& random, const data::Vocabulary& french) {
    std::vector<data::Ids> forms;
    for (const std::vector<std::string>& words : data::adjective_forms()) {
      data::Ids& known = forms.emplace_back();
      for (const std::string& word : words)
        if (const auto id = french.find(word)) known.push_back(*id);
    }
    for (std::size_t i = 0; i < random.size(); ++i)
      for (std::size_t t = 0; t < held_out[i].target.size(); ++t)
        for (const data::Ids& known : forms)
          if (std::ranges::count(known, held_out[i].target[t]) > 0)
            adjectives.push_back({.pair = i, .place = static_cast<std::int64_t>(t), .rivals = known});
  }

  // Whether it is il or elle.
  void ask_of_it(const data::Pair& pair, const data::EnFrIds& corpus) {
    for (const data::Reference& reference : pair.references) {
      const std::string& french = pair.french[static_cast<std::size_t>(reference.french_pronoun)];
      if (pair.english[static_cast<std::size_t>(reference.english_pronoun)] != "it") continue;
      if (french != "il" && french != "elle") continue;
      with_it.push_back({corpus.ids_of(pair), reference});
      return;
    }
  }

  // A short one, one in which `it` finds its noun, and a long one.
  void choose_sentences(const std::vector<data::Pair>& random) {
    const auto first = [&](const auto& fits) {
      const auto found = std::ranges::find_if(random, fits);
      if (found == random.end()) return;
      sentences.push_back({data::sentence_of(found->english), data::sentence_of(found->french)});
      sentence_ids.push_back(held_out[static_cast<std::size_t>(found - random.begin())].source);
    };
    first([](const data::Pair& pair) { return pair.english.size() >= 6 && pair.english.size() <= 7; });
    first([](const data::Pair& pair) {
      return !pair.references.empty() && std::ranges::count(pair.english, "it") > 0;
    });
    first([](const data::Pair& pair) { return pair.english.size() == EnFr::longest_in_training; });
  }
};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double percent(const data::Share& share) { return 100 * share.value(); }

struct Trained {
  double seconds, megabytes;
  std::int64_t tokens;
};

// The figures that time, memory and sizes are, and those of the examination.
std::vector<Figure> figures_of(const models::Entrant& entrant, const Examination& asked,
                               const Trained& trained, const data::DecoderIds& ids) {
  const models::Translator& model = entrant.translator;
  const models::TranslateOptions greedy{.ids = ids};
  const models::TranslationReport found =
      models::report_on(model.writer, model.logits, asked.held_out, greedy);
  std::vector<Figure> figures{
      {"parameters", "parameters", static_cast<double>(entrant.model->parameter_count()), 0},
      {"tokens_per_second", "tokens a second", static_cast<double>(trained.tokens) / trained.seconds, 0},
      {"seconds", "seconds of training", trained.seconds, 1},
      {"peak_megabytes", "MB held at most", trained.megabytes, 0},
      {"loss", "loss (floor: 0)", models::pair_loss(model.logits, asked.held_out, greedy), 4},
      {"exact", "% exact", percent(found.exact), 1},
      {"bleu", "BLEU", found.bleu, 1}};
  models::AccuracyByLength tokens = found.tokens;
  for (const auto& [length, share] : models::token_accuracy(model.logits, asked.longer, greedy).lengths)
    tokens.lengths[length] += share;
  for (const auto& [longest, share] : tokens.buckets(5)) {
    const std::string lengths = std::to_string(longest - 4).append("-").append(std::to_string(longest));
    figures.push_back({"tokens_" + lengths, "% of words, " + lengths, percent(share), 1});
  }
  const data::Share agreement =
                        models::choice_accuracy(model.logits, asked.held_out, asked.adjectives, greedy),
                    pronouns = models::pronoun_agreement(model.logits, asked.with_it, greedy);
  figures.push_back({"agreement", "% agreement", percent(agreement), 1});
  figures.push_back({"il_elle", "% il/elle of it", percent(pronouns), 1});
  return figures;
}

// Files that are whole at any time: what is done is kept, whatever happens to the rest.
void keep(const Comparison& comparison) {
  if (comparison.settings.out.empty()) return;
  const fs::path out = comparison.settings.out;
  const auto write = [&](const char* name, const std::string& text) {
    write_atomically((out / name).string(), [&](const Sink& sink) { sink(text); });
  };
  write("table.txt", table_of(comparison));
  write("results.csv", csv_of(comparison));
  write("results.json", format_json(json_of(comparison)) + "\n");
}

void make_folder(const std::string& out) {
  if (out.empty()) return;
  std::error_code error;
  fs::create_directories(out, error);
  check(!error, "compare", "--out ", out, " cannot be made: ", error.message(), ". Another folder?");
}

}  // namespace

int compare(const std::vector<std::string>& words) {
  Comparison comparison;
  CompareSettings& settings = comparison.settings;
  Options options("compare");
  describe(options, settings);
  const std::vector<std::string> rest = options.read(words);
  check(rest.empty(), "compare", "'", rest.empty() ? "" : rest[0], "' belongs to no option. Leave it out?");
  if (settings.quick) {
    if (!options.is_given("params")) settings.parameters = 300'000;
    if (!options.is_given("steps")) settings.steps = 1'000;
    settings.held_out = 200;
  }
  if (settings.threads > 0) set_threads(static_cast<int>(settings.threads));
  make_folder(settings.out);

  const data::EnFrIds corpus(100'000);
  const Examination asked(corpus, settings.held_out);
  comparison.sentences = asked.sentences;
  const models::TranslationTask task{.source_vocabulary = corpus.english.size(),
                                     .target_vocabulary = corpus.french.size(),
                                     .ids = corpus.ids};

  // What no model can have is refused before anything is printed.
  for (const models::Contestant& contestant : models::contestants())
    contestant.make(task, settings.parameters);
  std::cout << "English to French: five models of " << settings.parameters << " weights, " << settings.steps
            << " batches of " << settings.batch_size << " sentences" << std::endl;
  bool stopped = false;
  for (const models::Contestant& contestant : models::contestants()) {
    manual_seed(static_cast<std::uint64_t>(settings.seed));
    const models::Entrant entrant = contestant.make(task, settings.parameters);
    std::cout << "\n"
              << contestant.name << ": " << contestant.says << ", " << entrant.sizes << ", learning rate "
              << contestant.lr << std::endl;
    auto batches = data::pair_batches(corpus.training, {.size = {.sequences = settings.batch_size},
                                                        .ids = corpus.ids,
                                                        .seed = static_cast<std::uint64_t>(settings.seed)});
    Trained trained{};
    const auto loss_of = [&](const data::PairBatch& batch) {
      trained.tokens += sum(batch.target.lengths).to_vector<std::int64_t>()[0];
      return cross_entropy(entrant.translator.logits(batch.source, batch.target.input).flatten(0, 1),
                           batch.target.target.flatten());
    };
    optim::AdamW optimiser(*entrant.model, {.lr = contestant.lr});
    reset_peak_memory();
    const double begin = seconds_now();
    const optim::FitResult result = optim::fit(
        *entrant.model, optimiser, batches, loss_of,
        {.steps = settings.steps,
         .schedule =
             optim::Cosine{.lr = contestant.lr, .steps = settings.steps, .warmup = settings.steps / 20},
         .clip_norm = 1});
    trained.seconds = seconds_now() - begin;
    trained.megabytes = static_cast<double>(memory_stats().peak_bytes) / (1 << 20);
    stopped = result.ending == optim::Ending::interrupted;
    if (stopped) break;

    const nn::EvalMode evaluating(*entrant.model);
    const GradMode off(false);
    Compared& model =
        comparison.models.emplace_back(Compared{.name = contestant.name,
                                                .says = contestant.says,
                                                .figures = figures_of(entrant, asked, trained, corpus.ids)});
    for (const data::Ids& ids :
         models::translate(entrant.translator.writer, asked.sentence_ids, {.ids = corpus.ids}))
      model.translations.push_back(corpus.french_sentence(ids));
    std::cout << contestant.name << ": " << printed("%.0f s, loss %.3f", trained.seconds, result.loss)
              << std::endl;
    keep(comparison);
  }

  std::cout << "\n" << table_of(comparison) << std::flush;
  if (!settings.out.empty() && !comparison.models.empty())
    std::cout << "\nThe table is in " << settings.out << ": table.txt, results.csv, results.json\n";
  if (!stopped) return 0;
  std::cerr << "stopped: " << models::contestants()[comparison.models.size()].name
            << " and what comes behind it are not in the table" << std::endl;
  return interrupted;
}

std::string compare_page() {
  CompareSettings settings;
  Options options("compare");
  describe(options, settings);
  return "usage: gradus compare [OPTIONS]\n\nTrains five families of models to translate English to French, "
         "each with as many\nweights and on the same sentences, and says in a table what each has come "
         "to.\n\n" +
         options.help() + R"(
What the rows say:
  loss             nats a word on held-out sentences; the translation is a
                   function of the sentence, so that 0 can be reached
  % exact          held-out sentences without a fault
  % of words, 1-5  words that are right where all before them are told, in
                   sentences of so many; those that were learned from have 16
                   at most
  % agreement      adjectives in the gender and number of their noun
  % il/elle of it  pronouns that are right, which depends on its noun

examples:
  ./gradus compare --quick
  ./gradus compare --params 1000000 --steps 6000 --out runs/compare
)";
}

}  // namespace gradus::cli
